//! An upstream's answer on its way to the client.

use std::cell::{Cell, RefCell};

use exchange::decision::Decision;
use inspect::{Step, Want};
use wire::body::Progress;
use wire::limits::INTERIM_RESPONSES;
use wire::response::{self, Asked, ResponseHead};
use wire::{BodyLimits, BodyReader, Fields, Framing, HeadLimits, Parsed, Refusal};

use super::extras::Extras;
use super::inspected::Inspected;
use super::reply::Reply;
use super::stream::{Cut, Source};
use crate::cache::Verdict;
use crate::limits::{FLUSH_BYTES, HOLD_SLACK_BYTES, Timeouts};
use crate::ticker::Watch;

/// The status with which an upstream agrees to another protocol.
const SWITCHING_PROTOCOLS: u16 = 101;

/// What the answer must know of the exchange, and what it tells the rest of it.
pub(crate) struct Flow<'a> {
    pub(crate) asked: Asked,
    /// The fields of the request that is answered.
    pub(crate) request: &'a Fields,
    /// What a service wants beside passing answers on; most want nothing.
    pub(crate) extras: Option<&'a RefCell<Extras>>,
    /// What the client is told as the id of its request.
    pub(crate) request_id: Option<&'a str>,
    /// The client's connection may stay open, as far as the request goes.
    pub(crate) keeps: bool,
    pub(crate) inspected: &'a RefCell<Inspected>,
    pub(crate) watch: &'a Watch,
    pub(crate) timeouts: Timeouts,
    /// The whole request has been sent.
    pub(crate) sent: &'a Cell<bool>,
    /// Something of the final response has gone to the client, or is about to.
    pub(crate) begun: &'a Cell<bool>,
}

/// How an answer ended.
#[derive(Debug)]
pub(crate) enum Relayed {
    /// Something is wrong with the answer, and the client has seen nothing of it.
    Bad(Bad),
    /// It broke off after the client had seen its beginning.
    Broken,
    /// Inspection refuses it; the client has seen nothing of it.
    Stopped(Decision),
    /// Both connections speak another protocol from here on.
    Switched,
    /// The client sees nothing of it: a stored answer takes its place.
    Withheld {
        /// The upstream's connection can carry another exchange.
        upstream_keeps: bool,
    },
    /// The client has it all.
    Whole {
        /// The client's connection stays open.
        client_keeps: bool,
        /// The upstream's connection can carry another exchange.
        upstream_keeps: bool,
    },
}

/// What is wrong with an upstream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Bad {
    /// It closed the connection before the end of its head.
    Closed {
        /// Nothing at all had come.
        silent: bool,
    },
    /// It sent interim responses without end.
    Endless,
    /// It did not answer in time.
    Late,
    /// It says that it has done nothing with the request.
    Unprocessed,
    /// Its answer is malformed or ambiguous.
    Refused(Refusal),
}

