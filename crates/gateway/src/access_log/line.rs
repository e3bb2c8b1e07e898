//! Entries as text: one line each, whatever clients have sent.

use std::fmt::Write as _;

use exchange::message::Scheme;
use exchange::moment::Moment;
use policy::document::access_log::LogFormat;

use super::{Entry, LogSettings};

/// Appends an entry with its line end.
pub(super) fn write(entry: &Entry, settings: &LogSettings, out: &mut Vec<u8>) {
    let line = match settings.format {
        LogFormat::Combined => combined(entry),
        LogFormat::Json => json(entry),
    };
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}

/// `client - - [time] "request" status bytes "-" "user agent" seconds`: referrers are left out,
/// because they are addresses with queries.
fn combined(entry: &Entry) -> String {
    let mut line = match entry.client {
        Some(address) => address.to_string(),
        None => "-".to_owned(),
    };
    let request = match entry.method.as_str() {
        "" => "-".to_owned(),
        method => format!("{method} {} {}", entry.path, entry.version),
    };
    let status = entry.told.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let seconds = entry.duration_us as f64 / 1e6;
    line.push_str(&format!(
        " - - [{}] \"{request}\" {status} {} \"-\" \"",
        clf_time(entry.at),
        entry.told.bytes
    ));
    let agent = entry.user_agent.as_deref().unwrap_or("-");
    for byte in agent.bytes() {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => line.push_str(&format!("\\x{byte:02x}")),
            plain => line.push(char::from(plain)),
        }
    }
    line.push_str(&format!("\" {seconds:.6}"));
    line
}

/// `15/Jan/2026:09:00:00 +0000`.
fn clf_time(at: Moment) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let (date, time) = text.split_once('T').unwrap_or_default();
    let mut parts = date.splitn(3, '-');
    let mut next = || parts.next().unwrap_or_default();
    let (year, month, day) = (next(), next(), next());
    let month = month.parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    let time = time.split('.').next().unwrap_or_default();
    format!("{day}/{}/{year}:{time} +0000", month.unwrap_or(&"Jan"))
}

fn json(entry: &Entry) -> String {
    let mut object = Object("{".to_owned());
    object.text("time", &entry.at.to_string());
    object.text("id", &entry.id);
    let traces = [("trace_id", entry.traced.trace), ("linked_trace_id", entry.traced.linked)];
    for (name, trace) in traces {
        trace.into_iter().for_each(|trace| object.text(name, &trace.to_string()));
    }
    let ids =
        [("request_id", &entry.traced.request_id), ("client_request_id", &entry.traced.client_id)];
    for (name, id) in ids {
        id.iter().for_each(|id| object.text(name, id));
    }
    if let Some(address) = entry.client {
        object.text("client_ip", &address.to_string());
    }
    let scheme = match entry.scheme {
        Scheme::Https => "https",
        Scheme::Http | Scheme::Unknown => "http",
    };
    object.text("scheme", scheme);
    object.text("version", entry.version);
    if !entry.method.is_empty() {
        object.text("method", &entry.method);
        object.text("host", &entry.host);
        object.text("path", &entry.path);
    }
    if !entry.parameters.is_empty() {
        object.list("parameters", entry.parameters.iter().map(AsRef::as_ref));
    }
    if let Some(agent) = &entry.user_agent {
        object.text("user_agent", agent);
    }
    if let Some(service) = &entry.service {
        object.text("service", service);
    }
    if let Some(mode) = entry.mode {
        object.text("mode", &mode.to_string());
    }
    object.bare("status", entry.told.status.map_or_else(|| "null".into(), |s| s.to_string()));
    object.bare("bytes", entry.told.bytes.to_string());
    let micros = entry.duration_us;
    object.bare("duration_ms", format!("{}.{:03}", micros / 1_000, micros % 1_000));
    if let Some(disposition) = entry.disposition {
        object.text("disposition", disposition.as_str());
    }
    if let Some(problem) = entry.told.problem {
        object.text("problem", problem);
    }
    if let Some(reason) = entry.reason {
        object.text("reason", reason);
    }
    if !entry.rules.is_empty() {
        object.list("rules", entry.rules.iter().map(String::as_str));
    }
    object.0.push('}');
    object.0
}

/// A JSON object on its way; in ASCII, so that nothing in it can end a line or steer a terminal.
struct Object(String);

impl Object {
    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.string(name);
        self.0.push(':');
    }

    fn bare(&mut self, name: &str, value: String) {
        self.name(name);
        self.0.push_str(&value);
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.string(value);
    }

    fn list<'v>(&mut self, name: &str, values: impl Iterator<Item = &'v str>) {
        self.name(name);
        self.0.push('[');
        for (at, value) in values.enumerate() {
            if at > 0 {
                self.0.push(',');
            }
            self.string(value);
        }
        self.0.push(']');
    }

    fn string(&mut self, value: &str) {
        self.0.push('"');
        for unit in value.encode_utf16() {
            match u8::try_from(unit) {
                Ok(quoted @ (b'"' | b'\\')) => {
                    self.0.push('\\');
                    self.0.push(char::from(quoted));
                }
                Ok(plain @ b' '..=b'~') => self.0.push(char::from(plain)),
                // writing to a String cannot fail
                _ => drop(write!(self.0, "\\u{unit:04x}")),
            }
        }
        self.0.push('"');
    }
}
