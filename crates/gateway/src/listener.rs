//! Where clients come in: one accepting socket for each worker on each address.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::Poll;

use exchange::message::Scheme;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use wire::serialize::Connection;

use crate::budget::Pressure;
use crate::error::GatewayError;
use crate::limits::{ACCEPT_PAUSE, BACKLOG, TLS_HANDSHAKES_MAX};
use crate::proxy::{h1, h2, wall_clock};
use crate::proxy_header;
use crate::refuse::Answer;
use crate::running::Stage;
use crate::ticker::Late;
use crate::tls::{Alpn, Fault, Secured, Terminator, TlsSlot, agreement};
use crate::transport::Transport;
use crate::worker::Worker;

/// A place where clients come in.
#[derive(Clone, Debug)]
pub struct ListenerConfig {
    /// Address and port; port 0 takes any that is free.
    pub address: SocketAddr,
    /// Clients speak HTTP/2 from the first byte, without TLS ("prior knowledge", RFC 9113 §3.3).
    /// Nothing is sniffed: a client that speaks something else is closed.
    pub h2c: bool,
    /// Every connection begins with a PROXY header from a trusted peer. Whoever else connects, and
    /// whatever else comes, is closed.
    pub proxy_protocol: bool,
    /// What handshakes meet; while it is empty, clients speak in the clear.
    pub tls: TlsSlot,
}

impl From<SocketAddr> for ListenerConfig {
    fn from(address: SocketAddr) -> Self {
        Self { address, h2c: false, proxy_protocol: false, tls: TlsSlot::default() }
    }
}

/// Opens one socket for each worker; the system spreads connections over them. Returns the address
/// in use, which differs from the one asked for when its port is 0.
pub(crate) fn open(
    address: SocketAddr,
    workers: usize,
) -> Result<(SocketAddr, Vec<std::net::TcpListener>), GatewayError> {
    let failed = |source| GatewayError::Listen { address, source };
    // sockets that share a port also share it with a process started twice: this one does not
    drop(bind(address, false).map_err(failed)?);
    let first = bind(address, true).map_err(failed)?;
    let in_use = first.local_addr().map_err(failed)?;
    let others = (1..workers).map(|_| bind(in_use, true).map_err(failed));
    let sockets = std::iter::once(Ok(first)).chain(others).collect::<Result<_, _>>()?;
    Ok((in_use, sockets))
}

/// Sockets that another process listened on before, and as many more as there are workers without
/// one: a worker more than before must not go without, and a socket without a worker would keep
/// connections that nobody accepts.
pub(crate) fn inherit(
    address: SocketAddr,
    inherited: &[&std::net::TcpListener],
    workers: usize,
) -> Result<(SocketAddr, Vec<std::net::TcpListener>), GatewayError> {
    let failed = |source| GatewayError::Listen { address, source };
    let [first, ..] = inherited else { return open(address, workers) };
    let in_use = first.local_addr().map_err(failed)?;
    let known = inherited.iter().map(|socket| socket.try_clone());
    let others = (inherited.len()..workers).map(|_| bind(in_use, true));
    let sockets = known.chain(others).collect::<Result<_, _>>().map_err(failed)?;
    Ok((in_use, sockets))
}

fn bind(address: SocketAddr, shares_port: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shares_port)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts connections until the gateway drains, and then those that already wait.
pub(crate) async fn accept(
    worker: Rc<Worker>,
    listener: TcpListener,
    config: Rc<ListenerConfig>,
    mut stage: watch::Receiver<Stage>,
) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => admit(&worker, &config, stream, peer),
                Err(error) => {
                    // out of descriptors: those that wait stay in the backlog
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            changed = stage.wait_for(|stage| *stage != Stage::Serving) => {
                drop(changed);
                break;
            }
        }
    }
    while let Some(Ok((stream, peer))) = waiting(&listener).await {
        admit(&worker, &config, stream, peer);
    }
}

