//! One exchange: the bytes of a client and an upstream on one side, the five calls on the other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use exchange::decision::{Decision, Disposition};
use exchange::message::Scheme;
use exchange::peer::Peer;
use inspect::{Step, Want};
use policy::document::Upstream;
use policy::document::upstreams::Protocol;
use wire::{Framing, Refusal, Sender, TargetForm};

use super::duplex::{Pumped, Side, duplex};
use super::extras::Extras;
use super::forward::{self, Client};
use super::hold::{Fault, RequestBody};
use super::inspected::Inspected;
use super::relay::{Bad, Flow, Relayed, relay};
use super::reply::Reply;
use super::stream::{Cut, Sink, Source};
use super::tunnel::tunnel;
use super::{After, Channel, cached, h2};
use crate::access_log::{Draft, Entry, Told};
use crate::budget::Pressure;
use crate::correlation::{Marks, Traced};
use crate::refuse::Answer;
use crate::upstream::{Carrier, Lease, Link, Outcome, Unreachable};
use crate::worker::Table;

/// How an exchange ends.
#[derive(Debug)]
pub(super) enum Ending {
    /// In the middle of the answer.
    Broken,
    /// The client went away before it was answered.
    Gone,
    /// With an answer of ours.
    Ours(Answer, Disposition),
    /// With the upstream's answer.
    Theirs { client_keeps: bool },
    /// With an answer that the client has not seen; a stored one is to be used.
    Withheld,
}

/// Carries out the exchange whose head has been read.
pub(super) async fn exchange<'s, R: Reply<'s>>(channel: &mut Channel<'s, R>) -> After {
    if channel.worker.memory.pressure() >= Pressure::Refusing {
        channel.worker.counts.overloads.add(1);
        let bodiless = channel.head.method() == "HEAD";
        return channel.turn_away(&Answer::overloaded(), bodiless, false).await;
    }
    if channel.head.form() == TargetForm::Asterisk {
        return about_the_gateway(channel).await;
    }
    if channel.scheme == Scheme::Http
        && let Some(answer) = channel.worker.challenges.answer(&channel.head)
    {
        return about_certificates(channel, &answer).await;
    }
    let table = channel.worker.table();
    let mut peer = table.peer(channel.address);
    let certificate = channel.secured.as_ref().and_then(|secured| secured.client.as_ref());
    peer.certificate = certificate.map(|shown| shown.identity().into());
    channel.marks = None;
    let (mut inspected, step) =
        Inspected::begin(&channel.worker, &table, &channel.head, channel.scheme, &peer);
    let step = inspected.admitted(&table, channel.secured.as_deref(), step);
    let traced = mark(channel, &inspected, &peer);
    draft(channel, &table, &peer, traced).into_iter().for_each(|draft| inspected.drafted(draft));
    let inspected = RefCell::new(inspected);
    let in_frames = channel.source.ends_with_message();
    let want = if let Step::Continue(want) = step { want } else { Want::Nothing };
    let mut body = RequestBody::new(channel.head.framing(), in_frames, want);
    let ending = match step {
        Step::Stop(decision) => refused(&decision),
        Step::Continue(_) => match gather(channel, &inspected, &mut body, peer.trusted).await {
            Ok(()) => cached::exchange(channel, &inspected, &mut body, &peer).await,
            Err(ending) => ending,
        },
    };
    conclude(channel, &inspected, body, ending).await
}

/// Marks the exchange, if its service asks for that.
fn mark<'s, R: Reply<'s>>(
    channel: &mut Channel<'s, R>,
    inspected: &Inspected,
    peer: &Peer,
) -> Option<Traced> {
    if !inspected.lane().correlate {
        return None;
    }
    let id = channel.identity().to_owned();
    let (marks, traced) = Marks::new(&id, channel.head.fields(), peer.trusted);
    channel.marks = Some(marks);
    Some(traced)
}

/// What the access log is to tell, if there is one.
fn draft<'s, R: Reply<'s>>(
    channel: &mut Channel<'s, R>,
    table: &Table,
    peer: &Peer,
    traced: Option<Traced>,
) -> Option<Draft> {
    let log = Arc::clone(table.arrangement.access_log()?);
    let client = table.client(peer, channel.head.fields());
    let entry = channel.entry();
    let traced = traced.unwrap_or_else(|| Traced::unmarked(channel.head.fields()));
    Some(Draft::new(log, &channel.head, Entry { client, traced, ..entry }))
}

/// Answers `OPTIONS *`: it asks about a server as a whole, and the one that is asked is the
/// gateway (RFC 9110 §9.3.7).
async fn about_the_gateway<'s, R: Reply<'s>>(channel: &mut Channel<'s, R>) -> After {
    let bodiless = matches!(channel.head.framing(), Framing::None | Framing::Length(0));
    let keeps = bodiless && channel.head.keep_alive() && !channel.worker.draining.get();
    channel.turn_away(&Answer::methods(), false, keeps).await
}