/// Reads an upstream's answer and passes it on.
pub(crate) async fn relay<'s, R: Reply<'s>>(
    upstream: &mut Source<'_>,
    client: &mut R,
    head: &mut ResponseHead,
    flow: &Flow<'_>,
) -> Relayed {
    flow.watch.arm(flow.timeouts.response_head);
    if let Err(relayed) = final_head(upstream, client, head, flow).await {
        return relayed;
    }
    let upstream_keeps = |upstream: &Source<'_>, head: &ResponseHead| {
        // what is left over belongs to no request: the next one would get it
        head.keep_alive() && flow.sent.get() && upstream.buffer.is_empty()
    };
    if let Some(extras) = flow.extras
        && extras.borrow_mut().head(head) == Verdict::Withhold
    {
        let bodiless = head.framing() == Framing::None;
        return Relayed::Withheld { upstream_keeps: bodiless && upstream_keeps(upstream, head) };
    }
    let want = match flow.inspected.borrow_mut().response_head(head) {
        Step::Stop(decision) => return Relayed::Stopped(decision),
        Step::Continue(want) => want,
    };
    let Ok(reader) = BodyReader::new(head.framing(), &BodyLimits::response()) else {
        return Relayed::Bad(Bad::Refused(Refusal::BodyTooLarge));
    };
    let keeps = flow.keeps && flow.sent.get();
    let amended = flow.extras.and_then(|extras| extras.borrow_mut().amend(head, flow.asked));
    let shown = amended.as_ref().unwrap_or(head);
    let client_keeps = client.head(shown, shown.framing(), flow.request_id, keeps);
    let follows = head.framing() != Framing::None && upstream.ends_with_message();
    let mut body = ResponseBody { reader, want, told_end: false, follows };
    if let Err(relayed) = body.pass(upstream, client, flow).await {
        return relayed;
    }
    flow.begun.set(true);
    flow.watch.arm(flow.timeouts.client_stall);
    if client.flush(flow.watch).await.is_err() {
        return Relayed::Broken;
    }
    if head.status() == SWITCHING_PROTOCOLS {
        return Relayed::Switched;
    }
    Relayed::Whole { client_keeps, upstream_keeps: upstream_keeps(upstream, head) }
}

/// Reads heads up to the final one.
async fn final_head<'s, R: Reply<'s>>(
    upstream: &mut Source<'_>,
    client: &mut R,
    head: &mut ResponseHead,
    flow: &Flow<'_>,
) -> Result<(), Relayed> {
    let mut interim = 0;
    head.clear();
    loop {
        let limits = HeadLimits::response();
        let parsed = match upstream.buffer.is_empty() {
            true => Ok(Parsed::Partial),
            false => response::parse_head(upstream.buffer.filled(), &limits, flow.asked, head),
        };
        match parsed.map_err(|refusal| Relayed::Bad(Bad::Refused(refusal)))? {
            Parsed::Partial => match upstream.fill(flow.watch).await {
                Ok(0) | Err(Cut::Gone) => {
                    let silent = upstream.buffer.is_empty() && interim == 0;
                    return Err(Relayed::Bad(Bad::Closed { silent }));
                }
                Ok(_) => {}
                Err(Cut::Late) => return Err(Relayed::Bad(Bad::Late)),
                Err(Cut::Unprocessed) => return Err(Relayed::Bad(Bad::Unprocessed)),
            },
            Parsed::Complete { head_len } => {
                upstream.buffer.consume(head_len);
                if !head.is_interim() {
                    return Ok(());
                }
                interim += 1;
                if interim > INTERIM_RESPONSES {
                    return Err(Relayed::Bad(Bad::Endless));
                }
                // whether the body may come has been settled between the client and us
                if head.status() != 100 {
                    let sent = client.interim(head, flow.watch).await;
                    sent.map_err(|_| Relayed::Broken)?;
                }
            }
        }
    }
}

/// The body of one response.
struct ResponseBody {
    reader: BodyReader,
    want: Want,
    told_end: bool,
    /// Trailers may follow it in a frame of their own.
    follows: bool,
}

