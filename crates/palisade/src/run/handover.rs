//! One process takes the place of another without a connection being refused: the listening sockets
//! go over the control socket, the new process serves, and only then the old one drains and lets go
//! of the database.
//!
//! A new process that fails before it is ready changes nothing: the old one has stopped nothing.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, anyhow};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde_json::{Value, json};
use store::{Store, StoreError};
use tokio::sync::mpsc;

use super::{Running, service_manager};
use crate::control::serve::Event;
use crate::control::{PATIENCE, Request, hear, say};
use crate::terminal;

/// Descriptors in one message; the system takes 253 (SCM_MAX_FD of unix(7)).
const BATCH: usize = 64;

/// Sockets that a process takes from another: more than listeners times workers of any machine.
const SOCKETS_MAX: usize = 16_384;

/// How long a new process may take to be ready once it has the sockets. It has read its settings
/// and contracts by then.
const READY: Duration = Duration::from_secs(60);

/// How long the old process may take to let go of the database before that is worth a warning.
const RELEASE: Duration = Duration::from_secs(120);

/// How often an unreleased database is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// What a listening socket is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Console,
    Telemetry,
    Traffic,
}

impl Role {
    const ALL: [Self; 3] = [Self::Console, Self::Telemetry, Self::Traffic];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Telemetry => "telemetry",
            Self::Traffic => "gateway",
        }
    }
}

/// The old process's part of a handover that has begun.
#[derive(Debug)]
pub(crate) struct Handover {
    events: mpsc::Sender<Event>,
    /// The process that takes over.
    successor: Option<u32>,
    /// Who asked for an upgrade, and waits.
    waiting: Option<UnixStream>,
}

impl Handover {
    pub(crate) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events, successor: None, waiting: None }
    }

    /// Starts the installed program with the same arguments; it will ask for the sockets.
    pub(crate) fn begin_upgrade(&mut self, stream: UnixStream) {
        if self.waiting.is_some() || self.successor.is_some() {
            refuse(&stream, "an upgrade is under way already");
            return;
        }
        match spawn(self.events.clone()) {
            Ok(()) => self.waiting = Some(stream),
            Err(error) => refuse(&stream, &format!("cannot start the new program: {error:#}")),
        }
    }

    pub(crate) fn failed(&mut self, reason: &str) {
        self.successor = None;
        terminal::note(&format!("the upgrade failed: {reason}; this process goes on"));
        if let Some(stream) = self.waiting.take() {
            refuse(&stream, reason);
        }
    }

    pub(crate) fn succeeded(&mut self) {
        let Some(pid) = self.successor else { return };
        service_manager::succeeded_by(pid);
        terminal::note(&format!("process {pid} has taken over: finishing exchanges in flight"));
        if let Some(stream) = self.waiting.take() {
            // who asked may have gone
            say(&stream, &json!({ "ok": true, "pid": pid })).ok();
        }
    }
}

fn refuse(stream: &UnixStream, error: &str) {
    // who asked may have gone
    say(stream, &json!({ "ok": false, "error": error })).ok();
}

/// Runs the program that is installed where this one was.
fn spawn(events: mpsc::Sender<Event>) -> anyhow::Result<()> {
    // Linux marks the path of a program that has been replaced
    let program = std::env::current_exe()?.to_string_lossy().replace(" (deleted)", "");
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--upgrade");
    let mut child = Command::new(&program)
        .args(arguments)
        .arg("--upgrade")
        .spawn()
        .with_context(|| program.clone())?;
    std::thread::Builder::new().name("upgrade".to_owned()).spawn(move || {
        let ended = match child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let reason = format!("the new process ended before it was ready ({ended}); see its log");
        // one that was ready has ended this process long before
        events.blocking_send(Event::Failed(reason)).ok();
    })?;
    Ok(())
}

/// Gives the sockets to the process that asks, and waits beside the loop until it is ready.
pub(crate) fn give(running: &Running, stream: UnixStream, handover: &mut Handover) {
    if handover.successor.is_some() {
        return refuse(&stream, "another process is taking over already");
    }
    let pid = rustix::net::sockopt::socket_peercred(&stream)
        .map(|peer| peer.pid.as_raw_nonzero().get().unsigned_abs());
    let sent = pid.map_err(Into::into).and_then(|pid| {
        send_sockets(&stream, &running.sockets())?;
        Ok::<_, anyhow::Error>(pid)
    });
    match sent {
        Ok(pid) => handover.successor = Some(pid),
        Err(error) => return refuse(&stream, &format!("cannot hand over: {error:#}")),
    }
    let events = handover.events.clone();
    let waiting = std::thread::Builder::new().name("handover".to_owned()).spawn(move || {
        let event = match hear(&stream, READY) {
            Ok(Some(word)) if word["event"] == "ready" => Event::Ready(stream),
            Ok(_) => Event::Failed("the new process ended before it was ready".to_owned()),
            Err(_) => {
                let waited = READY.as_secs();
                Event::Failed(format!("the new process was not ready within {waited} s"))
            }
        };
        // fails when this process is ending, and then there is nothing to go on with
        events.blocking_send(event).ok();
    });
    if let Err(error) = waiting {
        handover.failed(&format!("no thread to wait with: {error}"));
    }
}

