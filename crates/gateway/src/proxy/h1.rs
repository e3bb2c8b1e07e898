//! Clients that speak HTTP/1.1: request heads one after the other, an exchange for each.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use exchange::message::Scheme;
use wire::body::encode_last_chunk;
use wire::request;
use wire::response::ResponseHead;
use wire::{Fields, Framing, HeadLimits, Parsed, Profile, Refusal, Version};

use super::buffer::{Buffer, recycle};
use super::forward::{self, Passage};
use super::hold::write_data;
use super::reply::Reply;
use super::stream::{Cut, Sink, Source};
use super::{After, Channel, drive};
use crate::limits::{HEAD_BUFFER_BYTES, LINGER, LINGER_BYTES_MAX, SETTLE};
use crate::refuse::{Answer, Rendered};
use crate::ticker::Watch;
use crate::tls::Secured;
use crate::transport::Transport;
use crate::worker::Worker;

/// What comes next on a connection.
enum Next {
    /// A whole head, in the channel's `head`.
    Head,
    /// A head that did not come to its end in time.
    Late,
    /// Nothing more.
    Nothing,
    /// Something that is no head.
    Refused(Refusal),
}

/// Serves a client until one side has had enough.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    mut transport: Transport,
    address: IpAddr,
    security: (Scheme, Option<Rc<Secured>>),
) {
    let mut buffer = Buffer::new();
    let (read, write) = transport.split();
    let source = Source::new(read, &mut buffer);
    let mut channel = Channel::new(worker, address, security, source, Bytes::new(Sink::new(write)));
    let resets = channel.run().await;
    drop(channel);
    if resets {
        transport.break_off();
    }
}

/// Answers as the bytes of HTTP/1.1.
#[derive(Debug)]
pub(super) struct Bytes<'s> {
    sink: Sink<'s>,
    out: Vec<u8>,
    /// The version of the request that is answered.
    version: Version,
    chunked: bool,
    body_bytes: u64,
}

impl<'s> Bytes<'s> {
    fn new(sink: Sink<'s>) -> Self {
        Self { sink, out: Vec::new(), version: Version::Http11, chunked: false, body_bytes: 0 }
    }
}

impl<'s> Reply<'s> for Bytes<'s> {
    fn head(
        &mut self,
        head: &ResponseHead,
        framing: Framing,
        request_id: Option<&str>,
        keeps: bool,
    ) -> bool {
        let passage = Passage::of(framing, self.version, keeps);
        self.chunked = passage.framing == Framing::Chunked;
        self.body_bytes = 0;
        self.out.clear();
        passage.head(head, self.version, request_id, &mut self.out);
        passage.keeps
    }

    fn data(&mut self, data: &[u8]) {
        self.body_bytes += data.len() as u64;
        write_data(data, self.chunked, &mut self.out);
    }

    fn end(&mut self, trailers: &Fields) {
        if self.chunked {
            encode_last_chunk(Some(trailers), &mut self.out);
        }
    }

    fn pending(&self) -> usize {
        self.out.len()
    }

    fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    async fn flush(&mut self, watch: &Watch) -> Result<(), Cut> {
        self.sink.write(&self.out, watch).await?;
        self.out.clear();
        Ok(())
    }

    async fn interim(&mut self, head: &ResponseHead, watch: &Watch) -> Result<(), Cut> {
        // HTTP/1.0 knows no interim responses
        if self.version == Version::Http10 {
            return Ok(());
        }
        self.out.clear();
        forward::interim(head, &mut self.out);
        self.flush(watch).await
    }

    async fn invite(&mut self, watch: &Watch) -> Result<(), Cut> {
        self.sink.write(b"HTTP/1.1 100 Continue\r\n\r\n", watch).await
    }

    async fn own(
        &mut self,
        answer: &Rendered,
        bodiless: bool,
        keeps: bool,
        watch: &Watch,
    ) -> Result<(), Cut> {
        self.out.clear();
        let connection = Passage::connection(keeps, self.version);
        answer.write(bodiless, connection, &mut self.out);
        self.body_bytes = if bodiless { 0 } else { answer.body.len() as u64 };
        self.flush(watch).await
    }

    fn bare(&mut self) -> Option<&mut Sink<'s>> {
        Some(&mut self.sink)
    }
}

impl<'s> Channel<'s, Bytes<'s>> {
    /// Serves request after request. Returns whether the connection is to be broken off.
    async fn run(&mut self) -> bool {
        let mut patience = self.worker.timeouts.request_head;
        loop {
            let after = match self.next_head(patience).await {
                Next::Head => {
                    self.reply.version = self.head.version();
                    drive::exchange(self).await
                }
                Next::Late => self.turn_away(&Answer::request_timeout(), false, false).await,
                Next::Nothing => return false,
                Next::Refused(refusal) => {
                    self.note_refused(refusal);
                    match self.answer_refused(refusal, false).await {
                        Some(after) => after,
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

    /// Waits for the next head: so long for its first byte, and then not much longer.
    async fn next_head(&mut self, patience: Duration) -> Next {
        self.watch.arm(patience.min(SETTLE));
        let mut rest = patience.saturating_sub(SETTLE);
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
            let given_up = || idle && worker.closing_idle.get();
            match self.source.fill_unless(&self.watch, given_up).await {
                Ok(0) | Err(Cut::Gone | Cut::Unprocessed) => return Next::Nothing,
                Ok(_) => {}
                Err(Cut::Late) if begun => return Next::Late,
                Err(Cut::Late) if rest.is_zero() => return Next::Nothing,
                Err(Cut::Late) => {
                    self.rest();
                    self.watch.arm(std::mem::take(&mut rest));
                }
            }
        }
    }

    /// Gives back what a large exchange needed.
    fn relax(&mut self) {
        (self.id, self.marks) = (None, None);
        self.source.buffer.relax();
        recycle(&mut self.request_out);
        recycle(&mut self.reply.out);
    }

    /// Gives back what is of no use while the client is silent.
    fn rest(&mut self) {
        self.source.buffer.rest();
        (self.request_out, self.reply.out) = (Vec::new(), Vec::new());
    }

    /// Closes our side, and reads what the client had on its way: closing both at once would make
    /// the system throw our last answer away.
    async fn linger(&mut self) {
        self.watch.arm(LINGER);
        self.reply.sink.finish(&self.watch).await;
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
