//! How an exchange is found again elsewhere: its id and its place in a trace.
//!
//! Where a service asks for it, every request goes upstream with an `X-Request-Id`, which the
//! client is told as well, and a `traceparent` (W3C Trace Context). Trusted proxies may set both.
//! From anyone else they are replaced: whoever may choose ids can make two exchanges look like one.

use exchange::trace::{TraceId, TraceParent};
use wire::{Fields, NameSet};

use crate::limits::{REQUEST_ID_BYTES_MAX, REQUEST_ID_TAG_BYTES_MAX};

/// The field with the id of a request.
pub(crate) const REQUEST_ID: &str = "X-Request-Id";

/// The same, in every spelling.
pub(crate) static REQUEST_IDS: NameSet = NameSet::new(&[REQUEST_ID]);

/// What says which trace a request belongs to.
static TRACES: NameSet = NameSet::new(&["traceparent", "tracestate"]);

/// Both.
static MARKS: NameSet = NameSet::union(&[&REQUEST_IDS, &TRACES]);

/// What one exchange is marked with.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    /// The id, ours or a trusted proxy's.
    pub(crate) request_id: String,
    /// The beginning of another trace, in place of what the client says.
    root: Option<String>,
    /// What the request goes upstream with beside its own fields, and without which of them.
    passes_id: bool,
}

/// What the access log tells of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traced {
    /// The trace that the upstream sees.
    pub(crate) trace: Option<TraceId>,
    /// The one that the client named and that was replaced.
    pub(crate) linked: Option<TraceId>,
    /// A trusted proxy's id of the request.
    pub(crate) request_id: Option<String>,
    /// The id that the client gave it and that was replaced, as far as it is kept.
    pub(crate) client_id: Option<String>,
}

impl Traced {
    /// Of an exchange that is passed on as it came.
    pub(crate) fn unmarked(fields: &Fields) -> Self {
        let trace = TraceParent::of(fields).map(|said| said.trace);
        Self { trace, ..Self::default() }
    }
}

impl Marks {
    /// The marks of an exchange with identity `id`, and what is to be told of them.
    pub(crate) fn new(id: &str, fields: &Fields, trusted: bool) -> (Self, Traced) {
        let mut traced = Traced::default();
        let claimed = the_only(fields, REQUEST_ID);
        let passes_id = trusted && claimed.is_some_and(is_sound);
        let claimed = fields.get(REQUEST_ID).map(tag);
        let request_id = match claimed {
            Some(given) if passes_id => {
                traced.request_id = Some(given.clone());
                given
            }
            given => {
                traced.client_id = given;
                id.to_owned()
            }
        };
        let said = TraceParent::of(fields);
        let root = match said {
            Some(_) if trusted => None,
            _ => new_root(),
        };
        (traced.trace, traced.linked) = match root {
            Some(root) => (Some(root.trace), said.map(|said| said.trace)),
            None => (said.map(|said| said.trace), None),
        };
        let root = root.map(|root| root.to_string());
        (Self { request_id, root, passes_id }, traced)
    }

    /// The fields that do not go upstream as they came.
    pub(crate) fn removed(&self) -> Option<&'static NameSet> {
        match (self.passes_id, self.root.is_some()) {
            (true, true) => Some(&TRACES),
            (true, false) => None,
            (false, true) => Some(&MARKS),
            (false, false) => Some(&REQUEST_IDS),
        }
    }

    /// The fields that go upstream in their place.
    pub(crate) fn added(&self) -> [Option<(&'static str, &[u8])>; 2] {
        let id = (!self.passes_id).then_some((REQUEST_ID, self.request_id.as_bytes()));
        [id, self.root.as_ref().map(|root| ("traceparent", root.as_bytes()))]
    }
}

/// A trace that begins here. It is marked as recorded: upstreams follow that mark, and one that
/// said otherwise would keep all of them from recording anything. `None` without randomness.
fn new_root() -> Option<TraceParent> {
    let (mut trace, mut parent) = ([0; 16], [0; 8]);
    getrandom::fill(&mut trace).ok()?;
    getrandom::fill(&mut parent).ok()?;
    // all zeros would say that there is none
    trace[15] |= 1;
    parent[7] |= 1;
    Some(TraceParent { trace: TraceId(trace), parent, flags: 1 })
}

fn the_only<'f>(fields: &'f Fields, name: &str) -> Option<&'f [u8]> {
    let mut said = fields.get_all(name);
    said.next().filter(|_| said.next().is_none())
}

/// Whether an id is one that nobody misreads: letters, digits and what UUIDs, ULIDs, base64 and
/// dotted ids have between them.
fn is_sound(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~:/+=@".contains(byte);
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.iter().all(plain)
}

/// An id for people to look at; the access log escapes what is odd about it.
fn tag(id: &[u8]) -> String {
    let kept = id.get(..REQUEST_ID_TAG_BYTES_MAX).unwrap_or(id);
    let mut text = String::from_utf8_lossy(kept).into_owned();
    if kept.len() < id.len() {
        text.push_str(&format!("...({} bytes)", id.len()));
    }
    text
}
