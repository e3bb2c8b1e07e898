//! What bodies are made of, merged over many: fields with their types, how often they come, and
//! which of them are keys of a map rather than names of a record.

use exchange::data_class::DataClasses;
use exchange::kind::ValueKind;
use exchange::limits;
use exchange::shape::{Shape, ShapeNode, Types};
use serde::{Deserialize, Serialize};

/// Keys from which an object may be a map: records with more fields are rare, and are told from
/// maps by how often each field comes.
const MAP_KEYS_MIN: usize = 20;

/// Mean share of the objects that have a given key, below which these keys are data.
const MAP_PRESENCE_MAX: f64 = 0.3;

/// How one gets from a node to its child.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// To any element of an array.
    Element,
    /// To the member of this name.
    Member(Box<str>),
    /// To the members whose names are values, or that came when there was no room.
    Rest,
}

/// One place in the bodies. There are many of these in a saved state: names are short there, and
/// what is usual is left out.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Place {
    #[serde(rename = "s")]
    step: Step,
    /// JSON types seen here.
    #[serde(rename = "t")]
    types: Types,
    #[serde(rename = "k", default, skip_serializing_if = "StringKind::is_none")]
    kind: StringKind,
    /// Sensitive data recognised here.
    #[serde(rename = "d", default, skip_serializing_if = "is_harmless")]
    data: DataClasses,
    /// How often something was here.
    #[serde(rename = "n")]
    occurrences: u64,
    /// How often an object was here.
    #[serde(rename = "o", default, skip_serializing_if = "is_zero")]
    objects: u64,
    /// Objects and other things were here in one body, so that `objects` is too large.
    #[serde(rename = "m", default, skip_serializing_if = "is_false")]
    mixed: bool,
    /// Children, sorted by step.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<u32>,
}

const fn is_zero(number: &u64) -> bool {
    *number == 0
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

const fn is_harmless(data: &DataClasses) -> bool {
    data.is_empty()
}

/// What the strings at one place look like.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum StringKind {
    /// There were none.
    #[default]
    None,
    /// All alike.
    One(ValueKind),
    /// Different ones.
    Mixed,
}

impl StringKind {
    fn is_none(&self) -> bool {
        *self == Self::None
    }

    fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, kind) | (kind, Self::None) => kind,
            (Self::One(a), Self::One(b)) if a == b => self,
            _ => Self::Mixed,
        }
    }
}

/// The shapes of many bodies, merged.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct ShapeTally {
    places: Vec<Place>,
    /// Bodies that were merged.
    pub(crate) bodies: u64,
    /// Something was left out because a bound was reached.
    pub(crate) cut: bool,
}

impl ShapeTally {
    /// Adds one body.
    pub(crate) fn absorb(&mut self, shape: &Shape) {
        let Some(root) = shape.nodes.first() else { return };
        self.bodies += 1;
        self.cut |= shape.cut;
        if self.places.is_empty() {
            self.places.push(Place::new(Step::Element));
        }
        self.places[0].add(root);
        let mut place_of = Vec::with_capacity(shape.nodes.len());
        place_of.push(0_u32);
        for node in shape.nodes.iter().skip(1) {
            let guess = place_of.last().map_or(0, |last| last + 1);
            let parent = place_of.get(usize::from(node.parent)).copied().unwrap_or(0);
            let name = shape.name(node);
            let in_array = node.name.1 == 0;
            let found = self.child(parent, name, in_array, guess);
            self.places[found as usize].add(node);
            place_of.push(found);
        }
    }