/// Answers an authority that is to issue a certificate for this host.
async fn about_certificates<'s, R: Reply<'s>>(
    channel: &mut Channel<'s, R>,
    answer: &Answer,
) -> After {
    let bodiless = matches!(channel.head.framing(), Framing::None | Framing::Length(0));
    let keeps = bodiless && channel.head.keep_alive() && !channel.worker.draining.get();
    let to_head = channel.head.method() == "HEAD";
    channel.turn_away(answer, to_head, keeps).await
}

/// Writes the request as far as it is here; all of it, if it is held. A client that waits to be
/// asked for its body is asked now: `Expect` concerns one channel and is not forwarded.
async fn gather<'s, R: Reply<'s>>(
    channel: &mut Channel<'s, R>,
    inspected: &RefCell<Inspected>,
    body: &mut RequestBody,
    trusted: bool,
) -> Result<(), Ending> {
    let lane = Rc::clone(inspected.borrow().lane());
    let client = Client {
        address: &channel.address_text,
        trusted,
        scheme: channel.scheme,
        identity: &lane.identity,
        marks: channel.marks.as_ref(),
    };
    channel.request_out.clear();
    forward::request(&channel.head, lane.mode, client, &mut channel.request_out);
    channel.head_bytes = channel.request_out.len();
    if lane.upstreams.protocol() == Protocol::Http2 {
        body.write_bare();
    }
    let mut invited = !channel.head.expects_continue();
    loop {
        let taken = body.take(channel.source.buffer, inspected, &mut channel.request_out);
        taken.map_err(|fault| faulty(inspected, fault))?;
        channel.watch.arm(channel.worker.timeouts.client_stall);
        let waits = !std::mem::replace(&mut invited, true);
        if waits && !body.is_ended() && !body.has_begun() {
            channel.reply.invite(&channel.watch).await.map_err(|_| Ending::Gone)?;
        }
        if !body.is_held() {
            return Ok(());
        }
        match body.wait(&mut channel.source, &channel.watch).await {
            Ok(0) if channel.source.ends_with_message() => {}
            Ok(0) => return Err(truncated(inspected)),
            Err(Cut::Gone | Cut::Unprocessed) => return Err(Ending::Gone),
            Ok(_) => {}
            Err(Cut::Late) => return Err(late_client()),
        }
    }
}

/// Sends the request to an upstream and passes the answer on; once more if no answer came and
/// that does no harm.
pub(super) async fn send<'s, R: Reply<'s>>(
    channel: &mut Channel<'s, R>,
    inspected: &RefCell<Inspected>,
    body: &mut RequestBody,
    extras: Option<&RefCell<Extras>>,
) -> Ending {
    let lane = Rc::clone(inspected.borrow().lane());
    let ticker = Rc::clone(&channel.worker.ticker);
    // a body that is sent as it comes cannot be sent twice
    let whole = body.is_ended();
    let client = || {
        let table = channel.worker.table();
        table.client(&table.peer(channel.address), channel.head.fields())
    };
    let mut route = lane.upstreams.route(&channel.head, client, whole);
    loop {
        let acquired = lane.upstreams.acquire(&mut route, &channel.watch, &ticker).await;
        let mut lease = match acquired {
            Ok(lease) => lease,
            Err(unreachable) => return unanswered(unreachable),
        };
        let started = Instant::now();
        let (relayed, untouched) = over(channel, &mut lease, inspected, body, extras).await;
        let relayed = match relayed {
            Ok(relayed) => relayed,
            Err(ending) => return ending,
        };
        let ended = Instant::now();
        let micros = u64::try_from((ended - started).as_micros()).unwrap_or(u64::MAX);
        lane.counts.upstream_durations.observe(micros);
        judge(&mut lease, &relayed, channel.response.status());
        let untouched = untouched || matches!(relayed, Relayed::Bad(Bad::Unprocessed));
        match relayed {
            Relayed::Bad(Bad::Closed { silent: true } | Bad::Unprocessed)
                if lane.upstreams.sends_again(&mut route, &channel.head, untouched) => {}
            Relayed::Bad(Bad::Refused(refusal)) => {
                channel.worker.counts.refused(refusal);
                return Ending::Ours(Answer::bad_gateway(), Disposition::Dropped);
            }
            Relayed::Bad(Bad::Closed { .. } | Bad::Endless | Bad::Unprocessed) => {
                return unanswered(Unreachable::Gone);
            }
            Relayed::Bad(Bad::Late) => return unanswered(Unreachable::Late),
            Relayed::Broken => return Ending::Broken,
            Relayed::Switched => return Ending::Theirs { client_keeps: false },
            Relayed::Stopped(decision) => return refused(&decision),
            Relayed::Withheld { upstream_keeps } => {
                if upstream_keeps {
                    lease.put_back(&ticker);
                }
                return Ending::Withheld;
            }
            Relayed::Whole { client_keeps, upstream_keeps } => {
                if upstream_keeps {
                    lease.put_back(&ticker);
                }
                inspected.borrow_mut().relayed(ended);
                return Ending::Theirs { client_keeps };
            }
        }
    }
}

