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

use exchange::decision::Disposition;
use exchange::endpoint::Method;
use exchange::message::Scheme;
use wire::request::RequestHead;
use wire::response::ResponseHead;
use wire::{Refusal, Sender, Version};

pub(crate) use self::buffer::Buffer;
pub(crate) use self::inspected::wall_clock;
use self::reply::Reply;
use self::stream::Source;
use crate::access_log::{Entry, Told};
use crate::correlation::{Marks, REQUEST_ID};
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
    /// The request as far as it has been written for the upstream: first its head.
    request_out: Vec<u8>,
    /// The identity of the exchange, once somebody needs it.
    id: Option<String>,
    /// What it is marked with, where its service asks for that.
    marks: Option<Marks>,
    head_bytes: usize,
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
            id: None,
            marks: None,
            head_bytes: 0,
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

    /// The identity of the exchange under way.
    fn identity(&mut self) -> &str {
        let worker = &self.worker;
        self.id.get_or_insert_with(|| worker.ulids.borrow_mut().next(wall_clock()))
    }

    /// What is known of an exchange before its head.
    fn entry(&mut self) -> Entry {
        let id = self.identity().to_owned();
        let version = match (self.source.ends_with_message(), self.head.version()) {
            (true, _) => "HTTP/2.0",
            (false, Version::Http11) => "HTTP/1.1",
            (false, Version::Http10) => "HTTP/1.0",
        };
        let client = Some(self.address);
        Entry { at: wall_clock(), id, client, scheme: self.scheme, version, ..Entry::default() }
    }

    /// Sends an answer to something that does not become an exchange.
    async fn turn_away(&mut self, answer: &Answer, bodiless: bool, keeps: bool) -> After {
        let after = self.answer(answer, bodiless, keeps).await;
        self.attempted(self.told(answer), None);
        after
    }

    /// Says what is wrong with a head that cannot be read, if there is anybody to say it to.
    async fn answer_refused(&mut self, refusal: Refusal, bodiless: bool) -> Option<After> {
        let Some(status) = refusal.status(Sender::Client) else {
            self.attempted(Told::default(), Some(refusal));
            return None;
        };
        let answer = Answer::to_bytes(status, refusal.client_message(Sender::Client));
        let after = self.answer(&answer, bodiless, false).await;
        self.attempted(self.told(&answer), Some(refusal));
        Some(after)
    }

    /// Writes down what did not become an exchange.
    fn attempted(&mut self, told: Told, refusal: Option<Refusal>) {
        let table = self.worker.table();
        let Some(log) = table.arrangement.access_log() else { return };
        let reason = refusal.map(Refusal::code);
        let disposition = refusal.map(|_| Disposition::Blocked);
        let entry = self.entry();
        log.attempt(Entry { told, disposition, reason, ..entry });
    }

    /// What a client knows that got this answer.
    fn told(&self, answer: &Answer) -> Told {
        let problem = answer.problem();
        Told { status: Some(answer.status), bytes: self.reply.body_bytes(), problem }
    }

    /// Sends an answer of our own.
    async fn answer(&mut self, answer: &Answer, bodiless: bool, keeps: bool) -> After {
        let mut rendered = answer.render(self.identity());
        if let Some(marks) = &self.marks {
            rendered.fields.push((REQUEST_ID, marks.request_id.clone()));
        }
        self.watch.arm(self.worker.timeouts.client_stall);
        match self.reply.own(&rendered, bodiless, keeps, &self.watch).await {
            Ok(()) if keeps => After::Keep,
            Ok(()) => After::Close,
            Err(_) => After::Reset,
        }
    }
}