    /// All bodies of the other one, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.places.is_empty() {
            return;
        }
        self.bodies += other.bodies;
        self.cut |= other.cut;
        if self.places.is_empty() {
            self.places.push(Place::new(Step::Element));
        }
        self.merge_place(0, other, 0);
    }

    fn merge_place(&mut self, mine: u32, other: &Self, theirs: u32) {
        let place = &other.places[theirs as usize];
        self.places[mine as usize].merge(place);
        for child in &place.children {
            let step = &other.places[*child as usize].step;
            let found = match self.find(mine, step) {
                Ok(found) => found,
                Err(at) => self.insert(mine, at, step.clone()),
            };
            self.merge_place(found, other, *child);
        }
    }

    /// The place of a child. `guess` is the place that followed last time: bodies of one endpoint
    /// mostly have their fields in the same order, so that one comparison finds it.
    fn child(&mut self, parent: u32, name: &str, in_array: bool, guess: u32) -> u32 {
        if let Some(place) = self.places.get(guess as usize) {
            let same = match &place.step {
                Step::Element => in_array,
                Step::Member(known) => !in_array && **known == *name,
                Step::Rest => false,
            };
            let hit = same && self.places[parent as usize].children.contains(&guess);
            if hit {
                return guess;
            }
        }
        if in_array {
            return match self.find(parent, &Step::Element) {
                Ok(found) => found,
                Err(at) => self.insert(parent, at, Step::Element),
            };
        }
        self.member(parent, name)
    }

    fn member(&mut self, parent: u32, name: &str) -> u32 {
        let children = &self.places[parent as usize].children;
        let by_name = |child: &u32| match &self.places[*child as usize].step {
            Step::Element => std::cmp::Ordering::Less,
            Step::Member(known) => (**known).cmp(name),
            Step::Rest => std::cmp::Ordering::Greater,
        };
        match children.binary_search_by(by_name) {
            Ok(at) => children[at],
            Err(_) if ValueKind::of(name.as_bytes()).is_value() => self.rest(parent),
            Err(at) => self.insert(parent, at, Step::Member(name.into())),
        }
    }

    fn rest(&mut self, parent: u32) -> u32 {
        match self.find(parent, &Step::Rest) {
            Ok(found) => found,
            Err(at) => self.insert(parent, at, Step::Rest),
        }
    }

    fn find(&self, parent: u32, step: &Step) -> Result<u32, usize> {
        let children = &self.places[parent as usize].children;
        children
            .binary_search_by(|child| self.places[*child as usize].step.cmp(step))
            .map(|at| children[at])
    }

    /// Adds a child, or leads to the rest when there is no room. The rest itself and elements
    /// always fit: there is at most one of each per place.
    fn insert(&mut self, parent: u32, at: usize, step: Step) -> u32 {
        let full = self.places.len() >= limits::INVENTORY_FIELDS_MAX;
        if full && matches!(step, Step::Member(_)) {
            self.cut = true;
            return self.rest(parent);
        }
        if self.places.len() >= 2 * limits::INVENTORY_FIELDS_MAX {
            self.cut = true;
            return parent;
        }
        let index = self.places.len() as u32;
        self.places.push(Place::new(step));
        self.places[parent as usize].children.insert(at, index);
        index
    }

    /// The root, if there was a body.
    pub(crate) fn root(&self) -> Option<Seen<'_>> {
        (!self.places.is_empty()).then_some(Seen { tally: self, places: vec![0] })
    }

    /// Calls `with` for the names of members down to `depth`, as (parent's index, name, how
    /// often); elements and rests are passed through.
    pub(crate) fn each_member(&self, depth: u8, with: &mut dyn FnMut(&str, u64)) {
        if !self.places.is_empty() {
            self.members_below(0, depth, with);
        }
    }

    fn members_below(&self, place: u32, depth: u8, with: &mut dyn FnMut(&str, u64)) {
        for child in &self.places[place as usize].children {
            let next = &self.places[*child as usize];
            match &next.step {
                Step::Member(name) => {
                    with(name, next.occurrences);
                    if depth > 1 {
                        self.members_below(*child, depth - 1, with);
                    }
                }
                Step::Element => self.members_below(*child, depth, with),
                Step::Rest => {}
            }
        }
    }
}

impl Place {
    fn new(step: Step) -> Self {
        Self {
            step,
            types: Types::default(),
            kind: StringKind::None,
            data: DataClasses::NONE,
            occurrences: 0,
            objects: 0,
            mixed: false,
            children: Vec::new(),
        }
    }

