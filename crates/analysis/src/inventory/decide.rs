//! Concrete paths to templates: which segments are parameters, and why.
//!
//! Going down the tree, the children of a node are words, and perhaps one child for all values.
//! Words that behave alike ([`Profile`]) are gathered into clusters; each cluster is a parameter
//! or it is not, by the weighted evidence of [`Evidence::weigh`]. All that is a parameter at one
//! place becomes one child, and the search goes on below it with everything pooled. This follows
//! the statistical template tree of the design notes, whose head is a boosted tree; here it is
//! logistic, so that every decision is a sum that can be shown.

use std::collections::{BTreeMap, BTreeSet};

use exchange::endpoint::{Method, PathTemplate, TemplateSegment};
use exchange::kind::ValueKind;

use super::evidence::{Evidence, OPERATIONS_ALIKE, Place, alike};
use super::outline::Outline;
use super::profile::Profile;
use super::tally::Tally;
use super::template::{Key, Node};
use super::words;
use crate::sketch::{Counts, Distinct};
use crate::snapshot::{Basis, SegmentGrounds};

/// Words below a word that behave alike, from which they are a crowd.
const CROWD_LEAST: usize = 6;

/// Words of a parameter from which a word that fits no cluster may join it.
const STRAGGLER_SIBLINGS: u64 = 2;

/// How much more than the parameter's mean such a word may be used.
const STRAGGLER_HITS: f64 = 2.0;

/// Clusters that a word is compared with; the largest come first.
const CLUSTERS_MAX: usize = 64;

/// One template and method, with all that is known of it.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) template: PathTemplate,
    pub(crate) method: Method,
    pub(crate) tally: Tally,
    /// What the values of the path parameters looked like, in their order.
    pub(crate) kinds: Vec<Counts<ValueKind>>,
    pub(crate) grounds: Vec<SegmentGrounds>,
}

/// Templates in a form in which a path finds its own.
#[derive(Debug, Default)]
pub(crate) struct Route {
    literals: BTreeMap<Box<str>, Route>,
    parameter: Option<Box<Route>>,
    leaves: Vec<(Method, usize)>,
}

