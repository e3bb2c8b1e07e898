//! The filter bar's language: `service:shop state:shadow severity>=high text`.
//!
//! Words are joined by "and". `key:value` compares one property, any other word is looked for in
//! the text of a row; case does not matter. A filter is data that is compared with data: there is
//! no pattern to compile and nothing to inject into.

use analysis::findings::Finding;
use analysis::snapshot::Endpoint;
use exchange::rule::Severity;

/// Bytes of a filter; longer ones are refused.
pub(crate) const FILTER_BYTES_MAX: usize = 512;

/// Keys of the inventory's filter.
pub(crate) const ENDPOINT_KEYS: [&str; 6] = ["service", "state", "method", "host", "data", "auth"];

/// Keys of the findings' filter.
pub(crate) const FINDING_KEYS: [&str; 5] = ["service", "status", "severity", "rule", "method"];

/// A filter that was understood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug)]
enum Term {
    Text(String),
    Is(&'static str, String),
    AtLeast(Severity),
}

impl Filter {
    /// Reads a filter; the error is a sentence for whoever typed it.
    pub(crate) fn parse(text: &str, keys: &'static [&'static str]) -> Result<Self, String> {
        if text.len() > FILTER_BYTES_MAX {
            return Err(format!("A filter has at most {FILTER_BYTES_MAX} bytes."));
        }
        let lower = text.to_lowercase();
        let terms = lower.split_whitespace().map(|word| term(word, keys));
        Ok(Self { terms: terms.collect::<Result<_, _>>()? })
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// True when the endpoint has what every term asks for.
    pub(crate) fn admits_endpoint(&self, endpoint: &Endpoint) -> bool {
        let text = || {
            let operation = endpoint.operation.as_deref().unwrap_or_default();
            format!("{} {} {operation}", endpoint.method, endpoint.template)
        };
        self.terms.iter().all(|term| match term {
            Term::Text(word) => contains(&text(), word) || contains(&endpoint.host, word),
            Term::Is("service", value) => contains(&endpoint.service, value),
            Term::Is("state", value) => endpoint.state.as_str() == value,
            Term::Is("method", value) => endpoint.method.as_str().eq_ignore_ascii_case(value),
            Term::Is("host", value) => contains(&endpoint.host, value),
            Term::Is("data", value) => endpoint.data().iter().any(|one| one.as_str() == value),
            Term::Is("auth", value) => endpoint
                .authentication
                .iter()
                .any(|(proof, exchanges)| *exchanges > 0 && proof.as_str() == value),
            Term::Is(..) | Term::AtLeast(_) => false,
        })
    }

    /// True when the finding has what every term asks for.
    pub(crate) fn admits_finding(&self, finding: &Finding) -> bool {
        let text = || {
            let place = format!("{} {}", finding.method, finding.template);
            format!("{} {} {place} {}", finding.rule, finding.title, finding.host)
        };
        self.terms.iter().all(|term| match term {
            Term::Text(word) => contains(&text(), word),
            Term::Is("service", value) => contains(&finding.service, value),
            Term::Is("status", value) => finding.status.as_str() == value,
            Term::Is("severity", value) => finding.severity.as_str() == value,
            Term::Is("rule", value) => contains(&finding.rule.to_string(), value),
            Term::Is("method", value) => finding.method.as_str().eq_ignore_ascii_case(value),
            Term::AtLeast(severity) => finding.severity >= *severity,
            Term::Is(..) => false,
        })
    }
}

fn term(word: &str, keys: &'static [&'static str]) -> Result<Term, String> {
    if let Some(value) = word.strip_prefix("severity>=").filter(|_| keys.contains(&"severity")) {
        let known = Severity::ALL.into_iter().find(|severity| severity.as_str() == value);
        return known.map(Term::AtLeast).ok_or_else(|| {
            let names = Severity::ALL.map(Severity::as_str).join(", ");
            format!("`{value}` is no severity; there are {names}.")
        });
    }
    match word.split_once(':') {
        // a path such as /v1/items:batch is text
        Some((key, value)) if !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase()) => {
            match keys.iter().find(|known| **known == key) {
                Some(known) => Ok(Term::Is(known, value.to_owned())),
                None => Err(format!("`{key}:` is no filter here; there are {}.", keys.join(", "))),
            }
        }
        _ => Ok(Term::Text(word.to_owned())),
    }
}

/// True when `text` has `word`, which is in lower case, in any case.
fn contains(text: &str, word: &str) -> bool {
    text.to_lowercase().contains(word)
}
