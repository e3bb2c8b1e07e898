//! What was planted, what is odd and innocent, and how findings are held against both.

use std::sync::LazyLock;

use analysis::findings::Finding;
use exchange::endpoint::{Method, PathTemplate, TemplateSegment};
use exchange::moment::Moment;

use super::people::PROBES;

/// An attack or a fault that the present rules claim to find.
#[derive(Debug)]
pub(super) struct Planted {
    /// What it is.
    pub(super) what: &'static str,
    /// The rule that has to find it.
    pub(super) rule: &'static str,
    /// Where: method and template; the names of parameters do not matter.
    pub(super) at: &'static str,
    /// Rules that may say something here as well, because it is true.
    also: &'static [&'static str],
}

/// Something unusual that nobody should be bothered with.
#[derive(Debug)]
pub(super) struct Innocent {
    /// What it is.
    pub(super) what: &'static str,
    /// The rules that would be misled by it; empty: any.
    rules: &'static [&'static str],
    /// Where: methods and templates; `*` is any method.
    at: &'static [&'static str],
}

const fn planted(
    rule: &'static str,
    at: &'static str,
    what: &'static str,
    also: &'static [&'static str],
) -> Planted {
    Planted { what, rule, at, also }
}

/// What was planted.
pub(super) const PLANTED: &[Planted] = &[
    planted(
        "PAL-SPEC-002",
        "GET /internal/export",
        "an export that is in no contract",
        // it asks for no credential, either
        &["PAL-AUTH-001"],
    ),
    planted("PAL-SPEC-005", "GET /v1/gift-cards/{}", "declared, and nobody calls it", &[]),
    planted(
        "PAL-AUTH-001",
        "GET /v1/partner/exports/{}",
        "demands a key in the contract only",
        &[],
    ),
    planted(
        "PAL-AUTH-002",
        "GET /v1/orders/{}/tracking",
        "answers with a credential and without",
        &[],
    ),
    planted("PAL-AUTH-004", "GET /v1/partner/feed", "a partner's key in the URL", &[]),
    planted(
        "PAL-DATA-001",
        "GET /v1/products/{}/reviews",
        "e-mail and phone of whoever wrote a review",
        &[],
    ),
    planted("PAL-DATA-003", "GET /v1/app/config", "a cloud key in the app's configuration", &[]),
    planted("PAL-CONF-001", "GET /v1/shipping/quote", "a stack trace in an error", &[]),
    planted(
        "PAL-SPEC-001",
        "POST /v1/cart/items",
        "an old app that breaks the contract by accident",
        &[],
    ),
];

const ANY: &[&str] = &[];

/// What is odd and innocent.
pub(super) const INNOCENT: &[Innocent] = &[
    Innocent {
        what: "signed-in customers on pages for everybody",
        rules: &["PAL-AUTH-002"],
        at: &["GET /v1/products", "GET /v1/products/{}", "GET /v1/products/{}/reviews"],
    },
    Innocent {
        what: "the shop's own address and telephone number",
        rules: &["PAL-DATA-001"],
        at: &["GET /v1/app/config"],
    },
    Innocent {
        what: "a crawler that walks the catalogue and meets many 404s",
        rules: ANY,
        at: &["GET /v1/products/{}", "GET /v1/categories/{}", "* /robots.txt", "* /sitemap.xml"],
    },
    Innocent { what: "a scanner that gets 404 for everything", rules: ANY, at: PROBED },
    Innocent {
        what: "customers who read their own profile",
        rules: &["PAL-DATA-001", "PAL-DATA-003"],
        at: &["GET /v1/me", "PATCH /v1/me"],
    },
    Innocent {
        what: "a login and a renewal that issue tokens",
        rules: ANY,
        at: &["POST /v1/login", "POST /v1/token/refresh"],
    },
    Innocent { what: "a health check without a credential", rules: ANY, at: &["GET /health"] },
    Innocent {
        what: "preflights of browsers",
        rules: ANY,
        at: &["OPTIONS /v1/login", "OPTIONS /v1/cart/items"],
    },
    Innocent { what: "HEAD instead of GET", rules: ANY, at: &["HEAD /v1/products/{}"] },
    Innocent {
        what: "a 401 for who has not signed in yet",
        rules: &["PAL-AUTH-001", "PAL-AUTH-002"],
        at: &["GET /v1/me"],
    },
    Innocent {
        what: "an honest 503 without a trace, and the second attempt",
        rules: ANY,
        at: &["POST /v1/payments"],
    },
    Innocent { what: "a page_token in the query", rules: ANY, at: &["GET /v1/products"] },
];

/// The scanner's paths are recognised from its own list.
const PROBED: &[&str] = &["* (probed)"];

/// What the findings were worth.
#[derive(Debug, Default)]
pub(super) struct Score {
    /// For each of [`PLANTED`]: when it was found.
    pub(super) found: Vec<Option<Moment>>,
    /// For each of [`INNOCENT`]: the findings that it led to.
    pub(super) alarmed: Vec<Vec<String>>,
    /// Findings for which there is no ground at all.
    pub(super) unfounded: Vec<String>,
}

