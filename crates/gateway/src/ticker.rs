//! Deadlines without timers: one tick per worker looks at every connection, so that setting a
//! deadline costs one store and no read or write starts a timer.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::limits::TICK;

const TICK_MS: u64 = TICK.as_millis() as u64;

/// A period in ticks, rounded up.
pub(crate) fn ticks(period: Duration) -> u32 {
    let millis = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
    u32::try_from(millis.div_ceil(TICK_MS)).unwrap_or(u32::MAX)
}

/// A worker's coarse clock and its connections.
#[derive(Debug, Default)]
pub(crate) struct Ticker {
    now: Cell<u32>,
    next: Cell<u64>,
    enrolled: RefCell<BTreeMap<u64, Rc<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    due: Cell<u32>,
    waker: RefCell<Option<Waker>>,
}

/// The deadline of one connection.
#[derive(Debug)]
pub(crate) struct Watch {
    ticker: Rc<Ticker>,
    entry: Rc<Entry>,
    id: u64,
}

/// The deadline has passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Late;

impl Ticker {
    /// Ticks since the worker started.
    pub(crate) fn now(&self) -> u32 {
        self.now.get()
    }

    /// The tick by which `period` has passed.
    pub(crate) fn after(&self, period: Duration) -> u32 {
        // one more, because the present tick has partly gone
        self.now().saturating_add(ticks(period)).saturating_add(1)
    }

    /// Moves on by one tick and wakes who is late.
    pub(crate) fn advance(&self) {
        self.now.set(self.now.get().wrapping_add(1));
        let now = self.now.get();
        for entry in self.enrolled.borrow().values().filter(|entry| entry.due.get() <= now) {
            entry.wake();
        }
    }

    /// Wakes every connection, to look at what has changed around it.
    pub(crate) fn wake_all(&self) {
        self.enrolled.borrow().values().for_each(|entry| entry.wake());
    }

    /// A deadline for a new connection.
    pub(crate) fn enroll(self: &Rc<Self>) -> Watch {
        let id = self.next.get();
        self.next.set(id + 1);
        let entry = Rc::new(Entry { due: Cell::new(u32::MAX), waker: RefCell::new(None) });
        self.enrolled.borrow_mut().insert(id, Rc::clone(&entry));
        Watch { ticker: Rc::clone(self), entry, id }
    }
}

impl Entry {
    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

impl Watch {
    /// From now on, what takes longer than `period` is late.
    pub(crate) fn arm(&self, period: Duration) {
        self.entry.due.set(self.ticker.after(period));
    }

    /// Ticks since the worker started.
    pub(crate) fn now(&self) -> u32 {
        self.ticker.now()
    }

    /// Whether the deadline has passed; if not, the task is woken when it does.
    pub(crate) fn is_late(&self, context: &Context<'_>) -> bool {
        if self.entry.due.get() <= self.ticker.now() {
            return true;
        }
        let mut waker = self.entry.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        false
    }

    /// The future's output, unless the deadline passes first.
    pub(crate) async fn within<F: Future>(&self, future: F) -> Result<F::Output, Late> {
        let mut future = pin!(future);
        std::future::poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if self.is_late(context) => Poll::Ready(Err(Late)),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ticker.enrolled.borrow_mut().remove(&self.id);
    }
}
