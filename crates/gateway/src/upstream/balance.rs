//! Which of a service's upstreams gets a request: pure functions of load, chance and key.

/// Points of one upstream on the ring: the share of the luckiest of ten stays within a third of
/// its due.
const POINTS: u32 = 160;

/// How far above the average an upstream's load may be before a key goes elsewhere, in per cent.
const OVERLOAD_PERCENT: u64 = 125;

/// The less loaded one of two candidates taken at random (M. Mitzenmacher, "The Power of Two
/// Choices in Randomized Load Balancing", 2001): nearly as even as looking at all, and no herd
/// runs to whoever was idle a moment ago. Candidates are numbered from 0 to `count`; `None` if
/// there are none.
pub(crate) fn least_of_two(
    count: usize,
    random: u64,
    load: impl Fn(usize) -> u32,
) -> Option<usize> {
    if count < 2 {
        return (count == 1).then_some(0);
    }
    let (high, low) = ((random >> 32) as usize, (random & 0xffff_ffff) as usize);
    let first = high % count;
    // another one than the first
    let second = (first + 1 + low % (count - 1)) % count;
    Some(if load(second) < load(first) { second } else { first })
}

/// A ring of hashes on which every upstream has points (D. Karger et al., "Consistent Hashing and
/// Random Trees", 1997): when one goes, only its own keys move.
#[derive(Debug)]
pub(crate) struct Ring(Vec<(u64, u32)>);

impl Ring {
    /// The ring of upstreams with these names. The same names give the same ring, in every worker
    /// and every process.
    pub(crate) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut points = Vec::new();
        for (number, name) in (0..).zip(names) {
            let base = hash(name.as_bytes());
            points.extend((0..POINTS).map(|point| (mix(base ^ mix(u64::from(point))), number)));
        }
        points.sort_unstable();
        Self(points)
    }

    /// The first upstream from the key's place onwards that `admits` says yes to.
    pub(crate) fn pick(&self, key: u64, admits: impl Fn(usize) -> bool) -> Option<usize> {
        let begin = self.0.partition_point(|(point, _)| *point < key);
        let (before, after) = self.0.split_at_checked(begin)?;
        let mut last = None;
        after.iter().chain(before).map(|(_, number)| *number as usize).find(|number| {
            // neighbours often belong to the same one
            last.replace(*number) != Some(*number) && admits(*number)
        })
    }
}

/// Whether an upstream with `load` requests may take one more, when there are `total` on `count`
/// upstreams: not if that makes it a quarter more loaded than the average (V. Mirrokni et al.,
/// "Consistent Hashing with Bounded Loads", 2018).
pub(crate) fn within_bound(load: u32, total: u32, count: usize) -> bool {
    let share = OVERLOAD_PERCENT * (u64::from(total) + 1);
    u64::from(load) < share.div_ceil(100 * count.max(1) as u64)
}

/// 64 bits of FNV-1a, mixed. Keys come from traffic; who finds many with one hash gets them all to
/// one upstream, which the bound on loads then spares.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold))
}

/// The finalizer of MurmurHash3: every bit of the input changes half of the output.
fn mix(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The next number of a sequence that looks random enough to spread load (S. Vigna, SplitMix64).
pub(crate) fn next_random(state: u64) -> (u64, u64) {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    (state, mix(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("http://10.0.0.{at}:9000")).collect()
    }

    fn ring(names: &[String]) -> Ring {
        Ring::new(names.iter().map(String::as_str))
    }

    #[test]
    fn two_choices_spread_requests_evenly_and_avoid_the_slow() {
        let mut loads = [0_u32; 8];
        let (mut state, mut random) = (7, 0);
        for _ in 0..8_000 {
            (state, random) = next_random(state);
            let at = least_of_two(loads.len(), random, |at| loads[at]).unwrap();
            loads[at] += 1;
        }
        assert!(loads.iter().all(|load| (990..=1_010).contains(load)), "{loads:?}");
        // one has 50 requests that do not end: it is chosen only when it meets itself, never
        let busy = |at| if at == 3 { 50 } else { 0 };
        for _ in 0..1_000 {
            (state, random) = next_random(state);
            assert_ne!(least_of_two(8, random, busy), Some(3));
        }
        assert_eq!(least_of_two(0, random, |_| 0), None);
        assert_eq!(least_of_two(1, random, |_| 9), Some(0));
    }

    #[test]
    fn both_choices_are_taken_equally_often_when_nobody_is_loaded() {
        let mut state = 1;
        let mut counts = [0; 3];
        for _ in 0..30_000 {
            let (next, random) = next_random(state);
            state = next;
            counts[least_of_two(3, random, |_| 0).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }

    #[test]
    fn keys_are_spread_over_the_ring() {
        let names = names(10);
        let ring = ring(&names);
        let mut counts = [0_u32; 10];
        for key in 0..100_000_u32 {
            counts[ring.pick(hash(&key.to_be_bytes()), |_| true).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (7_000..13_300).contains(count)), "{counts:?}");
    }

    #[test]
    fn when_one_of_ten_goes_only_its_keys_move() {
        let all = names(10);
        let whole = ring(&all);
        let fewer: Vec<String> = all.iter().filter(|name| **name != all[4]).cloned().collect();
        let rest = ring(&fewer);
        let (mut moved, keys) = (0, 20_000_u32);
        for key in 0..keys {
            let key = hash(&key.to_be_bytes());
            let before = whole.pick(key, |_| true).unwrap();
            // gone from the settings, or only passed over: the same
            let without = whole.pick(key, |at| at != 4).unwrap();
            assert_eq!(all[without], fewer[rest.pick(key, |_| true).unwrap()]);
            moved += u32::from(before != without);
            assert!(before == 4 || before == without);
        }
        assert!(moved <= keys / 10 * 4 / 3, "{moved} of {keys} moved");
        assert!(moved >= keys / 10 * 2 / 3, "{moved} of {keys} moved");
    }

    #[test]
    fn a_single_key_overflows_to_its_neighbours() {
        let ring = ring(&names(4));
        let mut loads = [0_u32; 4];
        for total in 0..100 {
            let admits = |at: usize| within_bound(loads[at], total, 4);
            loads[ring.pick(42, admits).unwrap()] += 1;
        }
        assert_eq!(*loads.iter().max().unwrap(), 32, "{loads:?}");
        assert!(loads.iter().all(|load| *load > 0), "{loads:?}");
    }
}
