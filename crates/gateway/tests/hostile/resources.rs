//! What a case costs this process: the most memory beside what it had before, and time.

use std::fs;

/// Memory and time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) memory_kib: u64,
    pub(crate) cpu_ms: u64,
}

/// A measurement that has begun.
pub(crate) struct Meter {
    resident_kib: u64,
    ticks: u64,
}

impl Meter {
    /// Forgets the highest memory so far.
    pub(crate) fn start() -> Self {
        fs::write("/proc/self/clear_refs", "5").unwrap();
        Self { resident_kib: status("VmRSS:"), ticks: ticks() }
    }

    /// What it took since then; `held_bytes` are the test's own.
    pub(crate) fn stop(&self, held_bytes: usize) -> Cost {
        let held_kib = u64::try_from(held_bytes >> 10).unwrap();
        let memory_kib = status("VmHWM:").saturating_sub(self.resident_kib + held_kib);
        // a tick is 10 ms (sysconf(_SC_CLK_TCK) is 100 on every Linux of today)
        Cost { memory_kib, cpu_ms: (ticks() - self.ticks) * 10 }
    }
}

fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// User and system time of all threads, ended ones included (proc(5), fields 14 and 15).
fn ticks() -> u64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = text.rsplit_once(')').unwrap();
    rest.split_ascii_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}