/// A connection that can be accepted without waiting.
async fn waiting(listener: &TcpListener) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    poll_fn(|context| match listener.poll_accept(context) {
        Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// One of the connections that a worker has open.
struct Open(Rc<Worker>);

impl Open {
    fn new(worker: &Rc<Worker>) -> Self {
        let open = Self(Rc::clone(worker));
        open.count(worker.connections.get() + 1);
        open
    }

    fn count(&self, connections: usize) {
        self.0.connections.set(connections);
        self.0.counts.connections.set(connections as u64);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.count(self.0.connections.get() - 1);
    }
}

fn admit(worker: &Rc<Worker>, config: &ListenerConfig, stream: TcpStream, peer: SocketAddr) {
    let full = worker.connections.get() >= worker.connections_max;
    if full || worker.memory.pressure() >= Pressure::TurningAway {
        worker.counts.overloads.add(1);
        // over TLS nothing can be said without a handshake, which would be one more
        return if config.tls.get().is_none() {
            turn_away(worker, &stream)
        };
    }
    if let Err(error) = stream.set_nodelay(true) {
        // the client has gone already
        tracing::debug!(%error, "cannot set up a connection");
        return;
    }
    let open = Open::new(worker);
    let worker = Rc::clone(worker);
    // an IPv4 client of an IPv6 socket is the same client
    let address = peer.ip().to_canonical();
    let (h2c, proxied, terminator) = (config.h2c, config.proxy_protocol, config.tls.get());
    tokio::task::spawn_local(async move {
        let address = match proxied {
            true => proxy_header::client(&worker, &stream, address).await,
            false => Some(address),
        };
        let Some(address) = address else { return };
        let Some(terminator) = terminator else {
            speak(h2c, worker, Transport::Plain(stream), address, (Scheme::Http, None)).await;
            return drop(open);
        };
        if let Some((transport, shown)) = handshake(&worker, &terminator, stream).await {
            drop(terminator);
            let http2 = shown.alpn == Alpn::Http2;
            speak(http2, worker, transport, address, (Scheme::Https, Some(shown))).await;
        }
        drop(open);
    });
}

async fn speak(
    http2: bool,
    worker: Rc<Worker>,
    transport: Transport,
    address: IpAddr,
    security: (Scheme, Option<Rc<Secured>>),
) {
    if http2 {
        h2::serve(worker, transport, address, security).await;
    } else {
        h1::serve(worker, transport, address, security).await;
    }
}

/// Carries out a handshake in the time that one may take, if not too many are under way.
async fn handshake(
    worker: &Rc<Worker>,
    terminator: &Terminator,
    stream: TcpStream,
) -> Option<(Transport, Rc<Secured>)> {
    let counts = &worker.counts.handshakes;
    let under_way = Rc::clone(&worker.handshakes);
    if Rc::strong_count(&under_way) > TLS_HANDSHAKES_MAX + 1 {
        counts.fault(Fault::TooMany);
        return None;
    }
    let table = worker.table();
    let need = |name: Option<&str>| agreement::need(table.arrangement.inspector().policy(), name);
    let watch = worker.ticker.enroll();
    watch.arm(worker.timeouts.tls_handshake);
    // the state of a handshake is large, and gone with it
    let accepted = watch.within(Box::pin(terminator.accept(stream, need))).await;
    let fault = match accepted {
        Ok(Ok((stream, shown))) => {
            counts.done();
            return Some((Transport::secure(stream), Rc::new(shown)));
        }
        Ok(Err(fault)) => fault,
        Err(Late) => Fault::Late,
    };
    tracing::debug!(fault = fault.as_str(), "a TLS handshake came to nothing");
    counts.fault(fault);
    None
}

/// Tells a client in one write that it is one too many. Waiting for it would be one more
/// connection.
fn turn_away(worker: &Worker, stream: &TcpStream) {
    let ulid = worker.ulids.borrow_mut().next(wall_clock());
    let mut out = Vec::new();
    Answer::overloaded().render(&ulid).write(false, Connection::Close, &mut out);
    // a client that cannot take one packet learns it from the closed connection
    let _ = stream.try_write(&out);
}