impl Score {
    /// Holds findings against the truth.
    pub(super) fn of<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let mut score = Self {
            found: vec![None; PLANTED.len()],
            alarmed: vec![Vec::new(); INNOCENT.len()],
            unfounded: Vec::new(),
        };
        for finding in findings {
            score.count(&Claim::of(finding), finding.detected_at);
        }
        score
    }

    fn count(&mut self, claim: &Claim<'_>, at: Moment) {
        let mut true_of = false;
        for (planted, found) in PLANTED.iter().zip(&mut self.found) {
            if !claim.is_at(planted.at) {
                continue;
            }
            if claim.rule == planted.rule {
                *found = Some(found.map_or(at, |before| before.min(at)));
                true_of = true;
            }
            true_of |= planted.also.contains(&claim.rule.as_str());
        }
        if true_of {
            return;
        }
        let misled = INNOCENT.iter().position(|innocent| {
            (innocent.rules.is_empty() || innocent.rules.contains(&claim.rule.as_str()))
                && innocent.at.iter().any(|place| claim.is_at(place))
        });
        match misled.and_then(|index| self.alarmed.get_mut(index)) {
            Some(alarms) => alarms.push(claim.to_string()),
            None => self.unfounded.push(claim.to_string()),
        }
    }

    /// How many of [`PLANTED`] were found.
    pub(super) fn hits(&self) -> usize {
        self.found.iter().flatten().count()
    }

    /// How many of [`INNOCENT`] led to a finding.
    pub(super) fn false_alarms(&self) -> usize {
        self.alarmed.iter().filter(|alarms| !alarms.is_empty()).count()
    }

    /// Everything found, and nothing else said.
    pub(super) fn is_perfect(&self) -> bool {
        self.hits() == PLANTED.len() && self.false_alarms() == 0 && self.unfounded.is_empty()
    }

    /// When the first of the planted was found.
    pub(super) fn first(&self) -> Option<Moment> {
        self.found.iter().flatten().min().copied()
    }
}

/// What a finding says: which rule, and where.
struct Claim<'f> {
    rule: String,
    method: Method,
    template: &'f PathTemplate,
}

impl<'f> Claim<'f> {
    fn of(finding: &'f Finding) -> Self {
        Self { rule: finding.rule.to_string(), method: finding.method, template: &finding.template }
    }

    /// True when the place, written as a method and a template, is where the claim is.
    fn is_at(&self, place: &str) -> bool {
        let (method, template) = place.split_once(' ').unwrap_or(("*", place));
        if method != "*" && method != self.method.as_str() {
            return false;
        }
        if template == "(probed)" {
            return PROBED_TEMPLATES.iter().any(|probe| same_template(probe, self.template));
        }
        same_template(&PathTemplate::parse(template), self.template)
    }
}

impl std::fmt::Display for Claim<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}  {} {}", self.rule, self.method, self.template)
    }
}

static PROBED_TEMPLATES: LazyLock<Vec<PathTemplate>> =
    LazyLock::new(|| PROBES.iter().map(|probe| PathTemplate::parse(probe)).collect());

/// Equal but for the names of parameters.
fn same_template(left: &PathTemplate, right: &PathTemplate) -> bool {
    left.0.len() == right.0.len()
        && left.0.iter().zip(&right.0).all(|(left, right)| match (left, right) {
            (TemplateSegment::Parameter(_), TemplateSegment::Parameter(_)) => true,
            (left, right) => left == right,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a score makes of claims, given as rule and place.
    fn score(claims: &[(&str, &str)]) -> Score {
        let mut score = Score::of([]);
        for (second, (rule, place)) in claims.iter().enumerate() {
            let (method, template) = place.split_once(' ').unwrap();
            let template = PathTemplate::parse(template);
            let method = Method::parse(method.as_bytes());
            let claim = Claim { rule: (*rule).to_owned(), method, template: &template };
            score.count(&claim, Moment::from_micros(second as i64));
        }
        score
    }

    fn all_planted() -> Vec<(&'static str, &'static str)> {
        PLANTED.iter().map(|planted| (planted.rule, planted.at)).collect()
    }

    #[test]
    fn everything_planted_and_nothing_else_is_perfect() {
        let score = score(&all_planted());
        assert!(score.is_perfect());
        assert_eq!(score.hits(), PLANTED.len());
        assert_eq!(score.first(), Some(Moment::from_micros(0)));
    }

    #[test]
    fn each_miss_and_each_cry_counts() {
        let cases: &[(&str, &str, usize, usize)] = &[
            // the wrong rule at a planted place, and the right rule at a wrong place
            ("PAL-DATA-001", "GET /internal/export", 0, 1),
            ("PAL-SPEC-002", "GET /internal/exports", 0, 1),
            ("PAL-SPEC-002", "POST /internal/export", 0, 1),
            // an innocent oddity, under any name of its parameter
            ("PAL-SPEC-001", "GET /v1/products/{id}", 1, 0),
            ("PAL-SPEC-002", "POST /wp-login.php", 1, 0),
            ("PAL-AUTH-002", "GET /v1/me", 1, 0),
            ("PAL-CONF-001", "GET /v1/me", 0, 1),
            // true as well
            ("PAL-AUTH-001", "GET /internal/export", 0, 0),
        ];
        let mut ran = 0;
        for (rule, place, alarmed, unfounded) in cases {
            let mut claims = all_planted();
            claims.push((rule, place));
            let score = score(&claims);
            assert_eq!(score.false_alarms(), *alarmed, "{rule} {place}");
            assert_eq!(score.unfounded.len(), *unfounded, "{rule} {place}");
            assert_eq!(score.is_perfect(), alarmed + unfounded == 0, "{rule} {place}");
            ran += 1;
        }
        assert_eq!(ran, 8);
        let missed = score(&all_planted()[1..]);
        assert_eq!((missed.hits(), missed.is_perfect()), (PLANTED.len() - 1, false));
    }
}
