//! Requests that wait because every upstream of their service has as many as it may have.

use std::cell::Cell;

use tokio::sync::Notify;

use crate::ticker::Watch;

/// Where the requests of one service wait, in one worker.
#[derive(Debug, Default)]
pub(crate) struct Room {
    waiting: Cell<u32>,
    left: Notify,
}

/// One that waits.
struct Waiting<'r>(&'r Room);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
    }
}

impl Room {
    /// An upstream has room for one more.
    pub(crate) fn leave(&self) {
        if self.waiting.get() > 0 {
            self.left.notify_one();
        }
    }

    /// Waits until some upstream may have room again. False if `most` wait already, or if the
    /// deadline passes.
    pub(crate) async fn wait(&self, most: u32, watch: &Watch) -> bool {
        if self.waiting.get() >= most {
            return false;
        }
        self.waiting.set(self.waiting.get() + 1);
        let waiting = Waiting(self);
        let left = watch.within(waiting.0.left.notified()).await.is_ok();
        drop(waiting);
        left
    }
}