/// Draws the conclusions from one exchange for those that come.
fn judge(lease: &mut Lease, relayed: &Relayed, status: u16) {
    lease.flight.settle(outcome(relayed, status, &lease.link));
    if matches!(relayed, Relayed::Bad(Bad::Late)) {
        lease.link.give_up();
    }
}

/// What an exchange shows of its upstream. One that breaks off in the middle may have lost its
/// client; a connection that had been idle may just have been closed, or one that is shared left.
fn outcome(relayed: &Relayed, status: u16, link: &Link) -> Outcome {
    match relayed {
        Relayed::Bad(Bad::Closed { silent: true }) if link.may_have_been_closed() => {
            Outcome::Unknown
        }
        Relayed::Bad(Bad::Unprocessed) if link.reused => Outcome::Unknown,
        Relayed::Bad(_) => Outcome::Failed,
        Relayed::Broken => Outcome::Unknown,
        Relayed::Whole { .. } | Relayed::Withheld { .. } if matches!(status, 502..=504) => {
            Outcome::Unable
        }
        Relayed::Stopped(_)
        | Relayed::Switched
        | Relayed::Whole { .. }
        | Relayed::Withheld { .. } => Outcome::Answered,
    }
}

fn unanswered(why: Unreachable) -> Ending {
    let answer = match why {
        Unreachable::Busy { after_s } => Answer::unavailable(after_s),
        Unreachable::Gone => Answer::bad_gateway(),
        Unreachable::Late => Answer::gateway_timeout(),
    };
    Ending::Ours(answer, Disposition::Dropped)
}

/// Why a request could not be given to a connection.
enum Unsent {
    /// The connection takes no more.
    Closed,
    /// The upstream's version of HTTP cannot say it.
    Unsayable,
}

/// The two directions to an upstream, and how much of the request remains to be written: over
/// HTTP/2 they begin with its head.
fn ways<'l>(
    link: &'l mut Link,
    target: &Upstream,
    written: &[u8],
    (head_bytes, is_all): (usize, bool),
) -> Result<(Source<'l>, Sink<'l>, usize), Unsent> {
    let share = match &mut link.carrier {
        Carrier::Own(transport) => {
            let (read, write) = transport.split();
            return Ok((Source::new(read, &mut link.buffer), Sink::new(write), 0));
        }
        Carrier::Shared(share) => share,
    };
    let head = written.get(..head_bytes).unwrap_or_default();
    let request = h2::onward::request(head, target).ok_or(Unsent::Unsayable)?;
    let is_all = is_all && written.len() == head_bytes;
    let sent = share.sender().send_request(request, is_all).map_err(|_| Unsent::Closed)?;
    let sink = Sink::of_stream((!is_all).then_some(sent.1), head_bytes);
    Ok((Source::of_response(sent.0, &mut link.buffer), sink, head_bytes))
}

