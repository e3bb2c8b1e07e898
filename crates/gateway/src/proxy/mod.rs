//! Exchanges on their way between clients and upstreams.

mod buffer;
mod cached;
mod drive;
mod duplex;
mod extras;
pub(crate) mod forward;
pub(crate) mod h1;
pub(crate) mod h2;
pub(crate) mod hold;
mod inspected;
mod relay;
mod reply;
mod stream;
mod tunnel;

use std::net::IpAddr;
use std::rc::Rc;

use exchange::endpoint::Method;
use exchange::message::Scheme;
use wire::Refusal;
use wire::request::RequestHead;
use wire::response::ResponseHead;

pub(crate) use self::buffer::Buffer;
pub(crate) use self::inspected::wall_clock;
use self::reply::Reply;
use self::stream::Source;
use crate::refuse::Answer;
use crate::ticker::Watch;
use crate::tls::Secured;
use crate::worker::Worker;

/// What carries a client's exchanges, one after the other: a connection of HTTP/1.1, or for one
/// exchange a stream of HTTP/2. It has everything that they use in turn.
struct Channel<'s, R> {
    worker: Rc<Worker>,
    address: IpAddr,
    address_text: String,
    scheme: Scheme,
    secured: Option<Rc<Secured>>,
    watch: Watch,
    source: Source<'s>,
    reply: R,
    head: RequestHead,
    response: ResponseHead,
    request_out: Vec<u8>,
}

/// What becomes of a channel after an exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    /// It is closed; what the client is still sending is read and thrown away.
    Close,
    /// It carries another exchange.
    Keep,
    /// It is broken off, so that nobody takes what was sent for a whole answer.
    Reset,
}

impl<'s, R: Reply<'s>> Channel<'s, R> {
    fn new(
        worker: Rc<Worker>,
        address: IpAddr,
        (scheme, secured): (Scheme, Option<Rc<Secured>>),
        source: Source<'s>,
        reply: R,
    ) -> Self {
        // a client that came over IPv4 is the same on a listener for both (RFC 4291 §2.5.5.2)
        let address = address.to_canonical();
        Self {
            watch: worker.ticker.enroll(),
            worker,
            address,
            address_text: address.to_string(),
            scheme,
            secured,
            source,
            reply,
            head: RequestHead::new(),
            response: ResponseHead::new(),
            request_out: Vec::new(),
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

    /// Sends an answer of our own.
    async fn answer(&mut self, answer: &Answer, bodiless: bool, keeps: bool) -> After {
        let rendered = answer.render(&self.worker.ulids.borrow_mut().next(wall_clock()));
        self.watch.arm(self.worker.timeouts.client_stall);
        match self.reply.own(&rendered, bodiless, keeps, &self.watch).await {
            Ok(()) if keeps => After::Keep,
            Ok(()) => After::Close,
            Err(_) => After::Reset,
        }
    }
}
