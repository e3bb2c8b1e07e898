//! Exchanges of services that store answers, or code them for clients.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use exchange::decision::Disposition;
use exchange::peer::Peer;

use super::Channel;
use super::buffer::Buffer;
use super::drive::{Ending, refused, send};
use super::extras::Extras;
use super::forward::{self, Client};
use super::hold::RequestBody;
use super::inspected::Inspected;
use super::relay::{Flow, Relayed, relay};
use super::reply::Reply;
use super::stream::Source;
use crate::cache::{Cache, Entry, Found, Joined, Kind, Lead, Lookup, Outcome, Part, Stored};
use crate::compress::Offer;
use crate::limits::COALESCE_WAIT;
use crate::refuse::Answer;

/// Sends the request upstream, or answers it with what is stored.
pub(super) async fn exchange<'s, R: Reply<'s>>(
    channel: &mut Channel<'s, R>,
    inspected: &RefCell<Inspected>,
    body: &mut RequestBody,
    peer: &Peer,
) -> Ending {
    let lane = Rc::clone(inspected.borrow().lane());
    if lane.cache.is_none() && lane.codings.is_empty() {
        return send(channel, inspected, body, None).await;
    }
    let offer = Offer::to(&channel.head, &lane.codings, &lane.coders);
    let mut extras = Extras::new(offer);
    if let Some(cache) = &lane.cache {
        match cache.classify(&channel.head, channel.scheme, peer, &lane.identity) {
            Kind::Cacheable(lookup) => {
                // what a cache needs in addition only exchanges of such services should pay for
                let all = All { channel, inspected, body, cache, lookup, peer, extras };
                return Box::pin(all.run()).await;
            }
            Kind::Unsafe(target) => extras.forgetting = Some(cache.forgetting(target)),
            Kind::Other => {}
        }
    }
    send(channel, inspected, body, Some(&RefCell::new(extras))).await
}

/// An exchange that a stored answer may do for.
struct All<'e, 's, R> {
    channel: &'e mut Channel<'s, R>,
    inspected: &'e RefCell<Inspected>,
    body: &'e mut RequestBody,
    cache: &'e Cache,
    lookup: Lookup,
    peer: &'e Peer,
    extras: Extras,
}

impl<'s, R: Reply<'s>> All<'_, 's, R> {
    async fn run(mut self) -> Ending {
        let (mut waited, mut mismatched) = (false, false);
        loop {
            let stale = match self.cache.lookup(&self.lookup, &self.channel.head) {
                Stored::Fresh(entry) => {
                    self.cache.count(if waited { Outcome::Coalesced } else { Outcome::Hit });
                    return self.serve(&entry, "hit").await;
                }
                Stored::Stale(entry) if !mismatched => Some(entry),
                Stored::Stale(_) | Stored::Nothing => None,
            };
            if self.lookup.only_if_cached() {
                self.cache.count(Outcome::Unavailable);
                return Ending::Ours(Answer::not_stored(), Disposition::Dropped);
            }
            let mut lead = None;
            if self.lookup.coalesces() && !waited {
                match self.cache.join(&self.lookup) {
                    Joined::Leads(leads) => lead = Some(leads),
                    Joined::Waits(wait) => {
                        let watch = &self.channel.watch;
                        watch.arm(COALESCE_WAIT);
                        // whoever has waited long enough goes itself
                        let _ = watch.within(wait.landed()).await;
                        watch.arm(self.channel.worker.timeouts.stall);
                        waited = true;
                        continue;
                    }
                    Joined::Alone => {}
                }
            }
            let (ending, found) = self.ask(stale, lead).await;
            match (ending, found) {
                (_, Some(Found { entry, validated: true })) => {
                    self.cache.count(Outcome::Revalidated);
                    return self.serve(&entry, "hit; fwd=stale; fwd-status=304").await;
                }
                (_, Some(Found { entry, validated: false })) => {
                    self.cache.count(Outcome::StoodIn);
                    return self.serve(&entry, "hit; fwd=stale; detail=stale-if-error").await;
                }
                (Ending::Withheld, None) if !mismatched => mismatched = true,
                (ending, None) => {
                    self.cache.count(Outcome::Miss);
                    return ending;
                }
            }
        }
    }

    /// Asks the upstream, also whether what is stored is still right. Returns what stored answer
    /// is to be used after all.
    async fn ask(
        &mut self,
        stale: Option<Arc<Entry>>,
        lead: Option<Lead>,
    ) -> (Ending, Option<Found>) {
        let mut extras = std::mem::take(&mut self.extras);
        if self.lookup.fills() {
            let out = &mut self.channel.request_out;
            out.clear();
            let lane = Rc::clone(self.inspected.borrow().lane());
            let client = Client {
                address: &self.channel.address_text,
                trusted: self.peer.trusted,
                scheme: self.channel.scheme,
                identity: &lane.identity,
                marks: self.channel.marks.as_ref(),
            };
            let validators = stale.as_ref().map(|entry| entry.head.validators());
            let validators = validators.unwrap_or_default();
            forward::cacheable(&self.channel.head, lane.mode, client, validators, out);
            self.channel.head_bytes = out.len();
            extras.recorder = Some(self.cache.record(&self.lookup, stale, lead));
        }
        let extras = RefCell::new(extras);
        let ending = send(self.channel, self.inspected, self.body, Some(&extras)).await;
        self.extras = extras.into_inner();
        let Some(mut recorder) = self.extras.recorder.take() else { return (ending, None) };
        let found = match &ending {
            Ending::Withheld => recorder.found().cloned(),
            Ending::Ours(answer, Disposition::Dropped) if matches!(answer.status, 502 | 504) => {
                recorder.stand_in()
            }
            _ => None,
        };
        (ending, found)
    }

    /// Answers with what is stored, as if an upstream had just sent it.
    async fn serve(self, entry: &Arc<Entry>, status: &str) -> Ending {
        let Channel { worker, watch, reply, head, response, marks, .. } = self.channel;
        let part = entry.part(head);
        let bytes = entry.render(part, status, Instant::now());
        let bodiless = part == Part::NotModified || head.method() == "HEAD";
        let body = if bodiless { Bytes::new() } else { entry.body.clone() };
        let mut buffer = Buffer::new();
        let mut source = Source::of_memory(bytes.into(), body, &mut buffer);
        let (sent, begun) = (Cell::new(true), Cell::new(false));
        let extras = RefCell::new(self.extras);
        let flow = Flow {
            asked: head.asked(),
            request: head.fields(),
            extras: Some(&extras),
            request_id: marks.as_ref().map(|marks| marks.request_id.as_str()),
            keeps: head.keep_alive() && !worker.draining.get(),
            inspected: self.inspected,
            watch,
            timeouts: worker.timeouts,
            sent: &sent,
            begun: &begun,
        };
        match relay(&mut source, reply, response, &flow).await {
            Relayed::Whole { client_keeps, .. } => Ending::Theirs { client_keeps },
            Relayed::Stopped(decision) => refused(&decision),
            Relayed::Broken => Ending::Broken,
            Relayed::Bad(_) | Relayed::Switched | Relayed::Withheld { .. } => {
                Ending::Ours(Answer::bad_gateway(), Disposition::Dropped)
            }
        }
    }
}
