//! A process that is being measured: its CPU time and memory as /proc tells, and its end.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a process may take to end after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// A child that is asked to end, and then made to, when this value goes away.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).spawn();
        Ok(Self { child: child.with_context(|| format!("{program} did not start"))? })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Sends a signal, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        signal(self.pid(), name)
    }

    /// The first child of this process, such as nginx's worker; waits a moment for it to appear.
    pub(crate) fn first_child(&self) -> Result<u32> {
        let place = format!("/proc/{0}/task/{0}/children", self.pid());
        for _ in 0..100 {
            let children = std::fs::read_to_string(&place)?;
            if let Some(first) = children.split_whitespace().next() {
                return Ok(first.parse()?);
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("process {} has started no child", self.pid())
    }

    /// Waits for the end and says what it cost. The exit code 1 is accepted: it means findings.
    pub(crate) fn measure_to_end(mut self) -> Result<Cost> {
        let begun = Instant::now();
        let pid = self.pid();
        let mut memory = 0;
        // Until it is waited for, a process that has ended keeps its CPU times, but not its memory.
        while !is_ended(pid)? {
            memory = memory.max(memory_peak(pid).unwrap_or(0));
            thread::sleep(Duration::from_millis(2));
        }
        let seconds = begun.elapsed().as_secs_f64();
        let cpu = cpu_time(pid)?;
        let status = self.child.wait()?;
        if !matches!(status.code(), Some(0 | 1)) {
            bail!("the measured process failed: {status}");
        }
        Ok(Cost { seconds, cpu, memory_peak: memory })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let asked = self.signal("TERM");
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        // It may have ended meanwhile: then there is nothing left to kill, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(pid: u32, name: &str) -> Result<()> {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status()?;
    if !status.success() {
        bail!("process {pid} could not be sent {name}");
    }
    Ok(())
}

/// What a whole run cost.
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) cpu: CpuTime,
    /// Bytes.
    pub(crate) memory_peak: u64,
}

/// CPU time of all threads of a process, those that have ended included; seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CpuTime {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl CpuTime {
    pub(crate) fn total(self) -> f64 {
        self.user + self.system
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { user: self.user - earlier.user, system: self.system - earlier.system }
    }
}

/// The kernel's clock ticks per second in /proc: 100 on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// `utime` and `stime` of /proc/PID/stat.
pub(crate) fn cpu_time(pid: u32) -> Result<CpuTime> {
    parse_cpu_time(&stat(pid)?).context("/proc/PID/stat has another form than expected")
}

fn stat(pid: u32) -> Result<String> {
    let place = PathBuf::from(format!("/proc/{pid}/stat"));
    std::fs::read_to_string(place).with_context(|| format!("process {pid} is gone"))
}

/// Fields after the name in parentheses, which may itself contain spaces and parentheses.
fn after_name(stat: &str) -> Option<std::str::SplitWhitespace<'_>> {
    stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace())
}

fn parse_cpu_time(stat: &str) -> Option<CpuTime> {
    let mut times = after_name(stat)?.skip(11).map(|field| field.parse::<f64>().ok());
    let (user, system) = (times.next()??, times.next()??);
    Some(CpuTime { user: user / TICKS_PER_SECOND, system: system / TICKS_PER_SECOND })
}

fn is_ended(pid: u32) -> Result<bool> {
    Ok(after_name(&stat(pid)?).and_then(|mut fields| fields.next()) == Some("Z"))
}

/// Resident memory now, in bytes.
pub(crate) fn memory_now(pid: u32) -> Result<u64> {
    memory(pid, "VmRSS:")
}

/// The most resident memory the process has had, in bytes.
pub(crate) fn memory_peak(pid: u32) -> Result<u64> {
    memory(pid, "VmHWM:")
}

/// Open file descriptors.
pub(crate) fn descriptors(pid: u32) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// Has the most resident memory counted anew from what it is now (proc(5), `clear_refs`).
pub(crate) fn forget_memory_peak(pid: u32) -> Result<()> {
    Ok(std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

fn memory(pid: u32, field: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()).context("no memory")?;
    Ok(kibibytes.parse::<u64>()? * 1024)
}

/// CPU time since the start of each thread that lives, summed by the threads' name.
pub(crate) fn cpu_time_by_thread(pid: u32) -> Result<Vec<(String, CpuTime)>> {
    let mut sums: std::collections::BTreeMap<String, CpuTime> = Default::default();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(stat) = std::fs::read_to_string(thread?.path().join("stat")) else { continue };
        let name = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
        if let (Some((name, _)), Some(time)) = (name, parse_cpu_time(&stat)) {
            let sum = sums.entry(name.to_owned()).or_insert(CpuTime { user: 0.0, system: 0.0 });
            sum.user += time.user;
            sum.system += time.system;
        }
    }
    Ok(sums.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_may_look_like_fields() {
        let stat = "42 (a) 1 S (b) R 1 42 42 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 1 0 5 6 7";
        assert_eq!(parse_cpu_time(stat), Some(CpuTime { user: 2.5, system: 1.5 }));
        assert_eq!(parse_cpu_time("nonsense"), None);
    }

    #[test]
    fn a_process_is_measured_to_its_end_and_a_failure_is_told() {
        let sh = |script: &str| Running::start(Command::new("sh").args(["-c", script])).unwrap();
        let cost =
            sh("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done").measure_to_end().unwrap();
        assert!(cost.cpu.total() > 0.0 && cost.memory_peak > 0, "{:?}", cost.cpu);
        assert!(sh("exit 2").measure_to_end().is_err());
    }
}
