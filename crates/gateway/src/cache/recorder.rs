//! Copies an answer on its way to the client, and stores it once it is whole.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use bytes::Bytes;
use wire::{Fields, Framing, ResponseHead};

use super::entry::{Entry, Head};
use super::flights::{Flights, Lead};
use super::freshness::{Asked, Freshness, judge};
use super::key::{Key, variant};
use super::store::{Room, Store};
use crate::metrics::ServiceCounts;

/// Follows one answer.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(super) store: Arc<Store>,
    pub(super) counts: Arc<ServiceCounts>,
    pub(super) key: Key,
    pub(super) asked: Asked,
    /// What was stored and could not be used without asking.
    pub(super) stale: Option<Arc<Entry>>,
    /// The others are let go when the answer is stored, or as soon as it is known not to be.
    pub(super) lead: Option<Lead>,
    pub(super) flights: Rc<Flights>,
    pub(super) since: Instant,
    pub(super) copy: Option<Copying>,
    pub(super) found: Option<Found>,
    /// What RFC 9211 says of why the request went upstream.
    pub(super) why: &'static str,
}

/// An answer that is being copied.
#[derive(Debug)]
pub(super) struct Copying {
    head: Head,
    body: Vec<u8>,
    room: Room,
}

/// A stored answer that is used after all.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) entry: Arc<Entry>,
    /// The upstream says that it is still right; else it stands in for an error.
    pub(crate) validated: bool,
}

/// What becomes of an answer from upstream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It goes to the client.
    Pass,
    /// It does not: see [`Recorder::found`]. Without one, the request has to be made again.
    Withhold,
}

impl Recorder {
    /// The head of the final answer is complete.
    pub(crate) fn head(&mut self, head: &ResponseHead) -> Verdict {
        if let Some(stale) = self.stale.take() {
            if head.status() == 304 {
                self.found = self.refresh(&stale, head);
                self.lead = None;
                return Verdict::Withhold;
            }
            let failed = matches!(head.status(), 500 | 502 | 503 | 504);
            if failed && stale.stands_in(Instant::now()) {
                self.found = Some(Found { entry: stale, validated: false });
                self.lead = None;
                return Verdict::Withhold;
            }
        }
        self.copy = self.begin(head);
        if self.copy.is_none() {
            self.give_up();
        }
        Verdict::Pass
    }

    /// An answer that may be stored and has room; `None` for any other.
    fn begin(&self, head: &ResponseHead) -> Option<Copying> {
        let declared = match head.framing() {
            Framing::None => 0,
            Framing::Length(length) => usize::try_from(length).ok()?,
            Framing::Chunked => 0,
            // nobody can tell whether such a body is whole
            Framing::UntilClose => return None,
        };
        let freshness = judge(self.asked, head.status(), head.fields())?;
        let stored = Head::of(head, freshness)?;
        if !is_of_use(&stored) || declared > self.store.entry_bytes_max {
            return None;
        }
        let mut room = self.store.reserve();
        if !room.grow_to(declared) {
            return None;
        }
        Some(Copying { head: stored, body: Vec::with_capacity(declared), room })
    }

    /// A piece of the body.
    pub(crate) fn data(&mut self, piece: &[u8]) {
        let Some(copy) = &mut self.copy else { return };
        let length = copy.body.len().saturating_add(piece.len());
        if length > copy.body.capacity() {
            let wanted = length.saturating_mul(2).min(self.store.entry_bytes_max);
            if length > self.store.entry_bytes_max || !copy.room.grow_to(wanted) {
                self.copy = None;
                self.give_up();
                return;
            }
            copy.body.reserve_exact(wanted - copy.body.len());
        }
        copy.body.extend_from_slice(piece);
    }

    /// The answer is whole. `request`: the fields of what it answers.
    pub(crate) fn finish(&mut self, request: &Fields) {
        if let Some(Copying { head, body, room }) = self.copy.take() {
            let variant = variant(&head.vary, request);
            let body = Bytes::from(body.into_boxed_slice());
            let used = AtomicBool::new(false);
            drop(room);
            let entry = Entry { head, body, since: self.since, variant, used };
            self.store.insert(self.key, Arc::new(entry));
            self.flights.note(&self.key, true);
            self.counts.stored.add(1);
        }
        self.lead = None;
    }

    /// The answer is not for others.
    fn give_up(&mut self) {
        self.flights.note(&self.key, false);
        self.lead = None;
    }

    /// A stored answer that is used after all.
    pub(crate) fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    /// The stored answer that may stand in for an error, if there is one.
    pub(crate) fn stand_in(&mut self) -> Option<Found> {
        let entry = self.stale.take().filter(|entry| entry.stands_in(Instant::now()))?;
        Some(Found { entry, validated: false })
    }

    /// Why the request went upstream, and whether its answer is being stored (RFC 9211).
    pub(crate) fn status(&self) -> String {
        let stored = if self.copy.is_some() { "; stored" } else { "" };
        format!("palisade; fwd={}{stored}", self.why)
    }

    /// The stored answer with what a 304 says of it; `None` if that is about another one.
    fn refresh(&self, stale: &Arc<Entry>, head: &ResponseHead) -> Option<Found> {
        self.store.remove(&self.key, stale);
        let fields = stale.head.updated(head.fields())?;
        let judged = judge(self.asked, stale.head.status, &fields);
        let usable = Freshness { lifetime: std::time::Duration::ZERO, ..stale.head.freshness };
        let Head { status, reason, vary, .. } = stale.head.clone();
        let freshness = judged.unwrap_or(usable);
        let entry = Arc::new(Entry {
            head: Head { status, reason, fields, freshness, vary },
            body: stale.body.clone(),
            since: self.since,
            variant: stale.variant,
            used: AtomicBool::new(true),
        });
        // what must not be stored any more still answers this request
        if judged.is_some() {
            self.store.insert(self.key, Arc::clone(&entry));
        }
        Some(Found { entry, validated: true })
    }
}

/// Whether a stored answer will ever save anything: it is fresh for a while, or can be validated.
fn is_of_use(head: &Head) -> bool {
    let (etag, modified) = head.validators();
    let stale_for_a_while = !head.freshness.stale_if_error.is_zero();
    head.freshness.lifetime > head.freshness.initial_age
        || etag.is_some()
        || modified.is_some()
        || stale_for_a_while && !head.freshness.strict
}
