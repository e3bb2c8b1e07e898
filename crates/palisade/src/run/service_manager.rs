//! What systemd is told (`Type=notify-reload`): ready, reloading, ending, who leads, still alive.
//! Where no service manager asked to be told, nothing is sent.

use std::time::Duration;

use sd_notify::NotifyState;

/// How often the loop shows that it is alive when nobody has asked for more: it costs nothing.
const PULSE: Duration = Duration::from_secs(10);

/// How often [`alive`] is to be called: twice within the time that `WatchdogSec=` allows.
pub(crate) fn pulse() -> Duration {
    sd_notify::watchdog_enabled()
        .map_or(PULSE, |allowed| (allowed / 2).max(Duration::from_millis(1)))
}

/// Traffic is accepted under the settings in force.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The settings are being read again.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!("no monotonic clock: {error}"),
    }
}

/// The process is ending.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Another process leads now; systemd takes this from the one that led.
pub(crate) fn succeeded_by(pid: u32) {
    tell(&[NotifyState::MainPid(pid)]);
}

/// The loop turns.
pub(crate) fn alive() {
    if sd_notify::watchdog_enabled().is_some() {
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("the service manager cannot be told: {error}");
    }
}
