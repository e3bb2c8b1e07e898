//! The loop of a running process: signals, the control socket, the service manager.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, mpsc};

use super::socket::ControlSocket;
use super::{LINE_BYTES_MAX, PATIENCE, Request, say};
use crate::certificates;
use crate::run::Running;
use crate::run::handover::{self, Handover};
use crate::run::service_manager;
use crate::terminal;

/// Callers at once: an operator and some scripts.
const CALLERS_MAX: usize = 16;

/// Why a process ends.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Another process has taken over; it is told when this one has let go of everything.
    HandedOver(UnixStream),
    /// A signal.
    Signal,
    /// Somebody asked for it, and waits.
    Stop { stream: UnixStream, within: Duration },
}

/// What the loop is told by those that wait on its behalf.
#[derive(Debug)]
pub(crate) enum Event {
    /// A caller has asked.
    Asked(UnixStream, Result<(Request, Option<std::path::PathBuf>), String>),
    /// The process that was to take over has not.
    Failed(String),
    /// The process that takes over is serving.
    Ready(UnixStream),
}

/// The signals that are heeded.
#[derive(Debug)]
pub(crate) struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// To be called before anything serves: a signal that comes during the start is then heeded
    /// after it, and does not kill a process that carries traffic already.
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}

/// Runs until there is a reason to end.
pub(crate) async fn live(
    running: &mut Running,
    socket: &ControlSocket,
    signals: Signals,
) -> anyhow::Result<Ending> {
    let Signals { mut hangup, mut interrupt, mut terminate } = signals;
    let listener = socket.listener()?;
    let room = Arc::new(Semaphore::new(CALLERS_MAX));
    let (events, mut happened) = mpsc::channel(CALLERS_MAX * 2);
    let mut handover = Handover::new(events.clone());
    let mut pulse = tokio::time::interval(service_manager::pulse());
    let mut look = tokio::time::interval(certificates::POLL);
    service_manager::ready();
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                // what was wrong has been said on standard error
                running.reload().ok();
            }
            _ = terminate.recv() => return Ok(Ending::Signal),
            _ = interrupt.recv() => return Ok(Ending::Signal),
            _ = pulse.tick() => service_manager::alive(),
            _ = look.tick() => running.look_at_certificates(),
            accepted = listener.accept() => match (
                accepted,
                Arc::clone(&room).try_acquire_owned(),
            ) {
                (Ok((stream, _)), Ok(permit)) => {
                    let events = events.clone();
                    tokio::spawn(async move {
                        listen(stream, events).await;
                        drop(permit);
                    });
                }
                // who finds no room is hung up on, and sees that
                (Ok(_), Err(_)) => {}
                (Err(error), _) => {
                    tracing::warn!("cannot accept a control connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(event) = happened.recv() => {
                if let Some(ending) = answer(running, event, &mut handover) {
                    return Ok(ending);
                }
            }
        }
    }
}

/// Reads what a caller asks.
async fn listen(stream: tokio::net::UnixStream, events: mpsc::Sender<Event>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let read = async { (&mut stream).take(LINE_BYTES_MAX as u64).read_line(&mut line).await };
    let heard = matches!(tokio::time::timeout(PATIENCE, read).await, Ok(Ok(count)) if count > 0);
    let Ok(stream) = stream.into_inner().into_std() else { return };
    if heard && stream.set_nonblocking(false).is_ok() {
        // fails when the process is ending, which the caller sees
        events.send(Event::Asked(stream, Request::parse(&line))).await.ok();
    }
}

/// Does what an event asks for.
fn answer(running: &mut Running, event: Event, handover: &mut Handover) -> Option<Ending> {
    let (stream, request) = match event {
        Event::Asked(stream, Ok((request, database))) => {
            let answered = meant_for(running, database.as_deref());
            (stream, answered.map(|()| request))
        }
        Event::Asked(stream, Err(error)) => (stream, Err(error)),
        Event::Failed(reason) => {
            handover.failed(&reason);
            return None;
        }
        Event::Ready(stream) => {
            handover.succeeded();
            return Some(Ending::HandedOver(stream));
        }
    };
    let reply = match request {
        Err(error) => json!({ "ok": false, "error": error }),
        Ok(Request::Status) => json!({ "ok": true, "status": running.status() }),
        Ok(Request::Reload) => match running.reload() {
            Ok(()) => json!({ "ok": true, "revision": running.revision() }),
            Err(error) => json!({ "ok": false, "error": terminal::plain(&error) }),
        },
        Ok(Request::Stop(within)) => return Some(Ending::Stop { stream, within }),
        Ok(Request::Upgrade) => {
            handover.begin_upgrade(stream);
            return None;
        }
        Ok(Request::Handover) => {
            handover::give(running, stream, handover);
            return None;
        }
    };
    // a caller that has gone does not want to know
    say(&stream, &reply).ok();
    None
}

/// A caller that means another database means another process.
fn meant_for(running: &Running, database: Option<&Path>) -> Result<(), String> {
    let ours = running.database();
    match database {
        Some(wanted) if wanted != ours => Err(format!(
            "the process that answers here keeps {}, not {}\nhelp: name its settings file with \
             --config",
            ours.display(),
            wanted.display()
        )),
        _ => Ok(()),
    }
}
