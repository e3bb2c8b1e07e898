//! Messages put to a reader, many on one connection, and what it made of each.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::passage::Message;

/// A reader that says nothing for so long waits for bytes that will not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A plain request behind the others: it must arrive as what it is, or the ones before it did not
/// end where they should.
const LAST: &[u8] = b"GET /last HTTP/1.1\r\nHost: last\r\n\r\n";
const LAST_MEANING: &[u8] = b"GET /last last\n";

/// What a reader made of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Answer {
    /// It understood what we meant.
    Same,
    /// It would not have it; the status, or 0 for a closed connection.
    Refused(u16),
    /// It understood something else.
    Differs(String),
}

/// A connection to a reader, made again whenever it ends.
#[derive(Debug)]
pub(crate) struct Questions {
    address: SocketAddr,
    open: Option<Connection>,
}

/// A connection, with what was read from it and not yet used.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    unused: Vec<u8>,
}

/// One response.
#[derive(Debug)]
pub(crate) enum Reply {
    /// 200, with what was understood.
    Seen(Vec<u8>),
    /// Another status.
    Status(u16),
    /// The connection has ended.
    Closed,
    /// Nothing came.
    Silent,
}

impl Questions {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, open: None }
    }

    /// What the reader makes of each of these messages, sent one behind another. Where something
    /// is not understood, halves are sent again, until it is known which message it is about:
    /// some readers answer a bad message before the good ones in front of it.
    pub(crate) fn ask(&mut self, messages: &[Message]) -> std::io::Result<Vec<Answer>> {
        let Some((first, others)) = messages.split_first() else { return Ok(Vec::new()) };
        let Some((understood, reply)) = self.round(messages)? else {
            return Ok(vec![Answer::Same; messages.len()]);
        };
        if others.is_empty() {
            return Ok(vec![judge(first, understood, reply)]);
        }
        let (left, right) = messages.split_at(messages.len() / 2);
        let mut answers = self.ask(left)?;
        answers.extend(self.ask(right)?);
        if answers.iter().all(|answer| *answer == Answer::Same) {
            let which = understood.min(answers.len() - 1);
            answers[which] = Answer::Differs(format!("{reply:?}, only behind others"));
        }
        Ok(answers)
    }

    /// Sends messages and the last request. Nothing if all are understood; otherwise how many
    /// were, and what came then.
    fn round(&mut self, messages: &[Message]) -> std::io::Result<Option<(usize, Reply)>> {
        let mut bytes: Vec<u8> = messages.iter().flat_map(|one| one.bytes.clone()).collect();
        bytes.extend_from_slice(LAST);
        let mut connection = match self.open.take() {
            Some(open) => open,
            None => Connection::open(self.address)?,
        };
        connection.send(&bytes);
        for (understood, message) in messages.iter().enumerate() {
            match connection.reply(message.method == "HEAD") {
                Reply::Seen(seen) if seen == message.meaning => {}
                other => return Ok(Some((understood, other))),
            }
        }
        match connection.reply(false) {
            Reply::Seen(seen) if seen == LAST_MEANING => {
                self.open = Some(connection);
                Ok(None)
            }
            other => Ok(Some((messages.len(), other))),
        }
    }
}

/// What a reply other than the one that was meant says of the only message of a round.
fn judge(message: &Message, understood: usize, reply: Reply) -> Answer {
    match reply {
        _ if understood > 0 => Answer::Differs(format!("{reply:?} for what follows it")),
        Reply::Seen(seen) => {
            let (seen, meant) = (seen.escape_ascii(), message.meaning.escape_ascii());
            Answer::Differs(format!("read {seen} for {meant}"))
        }
        Reply::Status(status) => Answer::Refused(status),
        Reply::Closed => Answer::Refused(0),
        Reply::Silent => Answer::Differs("waits for more".to_owned()),
    }
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, unused: Vec::new() })
    }

    /// Sends all of it. A reader that refuses may close before: its answer tells.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).ok();
    }

    /// The next final response.
    pub(crate) fn reply(&mut self, to_head: bool) -> Reply {
        self.try_reply(to_head).unwrap_or_else(|end| end)
    }

    fn try_reply(&mut self, to_head: bool) -> Result<Reply, Reply> {
        loop {
            let end = loop {
                match self.unused.windows(4).position(|end| end == b"\r\n\r\n") {
                    Some(at) => break at + 4,
                    None => self.more()?,
                }
            };
            let head: Vec<u8> = self.unused.drain(..end).collect();
            let head = String::from_utf8_lossy(&head).into_owned();
            let status = head.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0);
            match status {
                100..200 => continue,
                200 => {}
                _ => return Ok(Reply::Status(status)),
            }
            if to_head {
                return Ok(Reply::Seen(field(&head, "seen").map(from_hex).unwrap_or_default()));
            }
            let length = field(&head, "content-length").and_then(|text| text.parse().ok());
            let length: usize = length.ok_or(Reply::Status(status))?;
            while self.unused.len() < length {
                self.more()?;
            }
            return Ok(Reply::Seen(self.unused.drain(..length).collect()));
        }
    }

    fn more(&mut self) -> Result<(), Reply> {
        let mut piece = [0; 65_536];
        match self.stream.read(&mut piece) {
            Ok(0) => Err(Reply::Closed),
            Ok(count) => {
                self.unused.extend_from_slice(piece.get(..count).unwrap_or_default());
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(Reply::Silent)
            }
            Err(_) => Err(Reply::Closed),
        }
    }
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (before, value) = line.split_once(':')?;
        before.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.filter_map(byte).collect()
}