/// One try over one upstream channel. Also tells whether nothing at all could be sent.
async fn over<'s, R: Reply<'s>>(
    channel: &mut Channel<'s, R>,
    Lease { link, flight, .. }: &mut Lease,
    inspected: &RefCell<Inspected>,
    body: &mut RequestBody,
    extras: Option<&RefCell<Extras>>,
) -> (Result<Relayed, Ending>, bool) {
    let timeouts = inspected.borrow().lane().upstreams.timeouts;
    let Channel { worker, watch, source, reply, head, response, request_out, marks, .. } = channel;
    let size = (channel.head_bytes, body.is_ended());
    let (mut answer, mut onward, gone) = match ways(link, &flight.pool.target, request_out, size) {
        Ok(ways) => ways,
        Err(Unsent::Closed) => return (Ok(Relayed::Bad(Bad::Closed { silent: true })), true),
        Err(Unsent::Unsayable) => return (Err(unsayable(inspected)), true),
    };
    let (sent, begun) = (Cell::new(false), Cell::new(false));
    let flow = Flow {
        asked: head.asked().over(answer.ends_with_message()),
        request: head.fields(),
        extras,
        request_id: marks.as_ref().map(|marks| marks.request_id.as_str()),
        keeps: head.keep_alive() && !worker.is_closing(),
        inspected,
        watch,
        timeouts,
        sent: &sent,
        begun: &begun,
    };
    watch.arm(timeouts.stall);
    if body.is_ended() {
        match onward.write(request_out.get(gone..).unwrap_or_default(), watch).await {
            Ok(()) => {
                onward.end(|| body.trailers().map(h2::header_map));
                sent.set(true);
            }
            Err(_) if onward.taken == 0 => {
                return (Ok(Relayed::Bad(Bad::Closed { silent: true })), true);
            }
            // it may have answered before it closed
            Err(_) => {}
        }
        let relayed = relay(&mut answer, reply, response, &flow).await;
        if let (Relayed::Switched, Some(bare)) = (&relayed, reply.bare()) {
            let status = Some(response.status());
            inspected.borrow_mut().told(Told { status, ..Told::default() });
            inspected.borrow_mut().finish(Disposition::Allowed);
            let idle = timeouts.tunnel_idle;
            tunnel((source, bare), (&mut answer, &mut onward), watch, idle).await;
        }
        return (Ok(relayed), false);
    }
    request_out.drain(..gone);
    let side = Side { source, sink: &mut onward, out: request_out, body };
    // only bodies that stream need the space
    let both = Box::pin(duplex(side, relay(&mut answer, reply, response, &flow), &flow));
    let result = match both.await {
        Ok(relayed) => Ok(relayed),
        Err(Pumped::Fault(_) | Pumped::Late | Pumped::Truncated) if begun.get() => {
            Err(Ending::Broken)
        }
        Err(Pumped::Truncated) => Err(truncated(inspected)),
        Err(Pumped::Fault(fault)) => Err(faulty(inspected, fault)),
        Err(Pumped::Late) => Err(late_client()),
        Err(Pumped::Gone | Pumped::Sent | Pumped::Unread) => Err(Ending::Gone),
    };
    (result, false)
}

/// Answers the client where the upstream did not, and finishes the inspection.
async fn conclude<'s, R: Reply<'s>>(
    channel: &mut Channel<'s, R>,
    inspected: &RefCell<Inspected>,
    mut body: RequestBody,
    ending: Ending,
) -> After {
    if let Ending::Broken | Ending::Theirs { .. } = ending {
        let (status, bytes) = (Some(channel.response.status()), channel.reply.body_bytes());
        inspected.borrow_mut().told(Told { status, bytes, problem: None });
    }
    let (after, disposition) = match ending {
        Ending::Broken => (After::Reset, Disposition::Dropped),
        // without a stored answer to use there is nothing to say
        Ending::Gone | Ending::Withheld => (After::Reset, Disposition::Dropped),
        Ending::Ours(answer, disposition) => {
            let whole = body.discard(channel.source.buffer);
            let keeps = whole
                && !answer.closes
                && channel.head.keep_alive()
                && !channel.worker.is_closing();
            let bodiless = channel.head.method() == "HEAD";
            let after = channel.answer(&answer, bodiless, keeps).await;
            inspected.borrow_mut().told(channel.told(&answer));
            (after, disposition)
        }
        Ending::Theirs { client_keeps: true } => (After::Keep, Disposition::Allowed),
        Ending::Theirs { client_keeps: false } => (After::Close, Disposition::Allowed),
    };
    inspected.borrow_mut().finish(disposition);
    after
}

pub(super) fn refused(decision: &Decision) -> Ending {
    Ending::Ours(Answer::to_denial(decision.denial.as_ref()), Disposition::Blocked)
}

fn faulty(inspected: &RefCell<Inspected>, fault: Fault) -> Ending {
    match fault {
        Fault::Refused(refusal) => {
            inspected.borrow_mut().refused(refusal);
            unreadable(refusal)
        }
        Fault::Stopped(decision) => refused(&decision),
    }
}

/// A target may pass in one version of HTTP and not be sayable in the other.
fn unsayable(inspected: &RefCell<Inspected>) -> Ending {
    faulty(inspected, Fault::Refused(Refusal::TargetByte))
}

fn unreadable(refusal: Refusal) -> Ending {
    let status = refusal.status(Sender::Client).unwrap_or(400);
    let message = refusal.client_message(Sender::Client);
    Ending::Ours(Answer::to_bytes(status, message), Disposition::Blocked)
}

/// The client has finished sending in the middle of its body. It may still be listening.
fn truncated(inspected: &RefCell<Inspected>) -> Ending {
    match faulty(inspected, Fault::Refused(Refusal::BodyTruncated)) {
        Ending::Ours(answer, _) => Ending::Ours(answer, Disposition::Dropped),
        other => other,
    }
}

fn late_client() -> Ending {
    Ending::Ours(Answer::request_timeout(), Disposition::Dropped)
}
