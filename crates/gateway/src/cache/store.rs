//! All stored answers of a service, in one bounded amount of memory for the whole process.
//!
//! One store for all workers and not one for each: an unsafe request that one worker carries must
//! invalidate what all of them use, and memory is not spent once per core. A lock is held for a
//! look-up in a map, never while bytes are copied, and there are several; a service without a cache
//! has no store, and so no lock.
//!
//! Room is made by second chance (CLOCK): what was used since it was last looked at goes to the
//! back of the queue, so that a flood of answers nobody asks for again passes through.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use policy::document::CacheSettings;
use wire::Fields;

use super::entry::Entry;
use super::key::{Hash, Key};
use crate::limits::{
    CACHE_FORGOTTEN_MAX, CACHE_SHARD_ENTRIES_MIN, CACHE_SHARDS_MAX, CACHE_UNDERWAY_SHARE,
    CACHE_VARIANTS_MAX,
};

/// The stored answers of a service.
#[derive(Debug)]
pub(crate) struct Store {
    shards: Box<[Mutex<Shard>]>,
    pub(crate) entry_bytes_max: usize,
    /// Bytes of answers that are still coming.
    underway: AtomicUsize,
    underway_bytes_max: usize,
}

#[derive(Debug)]
struct Shard {
    slots: BTreeMap<Key, Vec<Arc<Entry>>>,
    /// Everything that was stored, in turn. What is no longer there is passed over.
    queue: VecDeque<(Key, Weak<Entry>)>,
    /// Targets that were forgotten last, and when.
    forgotten: VecDeque<(Hash, Instant)>,
    bytes: usize,
    bytes_max: usize,
    entries: usize,
}

/// Room for an answer that is still coming; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    store: Arc<Store>,
    bytes: usize,
}

impl Store {
    pub(crate) fn new(settings: CacheSettings) -> Self {
        let underway_bytes_max = settings.bytes_max / CACHE_UNDERWAY_SHARE;
        let stored = settings.bytes_max - underway_bytes_max;
        // one that fills the part for those under way could not be stored
        let entry_bytes_max = settings.entry_bytes_max.min(underway_bytes_max);
        let least = entry_bytes_max.saturating_mul(CACHE_SHARD_ENTRIES_MIN).max(1);
        let count = (stored / least).clamp(1, CACHE_SHARDS_MAX);
        let shard = |_| Mutex::new(Shard::new(stored / count));
        let shards = (0..count).map(shard).collect();
        Self { shards, entry_bytes_max, underway: AtomicUsize::new(0), underway_bytes_max }
    }

    fn shard(&self, target: &Hash) -> MutexGuard<'_, Shard> {
        let index = usize::from(target[0]) % self.shards.len();
        // a shard is whole between any two statements that could panic
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer under this key to a request with these fields.
    pub(crate) fn find(&self, key: &Key, fields: &Fields) -> Option<Arc<Entry>> {
        let variants = self.shard(&key.target).slots.get(key)?.clone();
        let found = variants.into_iter().rev().find(|entry| entry.answers(fields))?;
        found.use_it();
        Some(found)
    }

    /// Stores an answer in place of the one that it replaces; unless it was asked for before its
    /// target was forgotten, because it tells of what was then.
    pub(crate) fn insert(&self, key: Key, entry: Arc<Entry>) {
        let mut shard = self.shard(&key.target);
        let outdated = |(target, at): &(Hash, Instant)| *target == key.target && *at >= entry.since;
        if entry.weight() <= shard.bytes_max && !shard.forgotten.iter().any(outdated) {
            shard.insert(key, entry);
        }
    }

    /// Forgets one answer.
    pub(crate) fn remove(&self, key: &Key, entry: &Arc<Entry>) {
        self.shard(&key.target).remove(key, entry);
    }

    /// Forgets everything under a target, whoever asked for it (RFC 9111 §4.4).
    pub(crate) fn invalidate(&self, target: &Hash) {
        let mut shard = self.shard(target);
        if shard.forgotten.len() >= CACHE_FORGOTTEN_MAX {
            shard.forgotten.pop_front();
        }
        shard.forgotten.push_back((*target, Instant::now()));
        let (first, last) = Key::range(*target);
        let keys: Vec<Key> = shard.slots.range(first..=last).map(|(key, _)| *key).collect();
        for key in keys {
            for entry in shard.slots.remove(&key).unwrap_or_default() {
                shard.forget(&entry);
            }
        }
        shard.tidy();
    }

