//! A console on a free port, with somebody behind it who answers its commands.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use analysis::findings::Finding;
use console::{Command, Console, Settings, View};
use store::{HistoryEntry, HistoryWhat, Triage};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::client::{Answer, Client};

/// A console that runs until this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) console: Console,
    pub(crate) view: watch::Sender<Arc<View>>,
    /// What was decided about findings.
    pub(crate) decided: Arc<Mutex<Vec<Triage>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    pub(crate) fn new(view: View) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, receiver) = watch::channel(Arc::new(view));
        let (commands, asked) = mpsc::channel(8);
        let settings = Settings {
            address,
            hosts: vec!["console.test".to_owned()],
            gateways: vec!["http://127.0.0.1:8080".to_owned()],
            version: "0.1.0",
            relink: "Restart Palisade to get another.".to_owned(),
        };
        let console = Console::new(settings, receiver, commands).unwrap();
        let decided = Arc::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let (served, published) = (console.clone(), sender.clone());
        let behind = answer(asked, published, Arc::clone(&decided));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                tokio::spawn(behind);
                served.serve(listener, async { drop(stopped.await) }).await;
            });
        });
        let (stop, thread) = (Some(stop), Some(thread));
        Self { address, console, view: sender, decided, stop, thread }
    }

    /// A client that is signed in.
    pub(crate) fn client(&self) -> Client {
        let link = self.console.start_link().unwrap();
        let mut client = Client::new(self.address);
        let answer = client.get(link.strip_prefix(&format!("http://{}", self.address)).unwrap());
        assert_eq!(answer.status, 200, "{}", answer.body);
        client.keep_cookie(&answer);
        client
    }

    /// A page, as somebody signed in sees it.
    pub(crate) fn page(&self, path: &str) -> Answer {
        self.client().get(path)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

/// Does what the program behind the console does: keeps decisions, publishes, then answers.
async fn answer(
    mut asked: mpsc::Receiver<Command>,
    view: watch::Sender<Arc<View>>,
    decided: Arc<Mutex<Vec<Triage>>>,
) {
    while let Some(command) = asked.recv().await {
        match command {
            Command::History { fingerprint, reply } => {
                let decided = decided.lock().unwrap();
                let about = decided.iter().filter(|one| one.fingerprint == fingerprint);
                let entries = about.map(|one| HistoryEntry {
                    at: one.at,
                    what: HistoryWhat::Triaged,
                    status: one.status,
                    by: one.by.clone(),
                    reason: one.reason.clone(),
                });
                reply.send(Ok(entries.collect())).unwrap();
            }
            Command::Triage { triage, reply } if triage.reason.contains("disk full") => {
                reply.send(Err("the disk is full; free space".to_owned())).unwrap();
                drop(triage);
            }
            Command::Triage { triage, reply } => {
                let mut changed = View::clone(&view.borrow());
                let snapshot = Arc::make_mut(&mut changed.snapshot);
                let is_it = |one: &&mut Finding| one.fingerprint == triage.fingerprint;
                let found = snapshot.findings.iter_mut().find(is_it);
                let known = found.map(|finding| finding.status = triage.status).is_some();
                decided.lock().unwrap().push(triage);
                view.send_replace(Arc::new(changed));
                reply.send(Ok(known)).unwrap();
            }
        }
    }
}
