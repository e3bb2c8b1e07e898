//! The telemetry listener: `/livez`, `/readyz`, `/metrics`, on a thread of its own, so that it
//! answers when every worker is busy.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use crate::error::GatewayError;
use crate::limits::ACCEPT_PAUSE;
use crate::metrics::Metrics;

/// Connections at once: scrapers and probes are few.
const CONNECTIONS_MAX: usize = 64;

/// How long a client may take for the head of its request.
const HEAD: Duration = Duration::from_secs(10);

/// The media type of the OpenMetrics text format.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The telemetry listener, running. Dropping it stops it.
#[derive(Debug)]
pub struct Telemetry {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Telemetry {
    /// Listens on `bind` and tells what `metrics` knows.
    ///
    /// # Errors
    /// What kept it from starting.
    pub fn start(bind: SocketAddr, metrics: Arc<Metrics>) -> Result<Self, GatewayError> {
        let listen = |source| GatewayError::Listen { address: bind, source };
        Self::serve(std::net::TcpListener::bind(bind).map_err(listen)?, metrics)
    }

    /// Like [`Telemetry::start`], on a socket that is listening already.
    ///
    /// # Errors
    /// What kept it from starting.
    pub fn serve(
        socket: std::net::TcpListener,
        metrics: Arc<Metrics>,
    ) -> Result<Self, GatewayError> {
        socket.set_nonblocking(true).map_err(GatewayError::Worker)?;
        let address = socket.local_addr().map_err(GatewayError::Worker)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(GatewayError::Worker)?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(socket).map_err(GatewayError::Worker)?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        never = accept(listener, metrics) => match never {},
                        _ = stopped => {}
                    }
                });
            })
            .map_err(GatewayError::Worker)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Answers no more.
    pub fn stop(&mut self) {
        // the thread ends when the sender is gone
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // a panic there has been reported and concerns nobody here
            let _ = thread.join();
        }
    }

    /// The address that is listened on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        Self::stop(self);
    }
}

async fn accept(listener: TcpListener, metrics: Arc<Metrics>) -> Infallible {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a telemetry connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let metrics = Arc::clone(&metrics);
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let response = respond(request.method(), request.uri(), &metrics);
                async { Ok::<_, Infallible>(response) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a telemetry connection broke off");
            }
            drop(permit);
        });
    }
}

fn respond(method: &Method, uri: &http::Uri, metrics: &Metrics) -> Response<Full<Bytes>> {
    let verbose = uri.query().is_some_and(|query| query.split('&').any(|part| part == "verbose"));
    let known = matches!(uri.path(), "/livez" | "/readyz" | "/healthz" | "/metrics");
    if known && method != Method::GET && method != Method::HEAD {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n".to_owned());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match uri.path() {
        "/livez" | "/healthz" => text(StatusCode::OK, "ok\n".to_owned()),
        "/readyz" => ready(metrics, verbose),
        "/metrics" => {
            let mut response = text(StatusCode::OK, metrics.expose());
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPENMETRICS));
            response
        }
        _ => text(StatusCode::NOT_FOUND, "not found\n".to_owned()),
    }
}

/// Ready is who accepts traffic. Settings that could not be taken are told, and do no harm to it.
fn ready(metrics: &Metrics, verbose: bool) -> Response<Full<Bytes>> {
    let ready = metrics.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut body = String::from(if ready { "ok\n" } else { "not accepting traffic\n" });
    if verbose {
        let mark = |good| if good { "[+]" } else { "[-]" };
        let reloaded = metrics.last_reload_succeeded();
        let settings = if reloaded { "in force" } else { "not taken; the old ones are in force" };
        body = format!(
            "{} traffic {}{} settings read last are {settings}\n",
            mark(ready),
            body,
            mark(reloaded)
        );
    }
    text(status, body)
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