impl Route {
    /// The index of the template that the path belongs to: literals before parameters.
    pub(crate) fn find(&self, method: Method, path: &[Key<'_>]) -> Option<usize> {
        let Some((first, rest)) = path.split_first() else {
            return self.leaves.iter().find(|(known, _)| *known == method).map(|(_, at)| *at);
        };
        if let Key::Word(word) = first
            && let Some(next) = self.literals.get(*word)
            && let Some(found) = next.find(method, rest)
        {
            return Some(found);
        }
        self.parameter.as_ref().and_then(|next| next.find(method, rest))
    }
}

/// Reads the templates from a tree: all of them, and the way to find them.
pub(crate) fn templates(root: &Node) -> (Vec<Decided>, Route) {
    let mut walk = Walk::default();
    let route = walk.descend(&[&Outline::of(root)]);
    (walk.decided, route)
}

#[derive(Default)]
struct Walk {
    decided: Vec<Decided>,
    segments: Vec<TemplateSegment>,
    kinds: Vec<Counts<ValueKind>>,
    grounds: Vec<SegmentGrounds>,
}

impl Walk {
    fn descend(&mut self, nodes: &[&Outline<'_>]) -> Route {
        let mut route = Route { leaves: self.leaves(nodes), ..Route::default() };
        let split = split(nodes, &self.place(nodes));
        for (word, below) in &split.literals {
            self.segments.push(TemplateSegment::Literal((*word).into()));
            route.literals.insert((*word).into(), self.descend(below));
            self.segments.pop();
        }
        if let Some(parameter) = split.parameter {
            let name = self.name();
            self.segments.push(TemplateSegment::Parameter(name.into()));
            self.kinds.push(parameter.kinds);
            self.grounds.push(parameter.grounds);
            route.parameter = Some(Box::new(self.descend(&parameter.nodes)));
            self.grounds.pop();
            self.kinds.pop();
            self.segments.pop();
        }
        route
    }

    fn leaves(&mut self, nodes: &[&Outline<'_>]) -> Vec<(Method, usize)> {
        let mut merged: BTreeMap<Method, Tally> = BTreeMap::new();
        for leaf in nodes.iter().flat_map(|node| &node.leaves) {
            merged.entry(leaf.method).or_default().merge(leaf.tally);
        }
        let mut leaves = Vec::with_capacity(merged.len());
        for (method, tally) in merged {
            leaves.push((method, self.decided.len()));
            self.decided.push(Decided {
                template: PathTemplate(self.segments.clone()),
                method,
                tally,
                kinds: self.kinds.clone(),
                grounds: self.grounds.clone(),
            });
        }
        leaves
    }

    /// What the place in the path tells about its segments.
    fn place(&self, nodes: &[&Outline<'_>]) -> Place {
        let previous = self.segments.last();
        let literal = match previous {
            Some(TemplateSegment::Literal(word)) => Some(&**word),
            _ => None,
        };
        Place {
            segment: self.segments.len() as u16,
            after_plural: literal.is_some_and(words::is_plural),
            after_parameter: matches!(previous, Some(TemplateSegment::Parameter(_))),
            after_root: literal.is_none_or(|word| words::is_version(word) || word == "api")
                && !matches!(previous, Some(TemplateSegment::Parameter(_))),
            answers: nodes.iter().any(|node| !node.leaves.is_empty()),
        }
    }

    /// A name for the next parameter, different from those before it.
    fn name(&self) -> String {
        let literal = self.segments.last().and_then(|segment| match segment {
            TemplateSegment::Literal(word) => Some(&**word),
            TemplateSegment::Parameter(_) => None,
        });
        let taken = |name: &str| {
            let same = |segment: &TemplateSegment| match segment {
                TemplateSegment::Parameter(known) => **known == *name,
                TemplateSegment::Literal(_) => false,
            };
            self.segments.iter().any(same)
        };
        let base = words::parameter_name(literal);
        let numbered = (2..).map(|number| format!("{base}{number}"));
        std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base)
    }
}

/// The children of some nodes, divided.
struct Split<'a> {
    literals: Vec<(&'a str, Vec<&'a Outline<'a>>)>,
    parameter: Option<Parameter<'a>>,
}

struct Parameter<'a> {
    nodes: Vec<&'a Outline<'a>>,
    kinds: Counts<ValueKind>,
    grounds: SegmentGrounds,
}

/// A word, its nodes, and the exchanges that showed an endpoint there.
type Member<'a> = (&'a str, Vec<&'a Outline<'a>>, u64);

/// Words that behave alike.
struct Cluster<'a> {
    profile: Profile,
    members: Vec<Member<'a>>,
    /// A lowest agreement of fields was seen, so bodies speak for the cluster.
    by_fields: bool,
}

impl Cluster<'_> {
    fn evidence(&self, values: Option<&Profile>, siblings: usize, place: &Place) -> Evidence {
        let words: Vec<(&str, u64)> =
            self.members.iter().map(|(word, _, hits)| (*word, *hits)).collect();
        let likeness = values.map(|values| values.likeness(&self.profile, OPERATIONS_ALIKE));
        Evidence::of(&words, self.by_fields, likeness, siblings, place)
    }
}

