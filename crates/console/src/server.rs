//! The listener of the console: which path is whose, and the limits of connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::command::Command;
use crate::error::ConsoleError;
use crate::guard::Hosts;
use crate::session::Sessions;
use crate::view::View;
use crate::{api, asset, guard, live, page};

/// Connections at once; further ones wait.
const CONNECTIONS_MAX: usize = 256;

/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a form.
const FORM_BYTES_MAX: usize = 16 << 10;

/// How long whoever owns the findings may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long connections may take to end once the console stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// What the console must be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address that it listens on.
    pub address: SocketAddr,
    /// Further values of `Host` that it answers, as in `console.example:9440`.
    pub hosts: Vec<String>,
    /// URLs of the listeners that are guarded, for a page that has nothing to show yet.
    pub gateways: Vec<String>,
    /// The product's version.
    pub version: &'static str,
    /// How to get another start link, in one sentence.
    pub relink: String,
}

/// The console. Clones share sessions.
#[derive(Clone, Debug)]
pub struct Console {
    app: Arc<App>,
}

/// What every handler can reach.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) hosts: Hosts,
    pub(crate) sessions: Sessions,
    pub(crate) view: watch::Receiver<Arc<View>>,
    /// Live streams that may be open.
    pub(crate) streams: Arc<Semaphore>,
    commands: mpsc::Sender<Command>,
}

impl App {
    /// The view published last.
    pub(crate) fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// Asks for something and waits for the answer; an error is a sentence for the operator.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Command,
    ) -> Result<T, String> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.commands.send(command(reply)).await.ok()?;
            answer.await.ok()
        };
        match tokio::time::timeout(ANSWER_TIMEOUT, asked).await {
            Ok(Some(answer)) => answer,
            Ok(None) => Err("The part that keeps findings has stopped.".to_owned()),
            Err(_) => Err("The part that keeps findings is too busy to answer.".to_owned()),
        }
    }
}

impl Console {
    /// A console that shows what comes through `view` and asks through `commands`.
    ///
    /// # Errors
    /// When the address can be reached from other machines.
    pub fn new(
        settings: Settings,
        view: watch::Receiver<Arc<View>>,
        commands: mpsc::Sender<Command>,
    ) -> Result<Self, ConsoleError> {
        if !settings.address.ip().is_loopback() {
            return Err(ConsoleError::NotLoopback(settings.address));
        }
        let hosts = Hosts::new(settings.address.port(), &settings.hosts);
        let (sessions, streams) = (Sessions::default(), Arc::new(Semaphore::new(64)));
        Ok(Self { app: Arc::new(App { settings, hosts, sessions, view, streams, commands }) })
    }

    /// A link that signs in whoever opens it first, for 15 minutes. It is for the operator's
    /// terminal, not for logs.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn start_link(&self) -> Result<String, ConsoleError> {
        let code = self.app.sessions.start(Instant::now())?;
        Ok(format!("http://{}/start/{code}", self.app.settings.address))
    }

    /// Serves until `stop`, then lets connections end.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let router = self.router();
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let (stopping, stopped) = watch::channel(false);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&listener, &connections) => accepted,
            };
            let Some((stream, permit)) = accepted else { continue };
            let (router, stopped) = (router.clone(), stopped.clone());
            tokio::spawn(async move {
                connection(stream, router, stopped).await;
                drop(permit);
            });
        }
        let _ = stopping.send(true);
        let all = connections.acquire_many(CONNECTIONS_MAX as u32);
        // whoever holds a live stream open is cut off
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, all).await;
    }

    fn router(&self) -> Router {
        let inside = Router::new()
            .route("/", get(page::overview::show))
            .route("/inventory", get(page::inventory::show))
            .route("/inventory/{id}", get(page::endpoint::show))
            .route("/findings", get(page::findings::show))
            .route("/findings/{fingerprint}", get(page::finding::show))
            .route("/findings/{fingerprint}/status", post(page::finding::set_status))
            .route("/leave", post(page::start::leave))
            .route("/api/v1/endpoints", get(api::endpoints))
            .route("/api/v1/findings", get(api::findings))
            .route("/api/v1/overview", get(api::overview))
            .route("/api/v1/openapi.json", get(api::description))
            .route("/api/v1/events", get(live::events))
            .fallback(page::not_found)
            .method_not_allowed_fallback(page::method_not_allowed)
            .layer(from_fn_with_state(Arc::clone(&self.app), guard::signed_in));
        Router::new()
            .route("/start/{code}", get(page::start::show))
            .route("/asset/{name}", get(asset::serve))
            .merge(inside)
            .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
            .layer(from_fn_with_state(Arc::clone(&self.app), guard::outer))
            .with_state(Arc::clone(&self.app))
    }
}

/// The next connection, once one more may be open.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            tracing::warn!(%error, "the console could not accept a connection");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, router: Router, mut stopped: watch::Receiver<bool>) {
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = stop_of(&mut stopped) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection of the console ended early");
    }
}

/// Waits until the console stops.
async fn stop_of(stopped: &mut watch::Receiver<bool>) {
    // the sender is gone only when the console is
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