    fn add(&mut self, node: &ShapeNode) {
        let count = u64::from(node.count);
        self.types = self.types.with(node.types);
        self.data = self.data.with(node.data);
        self.occurrences += count;
        if node.types.has(Types::OBJECT) {
            self.objects += count;
            self.mixed |= node.types != Types::OBJECT;
        }
        if node.types.has(Types::STRING) {
            self.kind = self.kind.merge(node.kind.map_or(StringKind::Mixed, StringKind::One));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.types = self.types.with(other.types);
        self.data = self.data.with(other.data);
        self.occurrences += other.occurrences;
        self.objects += other.objects;
        self.mixed |= other.mixed;
        self.kind = self.kind.merge(other.kind);
    }
}

/// One or more places that are shown as one: members of a map share their value's schema.
pub(crate) struct Seen<'a> {
    tally: &'a ShapeTally,
    places: Vec<u32>,
}

impl<'a> Seen<'a> {
    fn each(&self) -> impl Iterator<Item = &'a Place> {
        let tally = self.tally;
        self.places.clone().into_iter().map(move |place| &tally.places[place as usize])
    }

    /// JSON types.
    pub(crate) fn types(&self) -> Types {
        self.each().fold(Types::default(), |types, place| types.with(place.types))
    }

    /// Data classes.
    pub(crate) fn data(&self) -> DataClasses {
        self.each().fold(DataClasses::NONE, |data, place| data.with(place.data))
    }

    /// How often something was here.
    pub(crate) fn occurrences(&self) -> u64 {
        self.each().map(|place| place.occurrences).sum()
    }

    /// What the strings look like, where all look alike.
    pub(crate) fn kind(&self) -> Option<ValueKind> {
        match self.each().fold(StringKind::None, |kind, place| kind.merge(place.kind)) {
            StringKind::One(kind) => Some(kind),
            StringKind::None | StringKind::Mixed => None,
        }
    }

    /// The elements of the arrays here.
    pub(crate) fn elements(&self) -> Option<Self> {
        self.below(|step| matches!(step, Step::Element))
    }

    /// The members of the objects here: a record's by name, or a map's as one.
    pub(crate) fn members(&self) -> Members<'a> {
        let mut names: Vec<(&'a str, Vec<u32>)> = Vec::new();
        for place in self.each() {
            for child in &place.children {
                if let Step::Member(name) = &self.tally.places[*child as usize].step {
                    names.push((name, vec![*child]));
                }
            }
        }
        names.sort();
        names.dedup_by(|(name, places), (kept, all)| {
            let same = name == kept;
            if same {
                all.append(places);
            }
            same
        });
        let rest = self.below(|step| matches!(step, Step::Rest));
        let objects: u64 = self.each().map(|place| place.objects).sum();
        let mut mine: Vec<_> = names
            .into_iter()
            .map(|(name, places)| (name, Self { tally: self.tally, places }))
            .collect();
        let present: u64 = mine.iter().map(|(_, seen)| seen.occurrences()).sum();
        let presence = present as f64 / (mine.len().max(1) as f64 * objects.max(1) as f64);
        let crowded = mine.len() >= MAP_KEYS_MIN && presence < MAP_PRESENCE_MAX;
        if crowded {
            let mut places: Vec<u32> = mine.drain(..).flat_map(|(_, seen)| seen.places).collect();
            places.extend(rest.into_iter().flat_map(|seen| seen.places));
            return Members { named: Vec::new(), rest: Some(Self { tally: self.tally, places }) };
        }
        let certain = !self.each().any(|place| place.mixed);
        let named = mine
            .into_iter()
            .map(|(name, seen)| {
                let required = certain && seen.occurrences() >= objects;
                Member { name, required, seen }
            })
            .collect();
        Members { named, rest }
    }

    fn below(&self, wanted: impl Fn(&Step) -> bool) -> Option<Self> {
        let places: Vec<u32> = self
            .each()
            .flat_map(|place| &place.children)
            .copied()
            .filter(|child| wanted(&self.tally.places[*child as usize].step))
            .collect();
        (!places.is_empty()).then_some(Self { tally: self.tally, places })
    }
}

/// The members of objects.
pub(crate) struct Members<'a> {
    /// By name, sorted.
    pub(crate) named: Vec<Member<'a>>,
    /// Those without a name of their own: what a map holds.
    pub(crate) rest: Option<Seen<'a>>,
}

/// A member of a record.
pub(crate) struct Member<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Every object had it.
    pub(crate) required: bool,
    /// What was there.
    pub(crate) seen: Seen<'a>,
}
