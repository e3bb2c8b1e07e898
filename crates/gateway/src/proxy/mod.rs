//! One client connection: request heads one after the other, an exchange for each.

mod buffer;
mod drive;
mod duplex;
mod forward;
mod hold;
mod inspected;
mod relay;
mod stream;
pub(crate) mod upstream;

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use exchange::endpoint::Method;
use tokio::net::TcpStream;
use wire::request::{self, RequestHead};
use wire::response::ResponseHead;
use wire::{HeadLimits, Parsed, Profile, Refusal, Sender};

use self::buffer::{Buffer, recycle};
use self::forward::Passage;
pub(crate) use self::inspected::wall_clock;
use self::stream::{Cut, Sink, Source};
use crate::limits::{HEAD_BUFFER_BYTES, LINGER, LINGER_BYTES_MAX};
use crate::refuse::Answer;
use crate::ticker::Watch;
use crate::worker::Worker;

/// A client's connection, with everything that its exchanges use in turn.
struct Connection<'s> {
    worker: Rc<Worker>,
    address: IpAddr,
    address_text: String,
    watch: Watch,
    source: Source<'s>,
    sink: Sink<'s>,
    head: RequestHead,
    response: ResponseHead,
    request_out: Vec<u8>,
    response_out: Vec<u8>,
}

/// What becomes of a connection after an exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    /// It is closed; what the client is still sending is read and thrown away.
    Close,
    /// It carries another exchange.
    Keep,
    /// It is broken off, so that nobody takes what was sent for a whole answer.
    Reset,
}

/// What comes next on a connection.
enum Next {
    /// A whole head, in the connection's `head`.
    Head,
    /// A head that did not come to its end in time.
    Late,
    /// Nothing more.
    Nothing,
    /// Something that is no head.
    Refused(Refusal),
}

/// Serves a client until one side has had enough.
pub(crate) async fn serve(worker: Rc<Worker>, mut stream: TcpStream, address: IpAddr) {
    // a client that came over IPv4 is the same on a listener for both (RFC 4291 §2.5.5.2)
    let address = address.to_canonical();
    let mut buffer = Buffer::new();
    let (read, write) = stream.split();
    let mut connection = Connection {
        watch: worker.ticker.enroll(),
        worker,
        address,
        address_text: address.to_string(),
        source: Source::new(read, &mut buffer),
        sink: Sink::new(write),
        head: RequestHead::new(),
        response: ResponseHead::new(),
        request_out: Vec::new(),
        response_out: Vec::new(),
    };
    let resets = connection.run().await;
    drop(connection);
    if resets {
        // if it cannot be reset it is closed, which is the most that can be done
        let _ = stream.set_zero_linger();
    }
}

impl Connection<'_> {
    /// Serves request after request. Returns whether the connection is to be broken off.
    async fn run(&mut self) -> bool {
        let mut patience = self.worker.timeouts.request_head;
        loop {
            let after = match self.next_head(patience).await {
                Next::Head => drive::exchange(self).await,
                Next::Late => {
                    let answer = Answer::request_timeout();
                    self.answer(&answer, false, false).await
                }
                Next::Nothing => return false,
                Next::Refused(refusal) => {
                    self.note_refused(refusal);
                    match refusal.status(Sender::Client) {
                        Some(status) => {
                            let message = refusal.client_message(Sender::Client);
                            self.answer(&Answer::to_bytes(status, message), false, false).await
                        }
                        None => return false,
                    }
                }
            };
            match after {
                After::Keep => self.relax(),
                After::Close => {
                    self.linger().await;
                    return false;
                }
                After::Reset => return true,
            }
            patience = self.worker.timeouts.idle;
        }
    }

    /// Counts a refused head, and reports what it shows beyond a mistake.
    fn note_refused(&self, refusal: Refusal) {
        self.worker.counts.refused(refusal);
        let table = self.worker.table();
        let host = self.head.claimed_host();
        let host = host.as_ref().map_or("", |authority| authority.host());
        let method = Method::parse(self.head.method().as_bytes());
        let peer = table.peer(self.address);
        let inspector = table.arrangement.inspector();
        if let Some(seen) = inspector.refused(refusal, host, method, &peer, wall_clock()) {
            self.worker.outlet.send(seen);
        }
    }

    /// Waits for the next head: so long for its first byte, and then not much longer.
    async fn next_head(&mut self, patience: Duration) -> Next {
        self.watch.arm(patience);
        let mut begun = false;
        loop {
            if !self.source.buffer.is_empty() {
                if !std::mem::replace(&mut begun, true) {
                    self.watch.arm(self.worker.timeouts.request_head);
                }
                let bytes = self.source.buffer.filled();
                let limits = HeadLimits::request();
                match request::parse_head(bytes, &limits, Profile::Observe, &mut self.head) {
                    Ok(Parsed::Complete { head_len }) => {
                        self.source.buffer.consume(head_len);
                        return Next::Head;
                    }
                    Ok(Parsed::Partial) if bytes.len() >= HEAD_BUFFER_BYTES => {
                        return Next::Refused(Refusal::HeadTooLong);
                    }
                    Ok(Parsed::Partial) => {}
                    Err(refusal) => return Next::Refused(refusal),
                }
            }
            let worker = &self.worker;
            let idle = self.source.buffer.is_empty();
            let given_up = || idle && worker.draining.get();
            match self.source.fill_unless(&self.watch, given_up).await {
                Ok(0) | Err(Cut::Gone) => return Next::Nothing,
                Ok(_) => {}
                Err(Cut::Late) if begun => return Next::Late,
                Err(Cut::Late) => return Next::Nothing,
            }
        }
    }

    /// Writes an answer of our own.
    async fn answer(&mut self, answer: &Answer, bodiless: bool, keeps: bool) -> After {
        let ulid = self.worker.ulids.borrow_mut().next(wall_clock());
        let connection = Passage::connection(keeps, self.head.version());
        self.response_out.clear();
        answer.write(&ulid, bodiless, connection, &mut self.response_out);
        self.watch.arm(self.worker.timeouts.stall);
        match self.sink.write(&self.response_out, &self.watch).await {
            Ok(()) if keeps => After::Keep,
            Ok(()) => After::Close,
            Err(_) => After::Reset,
        }
    }

    /// Gives back what a large exchange needed.
    fn relax(&mut self) {
        self.source.buffer.relax();
        recycle(&mut self.request_out);
        recycle(&mut self.response_out);
    }

    /// Closes our side, and reads what the client had on its way: closing both at once would make
    /// the system throw our last answer away.
    async fn linger(&mut self) {
        self.sink.finish().await;
        self.watch.arm(LINGER);
        let mut thrown = 0;
        while thrown < LINGER_BYTES_MAX {
            let unused = self.source.buffer.filled().len();
            self.source.buffer.consume(unused);
            match self.source.fill(&self.watch).await {
                Ok(count) if count > 0 => thrown += count,
                _ => break,
            }
        }
    }
}
