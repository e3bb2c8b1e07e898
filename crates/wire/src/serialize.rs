//! The message that goes out: canonical start line, the fields that are meant for the other end,
//! and framing that is our own.

use std::ops::Range;

use crate::field::{Entry, Fields, NameSet, is_hop_by_hop, is_sound};
use crate::framing::Framing;
use crate::request::{RequestHead, TargetForm};
use crate::response::ResponseHead;
use crate::scan;

/// In which form the target and Host go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// As they were understood.
    #[default]
    Canonical,
    /// Byte for byte as they came: for [`Profile::Observe`](crate::Profile::Observe).
    AsReceived,
}

/// What is said about the connection on which the message goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Connection {
    /// Nothing: it stays open, as is usual in HTTP/1.1.
    #[default]
    Implicit,
    /// It stays open, said aloud for clients of HTTP/1.0.
    KeepAlive,
    /// It is closed after this message.
    Close,
    /// It becomes a WebSocket.
    WebSocket,
}

/// How a head is to be written.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// In which form the target and Host go out.
    pub form: Form,
    /// A target to write instead. One that could not stand in a request line is not used.
    pub target: Option<&'a [u8]>,
    /// A Host to write instead; also where the request had none.
    pub host: Option<&'a [u8]>,
    /// The framing in which the body will be written.
    pub framing: Framing,
    /// What to say about the connection.
    pub connection: Connection,
    /// Fields to leave out, in every spelling, beside those that are never forwarded.
    pub remove: &'a [&'a NameSet],
    /// Fields to add at the end. One that could not stand in a head is left out.
    pub append: &'a [(&'a str, &'a [u8])],
}

impl Outgoing<'_> {
    /// A canonical message on a connection that stays open, with nothing removed or added.
    pub const fn new(framing: Framing) -> Self {
        Self {
            form: Form::Canonical,
            target: None,
            host: None,
            framing,
            connection: Connection::Implicit,
            remove: &[],
            append: &[],
        }
    }
}

/// Appends the head of a request to `out`.
pub fn request(head: &RequestHead, how: &Outgoing<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(head.method().as_bytes());
    out.push(b' ');
    target(head, how, out);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let new_host = how.host.filter(|host| is_sound(b"Host", host));
    let mut writer = Writer::new(head.fields(), how);
    writer.names_fields = head.names_fields();
    writer.keeps_length =
        matches!(how.framing, Framing::Length(_)) && how.framing == head.framing();
    let mut hosts = 0;
    for entry in head.fields().entries() {
        let (name, value) = writer.parts(entry);
        if !name.eq_ignore_ascii_case(b"Host") {
            writer.field(entry, out);
            continue;
        }
        hosts += 1;
        match (new_host, head.authority()) {
            (Some(host), _) => writer.replace(entry, host, out),
            (None, Some(authority))
                if how.form == Form::Canonical && !authority.is_written_as(value) =>
            {
                writer.replace(entry, authority.to_string().as_bytes(), out);
            }
            _ => writer.keep(entry, out),
        }
    }
    writer.flush(out);
    if hosts == 0 {
        let known = head.authority().map(ToString::to_string).unwrap_or_default();
        field("Host", new_host.unwrap_or(known.as_bytes()), out);
    }
    writer.finish(out);
}

/// Appends the head of a response to `out`.
pub fn response(head: &ResponseHead, how: &Outgoing<'_>, out: &mut Vec<u8>) {
    status_line(head.status(), head.reason(), out);
    let mut writer = Writer::new(head.fields(), how);
    writer.names_fields = head.names_fields();
    writer.keeps_length = match how.framing {
        Framing::Length(length) => head.content_length() == Some(length),
        // In answers to HEAD, and with 304, the length says what GET would bring; elsewhere a
        // length without a body would be waited for.
        Framing::None => {
            head.framing() == Framing::None && !matches!(head.status(), 100..=199 | 204)
        }
        Framing::Chunked | Framing::UntilClose => false,
    };
    for entry in head.fields().entries() {
        writer.field(entry, out);
    }
    writer.finish(out);
}

/// Appends the head of a response of our own to `out`.
pub fn own_response(
    status: u16,
    reason: &str,
    fields: &[(&str, &[u8])],
    framing: Framing,
    connection: Connection,
    out: &mut Vec<u8>,
) {
    status_line(status, reason.as_bytes(), out);
    let how = Outgoing { connection, append: fields, ..Outgoing::new(framing) };
    Writer::new(&Fields::new(), &how).finish(out);
}

