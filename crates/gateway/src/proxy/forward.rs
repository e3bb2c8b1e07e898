//! What goes to the upstream and back to the client: heads with our hop-by-hop fields, and the
//! fields by which an upstream learns who the client is.

use exchange::message::Scheme;
use policy::Mode;
use wire::field::OWNED;
use wire::request::RequestHead;
use wire::response::ResponseHead;
use wire::serialize::{self, Connection, Form, Outgoing};
use wire::{Framing, NameSet, Upgrade, Version};

use crate::correlation::{Marks, REQUEST_ID, REQUEST_IDS};

/// What a forwarded request says about its client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    /// The address of the other end of the connection.
    pub(crate) address: &'a str,
    /// It may say for whom it speaks.
    pub(crate) trusted: bool,
    /// What it may not say unless it is trusted, beside what is known for it.
    pub(crate) identity: &'a NameSet,
    /// What its connection is: `http` or `https`.
    pub(crate) scheme: Scheme,
    /// What the request is marked with.
    pub(crate) marks: Option<&'a Marks>,
}

/// Appends a request's head as it goes upstream.
///
/// Where nothing is enforced, nothing is changed: target, Host and fields go out as they came.
/// Where something is, they go out in the form on which it was decided, and the fields that only a
/// proxy may set are ours.
pub(crate) fn request(head: &RequestHead, mode: Mode, client: Client<'_>, out: &mut Vec<u8>) {
    let owned = mode == Mode::Block && !client.trusted;
    let remove: &[&NameSet] = if owned { &[&OWNED, client.identity] } else { &[] };
    write(head, mode, client, remove, (None, None), out);
}

/// Conditions that a cache states itself.
static CONDITIONS: NameSet = NameSet::new(&["If-None-Match", "If-Modified-Since"]);

/// Appends the head of a request whose answer may be stored for others.
///
/// Nothing that only a proxy may say passes from the client, in no mode: whoever could make an
/// upstream reflect it would write into everybody's answers. The client's conditions concern what
/// the client has; `validators`, entity tag and date, concern what is stored.
pub(crate) fn cacheable(
    head: &RequestHead,
    mode: Mode,
    client: Client<'_>,
    validators: (Option<&[u8]>, Option<&[u8]>),
    out: &mut Vec<u8>,
) {
    let remove: &[&NameSet] = match client.trusted {
        true => &[&CONDITIONS],
        false => &[&CONDITIONS, &OWNED, client.identity],
    };
    write(head, mode, client, remove, validators, out);
}

fn write(
    head: &RequestHead,
    mode: Mode,
    client: Client<'_>,
    remove: &[&NameSet],
    (etag, modified): (Option<&[u8]>, Option<&[u8]>),
    out: &mut Vec<u8>,
) {
    let enforced = mode == Mode::Block;
    let both;
    let remove = match client.marks.and_then(Marks::removed) {
        None => remove,
        Some(unmarked) => {
            both = [remove, &[unmarked]].concat();
            &both
        }
    };
    let marks = client.marks.map_or([None; 2], Marks::added);
    let conditions = [
        ("If-None-Match", etag.unwrap_or_default()),
        ("If-Modified-Since", modified.unwrap_or_default()),
    ];
    let conditions = conditions
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .copied()
        .chain(marks.iter().flatten().copied());
    let connection = match head.upgrade() {
        Some(Upgrade::WebSocket) => Connection::WebSocket,
        _ => Connection::Implicit,
    };
    let how =
        Outgoing { remove, form: Form::AsReceived, connection, ..Outgoing::new(head.framing()) };
    if !enforced {
        let append: Vec<(&str, &[u8])> = conditions.collect();
        return serialize::request(head, &Outgoing { append: &append, ..how }, out);
    }
    let host = head.host();
    let scheme = match client.scheme {
        Scheme::Https => "https",
        _ => "http",
    };
    let said = |name| client.trusted && head.fields().get(name).is_some();
    let forwarded = said("forwarded");
    let element = if forwarded { element(client.address, scheme) } else { String::new() };
    let added = [
        ("Forwarded", element.as_bytes()),
        ("X-Forwarded-For", client.address.as_bytes()),
        ("X-Forwarded-Proto", scheme.as_bytes()),
        ("X-Forwarded-Host", &*host),
    ];
    // a trusted proxy has already said how its client came; the list of addresses grows where it is
    let added = match (forwarded, said("x-forwarded-for")) {
        (true, true) => &added[..2],
        (true, false) => &added[..1],
        _ if said("x-forwarded-proto") || said("x-forwarded-host") => &added[1..2],
        _ => &added[1..],
    };
    let append: Vec<(&str, &[u8])> = added.iter().copied().chain(conditions).collect();
    serialize::request(head, &Outgoing { form: Form::Canonical, append: &append, ..how }, out);
}

/// What `Forwarded` says of one hop (RFC 7239 §4); colons need quotes and brackets (§6).
fn element(address: &str, scheme: &str) -> String {
    if address.contains(':') {
        format!("for=\"[{address}]\";proto={scheme}")
    } else {
        format!("for={address};proto={scheme}")
    }
}

/// How a response goes to the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Passage {
    /// The framing of its body.
    pub(crate) framing: Framing,
    /// Whether the client's connection stays open.
    pub(crate) keeps: bool,
}

impl Passage {
    /// The way of a response with a body of `framing` to a client of `version` that may keep its
    /// connection if `keeps`.
    ///
    /// A body that ends with the upstream's connection gets an end of its own; a client of
    /// HTTP/1.0 knows none but that of the connection.
    pub(crate) fn of(framing: Framing, version: Version, keeps: bool) -> Self {
        let framing = match (framing, version) {
            (Framing::Chunked | Framing::UntilClose, Version::Http11) => Framing::Chunked,
            (Framing::Chunked | Framing::UntilClose, Version::Http10) => Framing::UntilClose,
            (framing, _) => framing,
        };
        Self { framing, keeps: keeps && framing != Framing::UntilClose }
    }

    /// What is said about the client's connection.
    pub(crate) fn connection(keeps: bool, version: Version) -> Connection {
        match (keeps, version) {
            (false, _) => Connection::Close,
            (true, Version::Http10) => Connection::KeepAlive,
            (true, Version::Http11) => Connection::Implicit,
        }
    }

    /// Appends the response's head.
    /// The client is told the id of its request, and no other one.
    pub(crate) fn head(
        self,
        response: &ResponseHead,
        version: Version,
        request_id: Option<&str>,
        out: &mut Vec<u8>,
    ) {
        let connection = match response.status() {
            // wire lets no other protocol be agreed to
            101 => Connection::WebSocket,
            _ => Self::connection(self.keeps, version),
        };
        let how = Outgoing { form: Form::AsReceived, connection, ..Outgoing::new(self.framing) };
        let Some(id) = request_id else { return serialize::response(response, &how, out) };
        let (remove, append) = (&[&REQUEST_IDS], &[(REQUEST_ID, id.as_bytes())]);
        serialize::response(response, &Outgoing { remove, append, ..how }, out);
    }
}

/// Appends an interim response as it goes to the client.
pub(crate) fn interim(response: &ResponseHead, out: &mut Vec<u8>) {
    let how = Outgoing { form: Form::AsReceived, ..Outgoing::new(Framing::None) };
    serialize::response(response, &how, out);
}
