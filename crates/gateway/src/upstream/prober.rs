//! Active checks: one thread for the process asks every upstream of the services that want it for
//! a page, and tells all workers what came.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use policy::document::Upstream;
use policy::document::upstreams::{HealthCheck, Protocol, Scheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use wire::response::{self, Asked, ResponseHead};
use wire::{HeadLimits, Parsed};

use super::connect::connect;
use super::health::{Checked, Probed};
use super::streams;
use crate::error::GatewayError;
use crate::limits::{HEAD_BUFFER_BYTES, UPSTREAM_ADDRESSES_MAX};
use crate::reload::{Arrangement, Slot};
use crate::tls::Connector;
use crate::transport::Transport;

/// Why an upstream could not be asked in HTTP/2.
type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// The prober's thread. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Prober {
    orders: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// One upstream that is checked.
struct Subject {
    target: Upstream,
    check: HealthCheck,
    probed: Arc<Probed>,
    connector: Option<Arc<Connector>>,
}

impl Subject {
    /// Whether this is checked in the same way and told to the same workers.
    fn is_like(&self, other: &Self) -> bool {
        let material = |one: &Self| one.connector.as_ref().map(|it| it.material().clone());
        Arc::ptr_eq(&self.probed, &other.probed) && material(self) == material(other)
    }
}

impl Prober {
    /// Begins to check what the arrangement in `slot` wants checked.
    pub(crate) fn start(slot: Arc<Slot>) -> Result<Self, GatewayError> {
        let (orders, ordered) = watch::channel(());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(GatewayError::Worker)?;
        let thread = std::thread::Builder::new()
            .name("prober".to_owned())
            .spawn(move || {
                let local = tokio::task::LocalSet::new();
                local.block_on(&runtime, follow(&slot, ordered));
            })
            .map_err(GatewayError::Worker)?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    /// There is another arrangement.
    pub(crate) fn look_again(&self) {
        if let Some(orders) = &self.orders {
            orders.send_replace(());
        }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        // the thread ends when the sender is gone
        self.orders.take();
        if let Some(thread) = self.thread.take() {
            // a panic there has been reported, and leaves upstreams as they were last seen
            let _ = thread.join();
        }
    }
}

/// Keeps the checks under way in step with the arrangement in force.
async fn follow(slot: &Slot, mut ordered: watch::Receiver<()>) {
    let mut under_way: Vec<(Rc<Subject>, tokio::task::JoinHandle<()>)> = Vec::new();
    loop {
        let wanted = subjects(&slot.load());
        under_way.retain(|(known, task)| {
            let stays = wanted.iter().any(|subject| subject.is_like(known));
            if !stays {
                task.abort();
            }
            stays
        });
        for subject in wanted {
            if !under_way.iter().any(|(known, _)| subject.is_like(known)) {
                let subject = Rc::new(subject);
                let task = tokio::task::spawn_local(watch_over(Rc::clone(&subject)));
                under_way.push((subject, task));
            }
        }
        if ordered.changed().await.is_err() {
            return;
        }
    }
}

fn subjects(arrangement: &Arrangement) -> Vec<Subject> {
    let mut subjects = Vec::new();
    let all = arrangement.upstreams().iter().zip(arrangement.probed()).enumerate();
    for (service, (upstreams, probed)) in all {
        let Some(check) = &upstreams.health else { continue };
        for (target, probed) in upstreams.targets.iter().zip(probed) {
            let (target, check) = (target.clone(), check.clone());
            let connector = arrangement.connector(service).map(Arc::clone);
            subjects.push(Subject { target, check, probed: Arc::clone(probed), connector });
        }
    }
    subjects
}

async fn watch_over(subject: Rc<Subject>) {
    let Subject { target, check, probed, .. } = &*subject;
    let mut checked = Checked::from(probed.is_well());
    loop {
        let asked = tokio::time::timeout(check.timeout, ask(&subject)).await;
        let well = matches!(asked, Ok(Ok(200..=399)));
        let before = probed.is_well();
        let now = checked.note(well, check);
        if before != now {
            let upstream = format!("{}:{}", target.host, target.port);
            tracing::warn!(upstream, well = now, "the health checks of an upstream have turned");
        }
        probed.set(now);
        tokio::time::sleep(check.interval.max(Duration::from_millis(1))).await;
    }
}

/// Asks for the page once, at the first address that can be connected to. Returns its status.
async fn ask(subject: &Subject) -> io::Result<u16> {
    let Subject { target, check, connector, .. } = subject;
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await?;
    let mut connected = Err(io::Error::from(io::ErrorKind::NotFound));
    for address in found.take(UPSTREAM_ADDRESSES_MAX) {
        connected = connect(address).await;
        if connected.is_ok() {
            break;
        }
    }
    let stream = connected?;
    let transport = match (target.scheme, connector) {
        (Scheme::Http, _) => Transport::Plain(stream),
        (Scheme::Https, None) => return Err(io::Error::from(io::ErrorKind::Unsupported)),
        (Scheme::Https, Some(connector)) => {
            let http2 = target.protocol == Protocol::Http2;
            Transport::secure(Box::pin(connector.connect(stream, &target.host, http2)).await?)
        }
    };
    converse(transport, target, &check.path).await
}

/// Asks over a connection that is there.
async fn converse(mut stream: Transport, target: &Upstream, path: &str) -> io::Result<u16> {
    let host =
        if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    if target.protocol == Protocol::Http2 {
        let scheme = if target.scheme == Scheme::Https { "https" } else { "http" };
        let uri = format!("{scheme}://{host}:{}{path}", target.port);
        return ask_in_frames(stream, &uri).await.map_err(io::Error::other);
    }
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{}\r\nUser-Agent: palisade-health-check\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n",
        target.port
    );
    stream.write_all(request.as_bytes()).await?;
    let (mut bytes, mut head) = (Vec::new(), ResponseHead::new());
    let malformed = || io::Error::from(io::ErrorKind::InvalidData);
    loop {
        let limits = HeadLimits::response();
        if !bytes.is_empty()
            && let Parsed::Complete { head_len } =
                response::parse_head(&bytes, &limits, Asked::Plain, &mut head)
                    .map_err(|_| malformed())?
        {
            if !head.is_interim() {
                return Ok(head.status());
            }
            bytes.drain(..head_len);
            head.clear();
            continue;
        }
        if bytes.len() > HEAD_BUFFER_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            return Err(malformed());
        }
    }
}

/// The same of an upstream that speaks HTTP/2.
async fn ask_in_frames(transport: Transport, uri: &str) -> Result<u16, BoxedError> {
    let request = http::Request::get(uri).header("user-agent", "palisade-health-check");
    let mut sender = streams::open(transport).await?;
    let (response, _) = sender.send_request(request.body(())?, true)?;
    Ok(response.await?.status().as_u16())
}