impl ResponseBody {
    /// Passes the body on to its end; the last of it is prepared and not sent.
    async fn pass<'s, R: Reply<'s>>(
        &mut self,
        upstream: &mut Source<'_>,
        client: &mut R,
        flow: &Flow<'_>,
    ) -> Result<(), Relayed> {
        loop {
            let advanced = self.reader.advance(upstream.buffer.filled());
            let (used, progress) = advanced.map_err(|refusal| broken(flow, refusal))?;
            match progress {
                Progress::Data(range) => {
                    let data = upstream.buffer.filled().get(range).unwrap_or_default();
                    match flow.extras {
                        None => client.data(data),
                        Some(extras) => {
                            let coded = extras.borrow_mut().data(data, client);
                            coded.map_err(|_| Relayed::Broken)?;
                        }
                    }
                    self.told_end = self.reader.is_ended();
                    let step = flow.inspected.borrow_mut().response_body(data, self.told_end);
                    upstream.buffer.consume(used);
                    self.obey(step, flow)?;
                    if client.pending() >= FLUSH_BYTES {
                        self.flush(client, flow).await?;
                    }
                }
                Progress::More => {
                    upstream.buffer.consume(used);
                    // what is known to be the end goes out with what comes before it
                    if !upstream.has_ended() {
                        if let Some(extras) = flow.extras {
                            extras.borrow_mut().flush(client).map_err(|_| Relayed::Broken)?;
                        }
                        self.flush(client, flow).await?;
                    }
                    flow.watch.arm(flow.timeouts.stall);
                    match upstream.fill(flow.watch).await {
                        Ok(0) => {
                            let ended = self.reader.end_of_input();
                            ended.map_err(|refusal| broken(flow, refusal))?;
                            return self.end(upstream, client, flow).await;
                        }
                        Ok(_) => {}
                        Err(Cut::Late) if !flow.begun.get() => {
                            return Err(Relayed::Bad(Bad::Late));
                        }
                        Err(_) => return Err(broken(flow, Refusal::BodyTruncated)),
                    }
                }
                Progress::End => {
                    upstream.buffer.consume(used);
                    return self.end(upstream, client, flow).await;
                }
            }
        }
    }

    /// Writes what has come, unless it is held.
    async fn flush<'s, R: Reply<'s>>(
        &mut self,
        client: &mut R,
        flow: &Flow<'_>,
    ) -> Result<(), Relayed> {
        let most = flow.inspected.borrow().lane().response_body_bytes_max;
        let most = most.saturating_add(HOLD_SLACK_BYTES);
        if self.want == Want::Hold && self.reader.received() <= most as u64 {
            return Ok(());
        }
        flow.begun.set(true);
        flow.watch.arm(flow.timeouts.client_stall);
        client.flush(flow.watch).await.map_err(|_| Relayed::Broken)
    }

    async fn end<'s, R: Reply<'s>>(
        &mut self,
        upstream: &mut Source<'_>,
        client: &mut R,
        flow: &Flow<'_>,
    ) -> Result<(), Relayed> {
        let framed = match self.follows {
            true => Some(self.trailers(upstream, flow).await?),
            false => None,
        };
        if !self.told_end {
            let step = flow.inspected.borrow_mut().response_body(&[], true);
            self.obey(step, flow)?;
        }
        if let Some(extras) = flow.extras {
            let ended = extras.borrow_mut().end(flow.request, client);
            ended.map_err(|_| Relayed::Broken)?;
        }
        client.end(framed.as_ref().unwrap_or(self.reader.trailers()));
        Ok(())
    }

    /// What follows a body in frames. Streams may rest between their last message and the end.
    async fn trailers(
        &mut self,
        upstream: &mut Source<'_>,
        flow: &Flow<'_>,
    ) -> Result<Fields, Relayed> {
        flow.watch.arm(flow.timeouts.stall);
        match upstream.trailers(flow.watch).await {
            Ok(Ok(trailers)) => Ok(trailers),
            Ok(Err(refusal)) => Err(broken(flow, refusal)),
            Err(Cut::Late) if !flow.begun.get() => Err(Relayed::Bad(Bad::Late)),
            Err(_) => Err(broken(flow, Refusal::BodyTruncated)),
        }
    }

    fn obey(&mut self, step: Step, flow: &Flow<'_>) -> Result<(), Relayed> {
        match step {
            Step::Continue(want) => {
                self.want = want;
                Ok(())
            }
            Step::Stop(_) if flow.begun.get() => Err(Relayed::Broken),
            Step::Stop(decision) => Err(Relayed::Stopped(decision)),
        }
    }
}

/// A body that is not what its framing says: an error of our own if the client has seen nothing.
fn broken(flow: &Flow<'_>, refusal: Refusal) -> Relayed {
    if flow.begun.get() { Relayed::Broken } else { Relayed::Bad(Bad::Refused(refusal)) }
}