/// Appends a status line; the reason ends where it could not stand in a message.
pub fn status_line(status: u16, reason: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    decimal(u64::from(status), out);
    out.push(b' ');
    let reason_end = scan::value_end(reason);
    out.extend_from_slice(reason.get(..reason_end).unwrap_or_default());
    out.extend_from_slice(b"\r\n");
}

fn target(head: &RequestHead, how: &Outgoing<'_>, out: &mut Vec<u8>) {
    let sound = |target: &&[u8]| !target.is_empty() && scan::target_end(target) == target.len();
    match (how.target.filter(sound), how.form, head.form()) {
        (Some(target), ..) => out.extend_from_slice(target),
        (None, Form::AsReceived, _) => out.extend_from_slice(head.raw_target()),
        (None, Form::Canonical, TargetForm::Asterisk) => out.push(b'*'),
        (None, Form::Canonical, _) => {
            out.extend_from_slice(head.path().as_str().as_bytes());
            if let Some(query) = head.query() {
                out.push(b'?');
                out.extend_from_slice(query.raw());
            }
        }
    }
}

/// Copies field lines, neighbouring ones in one go.
struct Writer<'a> {
    fields: &'a Fields,
    how: &'a Outgoing<'a>,
    names_fields: bool,
    /// Lines that are to be copied as they stand.
    run: Range<usize>,
    /// Whether a Content-Length is copied as it came, because it is right.
    keeps_length: bool,
    wrote_length: bool,
}

impl<'a> Writer<'a> {
    fn new(fields: &'a Fields, how: &'a Outgoing<'a>) -> Self {
        Self {
            fields,
            how,
            names_fields: false,
            run: 0..0,
            keeps_length: false,
            wrote_length: false,
        }
    }

    fn parts(&self, entry: &Entry) -> (&'a [u8], &'a [u8]) {
        (
            self.fields.at(entry.name_start..entry.name_end),
            self.fields.at(entry.value_start..entry.value_end),
        )
    }

    /// Writes a field if it is meant for the other end.
    fn field(&mut self, entry: &Entry, out: &mut Vec<u8>) {
        let (name, value) = self.parts(entry);
        let dropped = if name.eq_ignore_ascii_case(b"Content-Length") {
            self.wrote_length |= self.keeps_length;
            !self.keeps_length
        } else {
            is_hop_by_hop(name)
                || self.how.remove.iter().any(|set| set.contains(name))
                || (self.names_fields && self.fields.names_as_option(name))
                || !self.fields.may_be_written(name, value)
        };
        if !dropped {
            self.keep(entry, out);
        }
    }

    fn keep(&mut self, entry: &Entry, out: &mut Vec<u8>) {
        match self.fields.line(entry) {
            Some(line) if line.start == self.run.end => self.run.end = line.end,
            Some(line) => {
                self.flush(out);
                self.run = line;
            }
            None => {
                let (_, value) = self.parts(entry);
                self.replace(entry, value, out);
            }
        }
    }

    /// Writes a field with another value.
    fn replace(&mut self, entry: &Entry, value: &[u8], out: &mut Vec<u8>) {
        self.flush(out);
        let (name, _) = self.parts(entry);
        line(name, value, out);
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.fields.at(self.run.clone()));
        self.run = 0..0;
    }

    /// Writes what is ours, and the empty line.
    fn finish(mut self, out: &mut Vec<u8>) {
        self.flush(out);
        for (name, value) in self.how.append {
            if is_sound(name.as_bytes(), value) {
                field(name, value, out);
            }
        }
        match self.how.framing {
            Framing::Length(length) if !self.wrote_length => {
                out.extend_from_slice(b"Content-Length: ");
                decimal(length, out);
                out.extend_from_slice(b"\r\n");
            }
            Framing::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            Framing::None | Framing::Length(_) | Framing::UntilClose => {}
        }
        out.extend_from_slice(match self.how.connection {
            Connection::Implicit => b"\r\n".as_slice(),
            Connection::KeepAlive => b"Connection: keep-alive\r\n\r\n",
            Connection::Close => b"Connection: close\r\n\r\n",
            Connection::WebSocket => b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        });
    }
}

fn field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    line(name.as_bytes(), value, out);
}

/// Appends a field line. Name and value come from a head that was read, or are ours.
pub fn line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at..).unwrap_or_default());
}
