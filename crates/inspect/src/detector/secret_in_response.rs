//! # Secret in a response
//!
//! Keys, tokens and password hashes that an API gives away, other than by issuing them.

use exchange::data_class::{DataClass, DataClasses, DataGroup};
use exchange::endpoint::Method;
use exchange::limits;
use exchange::phase::Phase;
use exchange::rule::{Family, RuleCard, RuleId, Severity};
use exchange::shape::{Shape, ShapeNode};
use exchange::signal::{Detail, Location, Signal};

use crate::detector::Detector;
use crate::view::View;

/// PAL-DATA-003.
#[derive(Debug)]
pub struct SecretInResponse;

/// What is known of the rule.
pub static CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Data, 3),
    name: "secret-in-response",
    title: "A response gives a secret away",
    severity: Severity::High,
    owasp: "API3:2023",
    cwe: &[200, 522],
    page: include_str!("../../tests/detectors/secret_in_response.md"),
};

impl Detector for SecretInResponse {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::ResponseBody]
    }

    fn examine(&self, phase: Phase, view: &View<'_>, signals: &mut Vec<Signal>) {
        if !(200..300).contains(&view.status) {
            return;
        }
        let given: DataClasses =
            view.data.iter().filter(|class| is_given_away(*class, view.method)).collect();
        if given.is_empty() {
            return;
        }
        let mut signal = |location: Location, class: DataClass| {
            signals.push(Signal {
                rule: CARD.id,
                phase,
                location,
                detail: Detail::Data(class),
                severity: CARD.severity,
                confidence: if class == DataClass::Password { 0.8 } else { 0.97 },
            });
        };
        match view.shape {
            None => given.iter().for_each(|class| signal(Location::Exchange, class)),
            Some(shape) => {
                for node in &shape.nodes {
                    for class in node.data.iter().filter(|class| given.has(*class)) {
                        signal(Location::body(&pointer(shape, node)), class);
                    }
                }
            }
        }
    }
}

/// Tokens are issued by writing requests: logging in, refreshing, creating a key. There the
/// answer is for the caller. What is stored is never for the caller.
fn is_given_away(class: DataClass, method: Method) -> bool {
    let issued = matches!(method, Method::Post | Method::Put | Method::Patch);
    match class {
        DataClass::PasswordHash | DataClass::PrivateKey | DataClass::ConnectionString => true,
        _ => class.group() == DataGroup::Secret && !issued && class != DataClass::Jwt,
    }
}

/// `/items/*/key`: elements of arrays are `*`.
fn pointer(shape: &Shape, node: &ShapeNode) -> String {
    let mut names = Vec::new();
    let mut at = node;
    for _ in 0..limits::JSON_DEPTH_MAX {
        let Some(parent) = shape.nodes.get(usize::from(at.parent)) else { break };
        if std::ptr::eq(parent, at) {
            break;
        }
        let name = shape.name(at);
        names.push(if name.is_empty() { "*" } else { name });
        at = parent;
    }
    names.iter().rev().fold(String::new(), |mut pointer, name| {
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        pointer
    })
}
