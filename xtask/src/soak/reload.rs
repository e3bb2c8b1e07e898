//! Reloads and upgrades under load: every request is answered, whatever is read anew and whichever
//! process serves meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::account;
use crate::rig::client::{self, Outcome, Pace, Plan};
use crate::rig::nginx::Nginx;
use crate::rig::palisade::{Palisade, Setup};

/// Connections of the load.
const CONNECTIONS: usize = 64;
/// KiB of bodies that are inspected before all reloads; one more after each.
const BODY_KIB: u32 = 1024;
/// How long one reload may take until it is in force.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happens during the load.
#[derive(Clone, Copy)]
pub(super) struct Changes {
    pub(super) reloads: u32,
    pub(super) upgrades: u32,
}

/// One of them, by its number, which begins with 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    Reload(u32),
    Upgrade(u32),
}

impl Changes {
    /// All in their order, the upgrades spread evenly among the reloads.
    fn in_order(self) -> Vec<Change> {
        let all = self.reloads + self.upgrades;
        let upgrades_until = |place: u32| place * self.upgrades / all.max(1);
        (1..=all)
            .map(|place| match upgrades_until(place) {
                number if number > upgrades_until(place - 1) => Change::Upgrade(number),
                number => Change::Reload(place - number),
            })
            .collect()
    }
}

/// How long the slowest of each kind took.
#[derive(Default)]
struct Slowest {
    reload: Duration,
    upgrade: Duration,
}

/// Sends so many requests with the changes spread over them, and fails if a request fails or a
/// change does not come into force.
pub(super) fn run(binary: &Path, requests: u64, changes: Changes) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let origin = Nginx::origin(directory)?;
    let setup = Setup { binary, directory, origin: origin.port, contract: None, certificate: None };
    let mut palisade = Palisade::start(&setup)?;
    let (texts, over) = (account::requests(), AtomicU64::new(0));
    let plan = Plan {
        port: palisade.port,
        connections: CONNECTIONS,
        pace: Pace::Eager,
        requests,
        texts: &texts,
        over: &over,
    };
    let (outcome, slowest) = thread::scope(|scope| {
        let load = scope.spawn(|| client::run(&plan));
        let mut slowest = Slowest::default();
        let order = changes.in_order();
        let changed = order.iter().enumerate().try_for_each(|(place, change)| {
            let share = requests * (place as u64 + 1) / (order.len() as u64 + 1);
            while over.load(Ordering::Relaxed) < share && !load.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
            if load.is_finished() {
                bail!("the load was over before {change:?}: more requests are needed");
            }
            carry_out(*change, &mut palisade, binary, &mut slowest)
        });
        (load.join(), changed.map(|()| slowest))
    });
    let outcome = outcome.map_err(|_| anyhow::anyhow!("the load panicked"))??;
    judge(&outcome, changes, &slowest?)
}

fn carry_out(
    change: Change,
    palisade: &mut Palisade,
    binary: &Path,
    slowest: &mut Slowest,
) -> Result<()> {
    let begun = Instant::now();
    match change {
        Change::Reload(number) => {
            reload(palisade, number)?;
            slowest.reload = slowest.reload.max(begun.elapsed());
        }
        Change::Upgrade(number) => {
            palisade.upgrade(binary)?;
            slowest.upgrade = slowest.upgrade.max(begun.elapsed());
            eprintln!("xtask: upgrade {number}");
        }
    }
    Ok(())
}

/// Reloads and waits until it says so.
fn reload(palisade: &Palisade, number: u32) -> Result<()> {
    let begun = Instant::now();
    palisade.reload(BODY_KIB + number)?;
    while palisade.reloads()? < number as usize {
        if begun.elapsed() > PATIENCE {
            bail!("reload {number} was not in force after {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn judge(outcome: &Outcome, changes: Changes, slowest: &Slowest) -> Result<()> {
    println!(
        "soak reload: {} answered, {} repeated, {} failed; {} reloads, the slowest in force after \
         {} ms; {} upgrades, the slowest over after {} ms; p99 {:.2} ms, slowest answer {:.1} ms",
        outcome.answered,
        outcome.repeated,
        outcome.failures(),
        changes.reloads,
        slowest.reload.as_millis(),
        changes.upgrades,
        slowest.upgrade.as_millis(),
        outcome.percentile_ms(0.99),
        outcome.percentile_ms(1.0),
    );
    if outcome.failures() > 0 {
        bail!("requests failed: {:?}", outcome.failed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upgrades_are_spread_among_reloads() {
        let order = Changes { reloads: 50, upgrades: 10 }.in_order();
        assert_eq!(order.len(), 60);
        let upgrades: Vec<_> =
            order.iter().enumerate().filter(|(_, it)| matches!(it, Change::Upgrade(_))).collect();
        assert_eq!(upgrades.len(), 10);
        let spread = |(number, (place, it)): (u32, &(usize, &Change))| {
            assert_eq!((*place as u32 + 1, **it), ((number + 1) * 6, Change::Upgrade(number + 1)));
        };
        (0..).zip(&upgrades).for_each(spread);
        assert_eq!(order.last(), Some(&Change::Upgrade(10)));
        assert_eq!(order[58], Change::Reload(50));
        let few = Changes { reloads: 2, upgrades: 0 }.in_order();
        assert_eq!(few, [Change::Reload(1), Change::Reload(2)]);
    }
}
