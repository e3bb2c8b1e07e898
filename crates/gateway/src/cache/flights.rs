//! Request coalescing: of concurrent requests for what is not stored, one goes upstream and the
//! others wait for what it brings.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::sync::Notify;

use super::key::Key;
use crate::limits::{CACHE_UNSHARED_KEYS, COALESCE_WAITERS_MAX};

/// What one worker has under way for one service.
#[derive(Debug)]
pub(crate) struct Flights {
    under_way: RefCell<BTreeMap<Key, Rc<Flight>>>,
    waiting: Cell<usize>,
    /// Keys whose last answer was not for others; a key overwrites another in its place. Waiting
    /// for such answers would only take time.
    unshared: Box<[Cell<u64>]>,
}

impl Default for Flights {
    fn default() -> Self {
        Self {
            under_way: RefCell::default(),
            waiting: Cell::default(),
            unshared: (0..CACHE_UNSHARED_KEYS).map(|_| Cell::default()).collect(),
        }
    }
}

/// One request on its way upstream, for which others wait.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    landed: Cell<bool>,
    notify: Notify,
}

/// What a request is to do.
#[derive(Debug)]
pub(crate) enum Joined {
    /// Go upstream, for the others too.
    Leads(Lead),
    /// Wait for another.
    Waits(Wait),
    /// Go upstream for itself: too many wait already, or the answer will not do for others.
    Alone,
}

/// The one that goes. The others are let go when it is dropped.
#[derive(Debug)]
pub(crate) struct Lead {
    flights: Rc<Flights>,
    key: Key,
    flight: Rc<Flight>,
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Wait {
    flights: Rc<Flights>,
    flight: Rc<Flight>,
}

impl Flights {
    /// Says what a request for this key is to do.
    pub(crate) fn join(self: &Rc<Self>, key: Key) -> Joined {
        if self.place(&key).get() == digest(&key) {
            return Joined::Alone;
        }
        if let Some(flight) = self.under_way.borrow().get(&key) {
            if self.waiting.get() >= COALESCE_WAITERS_MAX {
                return Joined::Alone;
            }
            self.waiting.set(self.waiting.get() + 1);
            return Joined::Waits(Wait { flights: Rc::clone(self), flight: Rc::clone(flight) });
        }
        let flight = Rc::new(Flight::default());
        self.under_way.borrow_mut().insert(key, Rc::clone(&flight));
        Joined::Leads(Lead { flights: Rc::clone(self), key, flight })
    }

    /// Notes whether the answer under a key is for others.
    pub(crate) fn note(&self, key: &Key, shared: bool) {
        let place = self.place(key);
        match shared {
            false => place.set(digest(key)),
            true if place.get() == digest(key) => place.set(0),
            true => {}
        }
    }

    fn place(&self, key: &Key) -> &Cell<u64> {
        &self.unshared[digest(key) as usize % self.unshared.len()]
    }
}

/// Eight bytes of a key, which is hashes itself.
fn digest(key: &Key) -> u64 {
    let part =
        |hash: &[u8]| hash.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    part(&key.target) ^ part(&key.tenant).rotate_left(1)
}

impl Wait {
    /// Until the other has stored its answer, or has found that it cannot.
    pub(crate) async fn landed(&self) {
        // nothing else runs on this thread between the look and the wait
        if !self.flight.landed.get() {
            self.flight.notify.notified().await;
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.flights.waiting.set(self.flights.waiting.get() - 1);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.under_way.borrow_mut().remove(&self.key);
        self.flight.landed.set(true);
        self.flight.notify.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_leads_and_the_others_wait_up_to_the_bound() {
        let flights = Rc::new(Flights::default());
        let key = Key { target: [1; 32], tenant: [2; 32] };
        let Joined::Leads(lead) = flights.join(key) else { panic!("the first leads") };
        let waits: Vec<Joined> = (0..COALESCE_WAITERS_MAX).map(|_| flights.join(key)).collect();
        assert!(waits.iter().all(|joined| matches!(joined, Joined::Waits(_))));
        assert!(matches!(flights.join(key), Joined::Alone));
        let other = Key { tenant: [3; 32], ..key };
        assert!(matches!(flights.join(other), Joined::Leads(_)), "another caller's is another");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let Some(Joined::Waits(wait)) = waits.first() else { panic!("it waits") };
            tokio::select! {
                biased;
                () = wait.landed() => panic!("nothing has landed"),
                () = async { drop(lead) } => {}
            }
            wait.landed().await;
        });
        drop(waits);
        assert_eq!(flights.waiting.get(), 0);
        assert!(matches!(flights.join(key), Joined::Leads(_)));
        flights.note(&key, false);
        assert!(matches!(flights.join(key), Joined::Alone), "nobody waits for it in vain");
        flights.note(&other, true);
        assert!(matches!(flights.join(key), Joined::Alone));
        flights.note(&key, true);
        assert!(matches!(flights.join(key), Joined::Leads(_)));
    }
}