fn split<'a>(nodes: &[&'a Outline<'a>], place: &Place) -> Split<'a> {
    let mut by_word: BTreeMap<&str, Vec<&Outline<'_>>> = BTreeMap::new();
    for (word, child) in nodes.iter().flat_map(|node| &node.words) {
        by_word.entry(word).or_default().push(child);
    }
    let values: Vec<&Outline<'_>> = nodes.iter().filter_map(|node| node.value.as_deref()).collect();
    let more: Vec<&Outline<'_>> = nodes.iter().filter_map(|node| node.more.as_deref()).collect();
    let mut found = Split { literals: Vec::new(), parameter: None };
    let mut merged = Merged::new(place.segment, &values, &more, nodes);

    if by_word.len() + values.len() + more.len() > 1 {
        let shared = literals_below(&by_word, &values);
        let value = (!values.is_empty()).then(|| Profile::of(&values, &shared));
        let mut stragglers = Vec::new();
        let siblings = by_word.len();
        for cluster in clusters(by_word, &shared, &mut found.literals) {
            let evidence = cluster.evidence(value.as_ref(), siblings, place);
            let weight = evidence.weigh();
            let alone = cluster.members.len() == 1 && evidence.values <= 0.0;
            if alone {
                stragglers.extend(cluster.members);
            } else if weight > 0.0 {
                merged.take(cluster, weight);
            } else {
                found
                    .literals
                    .extend(cluster.members.into_iter().map(|(word, own, _)| (word, own)));
            }
        }
        found.literals.extend(merged.take_stragglers(stragglers));
        found.literals.sort_unstable_by_key(|(word, _)| *word);
    } else {
        found.literals.extend(by_word);
    }
    found.parameter = merged.finish(found.literals.len());
    found
}

/// Words that one level further down mean the same below all of these words: literals of whatever
/// template comes of them. All that is below is pooled; what only one word has below it, and what
/// comes in crowds that behave alike there, is likely to be another parameter's value.
fn literals_below<'a>(
    by_word: &BTreeMap<&'a str, Vec<&'a Outline<'a>>>,
    values: &[&'a Outline<'a>],
) -> BTreeSet<&'a str> {
    let mut pooled: BTreeMap<&str, Vec<&Outline<'_>>> = BTreeMap::new();
    let mut parents: BTreeMap<&str, usize> = BTreeMap::new();
    for nodes in by_word.values().map(Vec::as_slice).chain((!values.is_empty()).then_some(values)) {
        let mut mine: Vec<&str> = Vec::new();
        for (word, child) in nodes.iter().flat_map(|node| &node.words) {
            pooled.entry(word).or_default().push(child);
            mine.push(word);
        }
        mine.sort_unstable();
        mine.dedup();
        mine.iter().for_each(|word| *parents.entry(word).or_default() += 1);
    }
    let mut literals: BTreeSet<&str> = pooled.keys().copied().collect();
    literals.retain(|word| words::is_reserved(word) || parents.get(word).is_some_and(|n| *n > 1));
    for cluster in clusters(pooled, &BTreeSet::new(), &mut Vec::new()) {
        if cluster.members.len() >= CROWD_LEAST {
            cluster.members.iter().for_each(|(word, _, _)| {
                literals.remove(word);
            });
        }
    }
    literals
}

/// Gathers words with like profiles, the busiest first; reserved words go to `literals`.
fn clusters<'a>(
    by_word: BTreeMap<&'a str, Vec<&'a Outline<'a>>>,
    shared: &BTreeSet<&str>,
    literals: &mut Vec<(&'a str, Vec<&'a Outline<'a>>)>,
) -> Vec<Cluster<'a>> {
    let mut profiled = Vec::with_capacity(by_word.len());
    for (word, nodes) in by_word {
        if words::is_reserved(word) {
            literals.push((word, nodes));
        } else {
            let profile = Profile::of(&nodes, shared);
            profiled.push((word, nodes, profile));
        }
    }
    profiled.sort_by_key(|(word, _, profile)| (std::cmp::Reverse(profile.hits), *word));
    let mut clusters: Vec<Cluster<'a>> = Vec::new();
    for (word, nodes, profile) in profiled {
        let hits = profile.hits;
        let mut best: Option<(usize, f64, bool)> = None;
        for (at, cluster) in clusters.iter().take(CLUSTERS_MAX).enumerate() {
            let likeness = cluster.profile.likeness(&profile, OPERATIONS_ALIKE);
            let Some(score) = alike(likeness) else { continue };
            if best.is_none_or(|(_, highest, _)| score > highest) {
                best = Some((at, score, likeness.fields.is_some()));
            }
        }
        match best {
            Some((at, _, by_fields)) => {
                let cluster = &mut clusters[at];
                cluster.profile.merge(&profile);
                cluster.by_fields |= by_fields;
                cluster.members.push((word, nodes, hits));
            }
            None => {
                let members = vec![(word, nodes, hits)];
                clusters.push(Cluster { profile, members, by_fields: false });
            }
        }
    }
    clusters
}

