//! What is known of the readers: messages that one of them will not have, with the reason. Such a
//! message is not put to that reader; each is counted.

use policy::Mode;

use crate::passage::Message;
use crate::reader::Kind;

/// Something known of one reader.
#[derive(Debug)]
pub(crate) struct Quirk {
    reader: Kind,
    /// Why it is no disagreement.
    pub(crate) reason: &'static str,
    applies: fn(&Message, Mode) -> bool,
}

/// All that is known.
pub(crate) const QUIRKS: &[Quirk] = &[
    Quirk {
        reader: Kind::Nginx,
        reason: "OPTIONS * is answered 400: nginx knows no asterisk form",
        applies: |message, _| message.bytes.starts_with(b"OPTIONS * "),
    },
    Quirk {
        reader: Kind::Nginx,
        reason: "an empty Host is answered 400; RFC 9112 §3.2 wants it where there is no authority",
        applies: |message, _| line(message).ends_with(b" "),
    },
    Quirk {
        reader: Kind::Nginx,
        reason: "an absolute target, which goes out as it came in observe, is read in origin form",
        applies: is_absolute,
    },
    Quirk {
        reader: Kind::Nginx,
        reason: "a repeated Authorization is answered 400",
        applies: |message, _| count(message, b"\r\nauthorization:") > 1,
    },
    Quirk {
        reader: Kind::Haproxy,
        reason: "an absolute target, which goes out as it came in observe, replaces the Host",
        applies: is_absolute,
    },
    Quirk {
        reader: Kind::Node,
        reason: "methods that are not on Node's list are answered 400",
        applies: |message, _| !NODE_METHODS.contains(&message.method.as_str()),
    },
];

/// The methods of Node's parser (`http.METHODS`).
const NODE_METHODS: &[&str] = &[
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// The line of what is meant: method, target, Host.
fn line(message: &Message) -> &[u8] {
    message.meaning.split(|&byte| byte == b'\n').next().unwrap_or_default()
}

/// How often this stands in the message, in any letter case.
fn count(message: &Message, what: &[u8]) -> usize {
    message.bytes.windows(what.len()).filter(|part| part.eq_ignore_ascii_case(what)).count()
}

fn is_absolute(message: &Message, _: Mode) -> bool {
    let target = message.bytes.get(message.method.len() + 1..).unwrap_or_default();
    !matches!(target.first(), Some(b'/' | b'*'))
}

/// The place in [`QUIRKS`] of what keeps a message from a reader.
pub(crate) fn of(reader: Kind, message: &Message, mode: Mode) -> Option<usize> {
    QUIRKS.iter().position(|quirk| quirk.reader == reader && (quirk.applies)(message, mode))
}
