//! What a running process can be asked over its control socket: one line of JSON each way.
//!
//! The socket belongs to the file system, so that its mode says who may speak to it; there is no
//! port that a page in a browser could reach.

pub(crate) mod client;
pub(crate) mod doctor;
pub(crate) mod serve;
pub(crate) mod socket;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

/// Bytes of one line, either way: a status of many services, with room.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;

/// How long the other side may take to say or take a line that it has ready.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Request {
    /// Hand the listening sockets to the process that asks, and end once it is ready.
    Handover,
    /// Read the settings again.
    Reload,
    /// Say how it is going.
    Status,
    /// Finish the exchanges in flight within this time, and end.
    Stop(Duration),
    /// Start the installed program in place of this one.
    Upgrade,
}

impl Request {
    /// The line that asks this of the process that keeps `database`.
    pub(crate) fn to_json(self, database: Option<&Path>) -> Value {
        let name = match self {
            Self::Handover => "handover",
            Self::Reload => "reload",
            Self::Status => "status",
            Self::Stop(_) => "stop",
            Self::Upgrade => "upgrade",
        };
        let mut line = json!({ "command": name });
        if let Self::Stop(within) = self {
            line["within_ms"] = json!(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
        }
        if let Some(database) = database {
            line["database"] = json!(database);
        }
        line
    }

    /// Reads a line; also the database that it is meant for.
    pub(crate) fn parse(line: &str) -> Result<(Self, Option<PathBuf>), String> {
        let line: Value =
            serde_json::from_str(line).map_err(|error| format!("not a line of JSON: {error}"))?;
        let database = line["database"].as_str().map(PathBuf::from);
        let request = match line["command"].as_str().unwrap_or_default() {
            "handover" => Self::Handover,
            "reload" => Self::Reload,
            "status" => Self::Status,
            "stop" => {
                let within = line["within_ms"].as_u64().ok_or("`stop` needs `within_ms`")?;
                Self::Stop(Duration::from_millis(within))
            }
            "upgrade" => Self::Upgrade,
            other => return Err(format!("unknown command `{other}`")),
        };
        Ok((request, database))
    }
}

/// Writes a line.
pub(crate) fn say(mut stream: &UnixStream, value: &Value) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{value}\n").as_bytes())
}

/// Reads a line, byte for byte: what follows it may carry descriptors and must not be read ahead.
/// Nothing when the other side has gone before its line was whole.
pub(crate) fn hear(mut stream: &UnixStream, within: Duration) -> io::Result<Option<Value>> {
    stream.set_read_timeout(Some(within.max(Duration::from_millis(1))))?;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LINE_BYTES_MAX {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        if byte == [b'\n'] {
            return Ok(Some(serde_json::from_slice(&line)?));
        }
        line.extend(byte);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the line does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_read_as_it_was_written() {
        let all = [
            Request::Handover,
            Request::Reload,
            Request::Status,
            Request::Stop(Duration::from_millis(1_500)),
            Request::Upgrade,
        ];
        let database = PathBuf::from("x.db");
        for request in all {
            let line = request.to_json(Some(&database)).to_string();
            assert_eq!(Request::parse(&line), Ok((request, Some(database.clone()))));
        }
        for wrong in ["", "{}", "[]", "{\"command\":\"stop\"}", "{\"command\":\"Reload\"}"] {
            assert!(Request::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_that_does_not_come_is_not_waited_for() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (&theirs).write_all(b"{\"command\"").unwrap();
        assert!(hear(&ours, Duration::from_millis(20)).is_err());
        drop(theirs);
        assert_eq!(hear(&ours, PATIENCE).unwrap(), None);
    }
}