/// All that is one parameter at one place.
struct Merged<'a> {
    nodes: Vec<&'a Outline<'a>>,
    kinds: Counts<ValueKind>,
    segment: u16,
    by_statistics: bool,
    distinct: u64,
    once: u64,
    hits: u64,
    /// Log odds of the least certain cluster.
    weight: f64,
}

impl<'a> Merged<'a> {
    fn new(
        segment: u16,
        values: &[&'a Outline<'a>],
        more: &[&'a Outline<'a>],
        parents: &[&Outline<'_>],
    ) -> Self {
        let mut kinds = Counts::default();
        values.iter().for_each(|node| kinds.merge(&node.node.kinds));
        let mut folded: Distinct<u64> = Distinct::default();
        parents.iter().for_each(|node| folded.merge(&node.node.more_words));
        if !more.is_empty() {
            kinds.add(ValueKind::Word, folded.estimate().max(1));
        }
        Self {
            nodes: values.iter().chain(more).copied().collect(),
            kinds,
            segment,
            by_statistics: !more.is_empty(),
            distinct: folded.estimate(),
            once: 0,
            hits: 0,
            weight: f64::MAX,
        }
    }

    fn take(&mut self, cluster: Cluster<'a>, weight: f64) {
        self.by_statistics = true;
        self.weight = self.weight.min(weight);
        for (_, nodes, hits) in cluster.members {
            self.add(nodes, hits);
        }
    }

    /// Takes words that fit no cluster, where there is a parameter for them: a word that was used
    /// with another method only, say. Literals beside a parameter stand out by being used more
    /// than its values. Returns those that are not taken.
    fn take_stragglers(&mut self, words: Vec<Member<'a>>) -> Vec<(&'a str, Vec<&'a Outline<'a>>)> {
        let (distinct, hits) = (self.distinct, self.hits);
        let usual = STRAGGLER_HITS * hits as f64 / distinct.max(1) as f64;
        let mut left = Vec::new();
        for (word, nodes, own) in words {
            if distinct >= STRAGGLER_SIBLINGS && own as f64 <= usual {
                self.add(nodes, own);
            } else {
                left.push((word, nodes));
            }
        }
        left
    }

    fn add(&mut self, nodes: Vec<&'a Outline<'a>>, hits: u64) {
        self.distinct += 1;
        self.once += u64::from(hits == 1);
        self.hits += hits;
        self.kinds.add(ValueKind::Word, hits);
        self.nodes.extend(nodes);
    }

    fn finish(self, literals: usize) -> Option<Parameter<'a>> {
        if self.nodes.is_empty() {
            return None;
        }
        let confidence = if self.by_statistics && self.weight < f64::MAX {
            1.0 / (1.0 + (-self.weight).exp())
        } else {
            1.0
        };
        let grounds = SegmentGrounds {
            segment: self.segment,
            basis: if self.by_statistics { Basis::Statistics } else { Basis::Kind },
            distinct: u32::try_from(self.distinct).unwrap_or(u32::MAX),
            unseen: self.once as f32 / self.hits.max(1) as f32,
            confidence: confidence as f32,
            literals: u32::try_from(literals).unwrap_or(u32::MAX),
            kinds: self.kinds.ranked(),
        };
        Some(Parameter { nodes: self.nodes, kinds: self.kinds, grounds })
    }
}
