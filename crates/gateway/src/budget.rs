//! What the process may use: memory and file descriptors. Before either runs out, less is taken on.
//!
//! The system's own answers come too late and strike everything: a process over its memory limit is
//! killed, and one without descriptors accepts nobody, the operator included.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::{
    CONNECTIONS_MAX, CONNECTIONS_MIN, DESCRIPTORS_EACH, DESCRIPTORS_RESERVED,
    MEMORY_REFUSING_PERCENT, MEMORY_SAVING_PERCENT, MEMORY_TURNING_AWAY_PERCENT,
};

/// Where control groups are mounted (cgroups(7)).
const CGROUPS: &str = "/sys/fs/cgroup";

/// Version 1 writes "no limit" as a number near 2^63.
const UNLIMITED_V1: u64 = 1 << 60;

/// How close the process is to its memory limit.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Pressure {
    /// Nothing needs to be done.
    None,
    /// Connections are not kept for another exchange.
    Saving,
    /// New connections are turned away, too.
    TurningAway,
    /// Requests are refused, too.
    Refusing,
}

impl Pressure {
    const ALL: [Self; 4] = [Self::None, Self::Saving, Self::TurningAway, Self::Refusing];

    /// The word that people read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Saving => "saving",
            Self::TurningAway => "turning away",
            Self::Refusing => "refusing",
        }
    }

    /// The pressure of so many bytes under such a limit.
    fn of(used: u64, limit: u64) -> Self {
        let percent = u128::from(used) * 100 / u128::from(limit.max(1));
        let reached = |least: u64| percent >= u128::from(least);
        if reached(MEMORY_REFUSING_PERCENT) {
            Self::Refusing
        } else if reached(MEMORY_TURNING_AWAY_PERCENT) {
            Self::TurningAway
        } else if reached(MEMORY_SAVING_PERCENT) {
            Self::Saving
        } else {
            Self::None
        }
    }
}

/// The memory of the process: its limit, and how close it is. Read by every worker, sampled by one.
pub struct Memory {
    limit: Option<u64>,
    pressure: AtomicU8,
    used: Box<dyn Fn() -> Option<u64> + Send + Sync>,
}

impl Memory {
    /// Memory of so many bytes; `None`: only the machine is the limit.
    #[must_use]
    pub fn new(limit: Option<u64>) -> Self {
        Self::measured(limit, resident)
    }

    /// The same, with another measure of how much is used.
    #[must_use]
    pub fn measured(
        limit: Option<u64>,
        used: impl Fn() -> Option<u64> + Send + Sync + 'static,
    ) -> Self {
        Self { limit, pressure: AtomicU8::new(0), used: Box::new(used) }
    }

    /// Bytes that may be used.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// How close the limit was when it was last looked at.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        Pressure::ALL[usize::from(self.pressure.load(Ordering::Relaxed))]
    }

    /// Looks again.
    pub(crate) fn sample(&self) {
        let Some((limit, used)) = self.limit.and_then(|limit| Some((limit, (self.used)()?))) else {
            return;
        };
        let pressure = Pressure::of(used, limit);
        let before = self.pressure.swap(pressure as u8, Ordering::Relaxed);
        if before != pressure as u8 {
            let (used, limit) = (used >> 20, limit >> 20);
            tracing::warn!("memory: {used} of {limit} MiB; pressure: {}", pressure.as_str());
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(None)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Memory")
            .field("limit", &self.limit)
            .field("pressure", &self.pressure())
            .finish_non_exhaustive()
    }
}

/// Bytes of this process that are in memory (proc_pid_status(5)).
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib << 10)
}

/// The memory limit of the control group that this process is in, of either version.
#[must_use]
pub fn memory_limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    limit_of(&groups, |path| std::fs::read_to_string(path).ok())
}

/// The least limit of the groups and of those around them.
fn limit_of(groups: &str, read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let root = Path::new(CGROUPS);
    let mut least: Option<u64> = None;
    for group in groups.lines() {
        let mut parts = group.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|one| one == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let within = root.join(path.trim_start_matches('/'));
        let around = within.ancestors().take_while(|path| path.starts_with(&root));
        let limits = around
            .map(|path: &Path| -> PathBuf { path.join(file) })
            .filter_map(|path| read(&path)?.trim().parse::<u64>().ok())
            .filter(|limit| *limit < UNLIMITED_V1);
        least = limits.chain(least).min();
    }
    least
}

/// Raises the number of file descriptors to the most that this process may have, and says how many
/// that is; `None`: any number.
pub fn raise_descriptors() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!("cannot raise the number of open files: {error}");
            limit.current
        }
    }
}

/// Client connections for which so many file descriptors are enough.
#[must_use]
pub fn connections(descriptors: Option<u64>) -> usize {
    let Some(descriptors) = descriptors else { return CONNECTIONS_MAX };
    let fit = descriptors.saturating_sub(DESCRIPTORS_RESERVED) / DESCRIPTORS_EACH;
    usize::try_from(fit).unwrap_or(CONNECTIONS_MAX).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fa_23_pressure_rises_in_three_steps() {
        let cases = [
            (84, Pressure::None),
            (85, Pressure::Saving),
            (91, Pressure::Saving),
            (92, Pressure::TurningAway),
            (95, Pressure::Refusing),
            (400, Pressure::Refusing),
        ];
        for (used, expected) in cases {
            assert_eq!(Pressure::of(used << 20, 100 << 20), expected, "{used} %");
        }
        assert_eq!(Pressure::of(1, 0), Pressure::Refusing);
        assert_eq!(cases.len(), 6);
    }

    #[test]
    fn the_process_is_somewhere_in_memory() {
        assert!(resident().is_some_and(|bytes| bytes > 1 << 20));
        let memory = Memory::new(Some(1));
        assert_eq!(memory.pressure(), Pressure::None, "not looked at yet");
        memory.sample();
        assert_eq!(memory.pressure(), Pressure::Refusing);
    }

    #[test]
    fn limits_of_both_versions_and_of_the_groups_around() {
        let files = [
            ("/sys/fs/cgroup/a/memory.max", "2000\n"),
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/memory/c/memory.limit_in_bytes", "3000\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        let read = |path: &Path| {
            let known = files.iter().find(|(known, _)| Path::new(known) == path);
            known.map(|(_, text)| (*text).to_owned())
        };
        let cases = [
            ("0::/a/b\n", Some(2_000)),
            ("0::/x\n", None),
            ("4:cpu,memory:/c\n1:cpu:/a\n", Some(3_000)),
            ("4:memory:/\n", None),
            ("0::/a/b\n4:memory:/c\n", Some(2_000)),
            ("nonsense\n", None),
        ];
        for (groups, expected) in cases {
            assert_eq!(limit_of(groups, read), expected, "{groups}");
        }
        assert_eq!(cases.len(), 6);
    }

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        let cases = [
            (None, CONNECTIONS_MAX),
            (Some(1 << 20), CONNECTIONS_MAX),
            (Some(1_024), 384),
            (Some(64), CONNECTIONS_MIN),
        ];
        for (descriptors, expected) in cases {
            assert_eq!(connections(descriptors), expected);
        }
    }
}