/// Sends a line that describes the sockets, and then the sockets.
fn send_sockets(
    stream: &UnixStream,
    sockets: &[(Role, SocketAddr, BorrowedFd<'_>)],
) -> anyhow::Result<()> {
    let described: Vec<Value> = sockets
        .iter()
        .map(|(role, bind, _)| json!({ "role": role.as_str(), "bind": bind }))
        .collect();
    say(stream, &json!({ "ok": true, "pid": std::process::id(), "sockets": described }))?;
    for batch in sockets.chunks(BATCH) {
        let descriptors: Vec<BorrowedFd<'_>> = batch.iter().map(|(_, _, fd)| *fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(anyhow!("too many descriptors for one message"));
        }
        sendmsg(stream, &[IoSlice::new(b".")], &mut control, SendFlags::NOSIGNAL)?;
    }
    Ok(())
}

/// The new process's side: the process that is being replaced, and what it gave.
#[derive(Debug)]
pub(crate) struct Predecessor {
    stream: UnixStream,
    pid: u64,
    sockets: Vec<(Role, SocketAddr, TcpListener)>,
}

impl Predecessor {
    /// Asks the process on one of these sockets for its listening sockets.
    pub(crate) fn call(control: &Path, database: &Path) -> anyhow::Result<Self> {
        let stream = UnixStream::connect(control).with_context(|| {
            format!(
                "no process to take over from on {}; start without --upgrade",
                control.display()
            )
        })?;
        say(&stream, &Request::Handover.to_json(Some(database)))?;
        let reply =
            hear(&stream, READY)?.ok_or_else(|| anyhow!("the process to take over from ended"))?;
        if let Some(error) = reply["error"].as_str() {
            return Err(anyhow!("{error}"));
        }
        let described = reply["sockets"].as_array().map(Vec::as_slice).unwrap_or_default();
        let received = receive_sockets(&stream, described.len())?;
        let sockets = described
            .iter()
            .zip(received)
            .filter_map(|(described, socket)| {
                let role = described["role"].as_str()?;
                let role = Role::ALL.into_iter().find(|known| known.as_str() == role)?;
                let bind = described["bind"].as_str()?.parse().ok()?;
                Some((role, bind, TcpListener::from(socket)))
            })
            .collect();
        Ok(Self { stream, pid: reply["pid"].as_u64().unwrap_or_default(), sockets })
    }

    /// Takes the sockets that were opened for this.
    pub(crate) fn take(&mut self, role: Role, bind: SocketAddr) -> Vec<TcpListener> {
        let (taken, left) = std::mem::take(&mut self.sockets)
            .into_iter()
            .partition(|(known, address, _)| (*known, *address) == (role, bind));
        self.sockets = left;
        taken.into_iter().map(|(_, _, socket)| socket).collect()
    }

    /// Says that this process serves, waits until the old one has let go of the database, and opens
    /// it. Traffic flows meanwhile, and what it leaves waits in the outlet.
    pub(crate) fn succeed(self, path: &Path) -> anyhow::Result<Store> {
        terminal::note(&format!("taking over from process {}", self.pid));
        say(&self.stream, &json!({ "event": "ready" }))?;
        // one that dies lets go as well
        if hear(&self.stream, RELEASE).is_err() {
            tracing::warn!("process {} is still at work on its last exchanges", self.pid);
        }
        loop {
            match Store::open(path, store::Options::default()) {
                Err(StoreError::InUse { .. }) => std::thread::sleep(RETRY),
                opened => {
                    return opened
                        .with_context(|| format!("cannot use the database {}", path.display()));
                }
            }
        }
    }
}

fn receive_sockets(stream: &UnixStream, count: usize) -> anyhow::Result<Vec<OwnedFd>> {
    if count > SOCKETS_MAX {
        return Err(anyhow!("{count} sockets are more than any process has"));
    }
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut received = Vec::with_capacity(count);
    while received.len() < count {
        let before = received.len();
        let mut byte = [0];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(BATCH))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut byte)];
        recvmsg(stream.as_fd(), &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                received.extend(descriptors);
            }
        }
        if received.len() == before {
            return Err(anyhow!("{} of {count} sockets did not come", count - before));
        }
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_arrive_in_order_however_many() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let sockets: Vec<TcpListener> =
            (0..BATCH + 3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let bind = "127.0.0.1:8080".parse().unwrap();
        let lent: Vec<_> =
            sockets.iter().map(|socket| (Role::Traffic, bind, socket.as_fd())).collect();
        send_sockets(&ours, &lent).unwrap();
        let line = hear(&theirs, PATIENCE).unwrap().unwrap();
        assert_eq!(line["sockets"].as_array().unwrap().len(), sockets.len());
        let received = receive_sockets(&theirs, sockets.len()).unwrap();
        for (sent, got) in sockets.iter().zip(received) {
            let got = TcpListener::from(got);
            assert_eq!(sent.local_addr().unwrap(), got.local_addr().unwrap());
        }
    }

    #[test]
    fn sockets_that_do_not_come_are_missed() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        say(&ours, &json!({})).unwrap();
        drop(ours);
        hear(&theirs, PATIENCE).unwrap();
        assert!(receive_sockets(&theirs, 1).is_err());
        assert!(receive_sockets(&theirs, SOCKETS_MAX + 1).is_err());
    }
}