    /// Room for an answer that is coming, to be grown as it comes.
    pub(crate) fn reserve(self: &Arc<Self>) -> Room {
        Room { store: Arc::clone(self), bytes: 0 }
    }

    /// Bytes that are stored or under way, and answers that are stored.
    pub(crate) fn usage(&self) -> (usize, usize) {
        let mut usage = (self.underway.load(Ordering::Relaxed), 0);
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            usage = (usage.0 + shard.bytes, usage.1 + shard.entries);
        }
        usage
    }
}

impl Room {
    /// Makes it as large as `bytes` in all. False if that is more than there is.
    #[must_use]
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let Some(more) = bytes.checked_sub(self.bytes) else { return true };
        let most = self.store.underway_bytes_max;
        let grown = self.store.underway.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            now.checked_add(more).filter(|sum| *sum <= most)
        });
        if grown.is_ok() {
            self.bytes = bytes;
        }
        grown.is_ok()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.store.underway.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Shard {
    const fn new(bytes_max: usize) -> Self {
        Self {
            slots: BTreeMap::new(),
            queue: VecDeque::new(),
            forgotten: VecDeque::new(),
            bytes: 0,
            bytes_max,
            entries: 0,
        }
    }

    fn insert(&mut self, key: Key, entry: Arc<Entry>) {
        let slot = self.slots.entry(key).or_default();
        let replaced = slot
            .iter()
            .position(|old| old.variant == entry.variant && old.head.vary == entry.head.vary);
        let crowded = (slot.len() >= CACHE_VARIANTS_MAX).then_some(0);
        let gone = replaced.or(crowded).map(|at| slot.remove(at));
        self.bytes += entry.weight();
        self.entries += 1;
        self.queue.push_back((key, Arc::downgrade(&entry)));
        slot.push(entry);
        if let Some(gone) = gone {
            self.forget(&gone);
        }
        self.make_room();
        self.tidy();
    }

    fn make_room(&mut self) {
        while self.bytes > self.bytes_max
            && let Some((key, known)) = self.queue.pop_front()
        {
            let Some(entry) = known.upgrade() else { continue };
            if entry.used.swap(false, Ordering::Relaxed) && self.has(&key, &entry) {
                self.queue.push_back((key, known));
            } else {
                self.remove(&key, &entry);
            }
        }
    }

    fn has(&self, key: &Key, entry: &Arc<Entry>) -> bool {
        let slot = self.slots.get(key);
        slot.is_some_and(|slot| slot.iter().any(|known| Arc::ptr_eq(known, entry)))
    }

    fn remove(&mut self, key: &Key, entry: &Arc<Entry>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let Some(at) = slot.iter().position(|known| Arc::ptr_eq(known, entry)) else { return };
        slot.remove(at);
        if slot.is_empty() {
            self.slots.remove(key);
        }
        self.forget(entry);
    }

    /// Counts an answer that is out of its slot as gone.
    fn forget(&mut self, entry: &Entry) {
        self.bytes -= entry.weight();
        self.entries -= 1;
    }

    /// Drops what only the queue still holds, once that is as much as what is stored.
    fn tidy(&mut self) {
        if self.queue.len() <= 2 * self.entries {
            return;
        }
        let mut queue = std::mem::take(&mut self.queue);
        queue.retain(|(key, known)| known.upgrade().is_some_and(|entry| self.has(key, &entry)));
        self.queue = queue;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::time::{Duration, Instant};

    use bytes::Bytes;

    use super::super::entry::Head;
    use super::super::freshness::Freshness;
    use super::super::key::variant;
    use super::*;

    const SETTINGS: CacheSettings = CacheSettings { bytes_max: 1 << 20, entry_bytes_max: 16 << 10 };

    fn key(number: u32, tenant: u8) -> Key {
        let mut target = [0; 32];
        target[..4].copy_from_slice(&number.to_be_bytes());
        target[0] = (number % 251) as u8;
        Key { target, tenant: [tenant; 32] }
    }

    fn accept(value: &str) -> Fields {
        let mut fields = Fields::new();
        fields.push(b"Accept", value.as_bytes());
        fields
    }

    fn entry(bytes: usize, vary: &str, value: &str) -> Arc<Entry> {
        let freshness = Freshness {
            lifetime: Duration::from_secs(60),
            initial_age: Duration::ZERO,
            strict: false,
            stale_if_error: Duration::ZERO,
        };
        let vary: Box<[Box<str>]> =
            if vary.is_empty() { Box::default() } else { [Box::from(vary)].into() };
        let variant = variant(&vary, &accept(value));
        let (status, reason, fields) = (200, Box::default(), Fields::new());
        Arc::new(Entry {
            head: Head { status, reason, fields, freshness, vary },
            body: Bytes::from(vec![b'x'; bytes]),
            since: Instant::now(),
            variant,
            used: AtomicBool::new(false),
        })
    }

    #[test]
    fn a_flood_stays_within_the_bound_and_leaves_what_is_used() {
        let store = Store::new(SETTINGS);
        let kept = key(77_777, 1);
        store.insert(kept, entry(1_000, "", ""));
        let mut most = 0;
        for number in 0..10_000 {
            store.insert(key(number, 0), entry(1_000, "", ""));
            assert!(store.find(&kept, &Fields::new()).is_some(), "after {number}");
            most = most.max(store.usage().0);
        }
        let (bytes, entries) = store.usage();
        assert!(most <= SETTINGS.bytes_max, "{most}");
        assert!(bytes > SETTINGS.bytes_max / 2, "room is used: {bytes}");
        let queued: usize =
            store.shards.iter().map(|shard| shard.lock().unwrap().queue.len()).sum();
        assert!(queued <= 2 * entries + store.shards.len(), "{queued} for {entries}");
    }

    #[test]
    fn one_key_that_is_replaced_for_ever_stays_one() {
        let store = Store::new(SETTINGS);
        for _ in 0..10_000 {
            store.insert(key(1, 1), entry(9_000, "", ""));
        }
        let (bytes, entries) = store.usage();
        assert_eq!((entries, bytes < 10_000), (1, true));
    }

    #[test]
    fn variants_are_found_by_what_they_vary_in_and_are_bounded() {
        let store = Store::new(SETTINGS);
        for number in 0..20 {
            store.insert(key(1, 1), entry(number, "accept", &number.to_string()));
        }
        assert_eq!(store.usage().1, CACHE_VARIANTS_MAX);
        assert!(store.find(&key(1, 1), &accept("0")).is_none());
        let found = store.find(&key(1, 1), &accept("19")).unwrap();
        assert_eq!(found.body.len(), 19);
        assert!(store.find(&key(1, 2), &accept("19")).is_none(), "CA-01: another caller");
        store.remove(&key(1, 1), &found);
        assert!(store.find(&key(1, 1), &accept("19")).is_none());
    }

    #[test]
    fn invalidating_a_target_forgets_it_for_every_caller() {
        let store = Store::new(SETTINGS);
        for tenant in 0..50 {
            store.insert(key(1, tenant), entry(100, "", ""));
            store.insert(key(2, tenant), entry(100, "", ""));
        }
        store.invalidate(&key(1, 0).target);
        assert_eq!(store.usage().1, 50);
        assert!(store.find(&key(1, 3), &Fields::new()).is_none());
        assert!(store.find(&key(2, 3), &Fields::new()).is_some());
        let late = entry(100, "", "");
        store.invalidate(&key(2, 0).target);
        assert_eq!(store.usage(), (0, 0));
        store.insert(key(2, 0), late);
        assert_eq!(store.usage(), (0, 0), "it was asked for before");
        store.insert(key(2, 0), entry(100, "", ""));
        assert_eq!(store.usage().1, 1);
        for number in 0..10_000 {
            store.invalidate(&key(number, 0).target);
        }
        let shards = store.shards.iter().map(|shard| shard.lock().unwrap().forgotten.len());
        assert!(shards.max() == Some(CACHE_FORGOTTEN_MAX));
    }

    #[test]
    fn what_is_under_way_has_room_of_its_own() {
        let store = Arc::new(Store::new(SETTINGS));
        let mut rooms: Vec<Room> = (0..100).map(|_| store.reserve()).collect();
        let taken =
            rooms.iter_mut().filter_map(|room| room.grow_to(16 << 10).then_some(())).count();
        assert_eq!(taken, 16, "a quarter of a mebibyte");
        assert_eq!(store.usage().0, 256 << 10);
        drop(rooms);
        assert_eq!(store.usage().0, 0);
    }
}
