//! Observations on their way out of the gateway: two bounded lanes that never make traffic wait.
//!
//! Observations with signals and those without have a lane each, so that a flood of ordinary
//! traffic cannot push out what somebody should look at. What finds its lane full is dropped and
//! counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exchange::limits::{OUTLET_PLAIN_MAX, OUTLET_SIGNALLED_MAX};
use exchange::observation::Observation;
use tokio::sync::Notify;

use crate::limits::{OUTLET_POLL, OUTLET_POLLS_MAX};

/// A new outlet and the reader of what goes into it.
#[must_use]
pub fn outlet() -> (Outlet, OutletReader) {
    bounded(OUTLET_PLAIN_MAX, OUTLET_SIGNALLED_MAX)
}

/// Like [`outlet`], with lanes of the given lengths.
#[must_use]
pub fn bounded(plain_max: usize, signalled_max: usize) -> (Outlet, OutletReader) {
    let lanes = Arc::new(Lanes {
        plain: Lane::new(plain_max),
        signalled: Lane::new(signalled_max),
        writers: AtomicUsize::new(1),
        asleep: AtomicBool::new(false),
        wake: Notify::new(),
    });
    let reader = OutletReader {
        lanes: Arc::clone(&lanes),
        plain: VecDeque::new(),
        signalled: VecDeque::new(),
        collects: false,
    };
    (Outlet(lanes), reader)
}

/// The end at which observations go in. Cheap to clone; one for each worker.
#[derive(Debug)]
pub struct Outlet(Arc<Lanes>);

/// The end at which observations come out; there is one. A lane is taken over whole, so that a
/// worker never waits for more than an exchange of two queues; what was taken over and not yet read
/// lies here.
#[derive(Debug)]
pub struct OutletReader {
    lanes: Arc<Lanes>,
    plain: VecDeque<Observation>,
    signalled: VecDeque<Observation>,
    /// The last batch was not a full one: the next is given time to become larger.
    collects: bool,
}

/// What is known of one lane, for metrics.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LaneState {
    /// Observations dropped since the start.
    pub dropped: u64,
    /// Observations waiting.
    pub length: usize,
}

#[derive(Debug)]
struct Lanes {
    plain: Lane,
    signalled: Lane,
    writers: AtomicUsize,
    asleep: AtomicBool,
    wake: Notify,
}

#[derive(Debug)]
struct Lane {
    queue: Mutex<VecDeque<Observation>>,
    length_max: usize,
    dropped: AtomicU64,
}

impl Lane {
    fn new(length_max: usize) -> Self {
        Self { queue: Mutex::default(), length_max, dropped: AtomicU64::new(0) }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Observation>> {
        // a queue of values is whole after any panic
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, observation: Observation) -> bool {
        let mut queue = self.queue();
        let fits = queue.len() < self.length_max;
        if fits {
            queue.push_back(observation);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        fits
    }

    fn state(&self) -> LaneState {
        LaneState { dropped: self.dropped.load(Ordering::Relaxed), length: self.queue().len() }
    }
}

impl Lanes {
    fn wake(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.wake.notify_one();
        }
    }
}

impl Outlet {
    /// Hands an observation over, or drops it and counts that. Returns whether it was taken.
    pub fn send(&self, observation: Observation) -> bool {
        let signalled = !observation.signals.is_empty();
        let lane = if signalled { &self.0.signalled } else { &self.0.plain };
        let taken = lane.push(observation);
        if self.0.asleep.load(Ordering::SeqCst) {
            self.0.wake();
        }
        taken
    }

    /// The lane of observations without signals.
    #[must_use]
    pub fn plain(&self) -> LaneState {
        self.0.plain.state()
    }

    /// The lane of observations with signals.
    #[must_use]
    pub fn signalled(&self) -> LaneState {
        self.0.signalled.state()
    }
}

impl Clone for Outlet {
    fn clone(&self) -> Self {
        self.0.writers.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        if self.0.writers.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.wake();
        }
    }
}

impl OutletReader {
    /// Waits for observations and appends up to `most` of them, those with signals first. Returns
    /// how many; none only when nothing waits and every [`Outlet`] is gone.
    ///
    /// Waking a thread costs more than an exchange, and so does a batch, however small: a busy
    /// outlet is looked at in intervals. Only one that has been empty for a second puts its reader
    /// to sleep.
    pub async fn recv_batch(&mut self, most: usize, into: &mut Vec<Observation>) -> usize {
        let mut polls = 0;
        loop {
            let closed = self.lanes.writers.load(Ordering::SeqCst) == 0;
            if self.collects && !closed {
                tokio::time::sleep(OUTLET_POLL).await;
                self.collects = false;
            }
            let taken = self.take(most, into);
            if taken > 0 || closed || most == 0 {
                self.collects = taken < most;
                return taken;
            }
            if polls < OUTLET_POLLS_MAX {
                polls += 1;
                tokio::time::sleep(OUTLET_POLL).await;
                continue;
            }
            self.lanes.asleep.store(true, Ordering::SeqCst);
            // what came in between is found before sleeping
            let empty =
                self.lanes.plain.queue().is_empty() && self.lanes.signalled.queue().is_empty();
            if empty && self.lanes.writers.load(Ordering::SeqCst) > 0 {
                self.lanes.wake.notified().await;
            }
            self.lanes.asleep.store(false, Ordering::SeqCst);
            polls = 0;
        }
    }

    fn take(&mut self, most: usize, into: &mut Vec<Observation>) -> usize {
        let before = into.len();
        let lanes =
            [(&self.lanes.signalled, &mut self.signalled), (&self.lanes.plain, &mut self.plain)];
        for (lane, ours) in lanes {
            if ours.is_empty() {
                std::mem::swap(ours, &mut lane.queue());
            }
            let count = ours.len().min(most - (into.len() - before));
            into.extend(ours.drain(..count));
        }
        into.len() - before
    }
}
