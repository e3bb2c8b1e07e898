//! The fake shop: a plain HTTP/1.1 server on a free port of this machine, with data made from the
//! seed. It is what stands behind the gateway, flaws included.

mod account;
mod catalog;
mod office;
mod route;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use self::account::Account;
use super::world::World;

/// Bytes of a request's body that the shop reads; its forms need a fraction of it.
const BODY_BYTES_MAX: usize = 64 << 10;

/// What the shop knows, and what has happened since it opened.
#[derive(Debug)]
struct Shop {
    world: Arc<World>,
    /// Whose each token and session is.
    credentials: BTreeMap<String, usize>,
    /// One for each customer.
    accounts: Mutex<Vec<Account>>,
}

impl Shop {
    fn new(world: Arc<World>) -> Self {
        let mut credentials = BTreeMap::new();
        for (index, customer) in world.customers.iter().enumerate() {
            let issued = customer.tokens.iter().chain([&customer.session]);
            credentials.extend(issued.map(|credential| (credential.clone(), index)));
        }
        let accounts = world.customers.iter().map(|_| Account::default()).collect();
        Self { world, credentials, accounts: Mutex::new(accounts) }
    }
}

/// What a route answers from.
struct Call<'c> {
    shop: &'c Shop,
    /// What stood in the place of the template's parameters.
    captures: Vec<&'c str>,
    query: &'c str,
    /// The body as JSON; `null` where it is none.
    body: &'c Value,
    /// The customer whose credential was shown.
    customer: Option<usize>,
    /// The partner whose key was shown.
    partner: Option<usize>,
}

impl Call<'_> {
    fn world(&self) -> &World {
        &self.shop.world
    }

    fn capture(&self, at: usize) -> &str {
        self.captures.get(at).copied().unwrap_or_default()
    }

    /// A parameter of the query, as it was sent.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Reads or changes what the shop has noted of a customer.
    fn account<T>(&self, customer: usize, act: impl FnOnce(&mut Account) -> T) -> Option<T> {
        let mut accounts = self.shop.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.get_mut(customer).map(act)
    }
}

/// What a route answers.
struct Reply {
    status: u16,
    body: Option<Value>,
    fields: Vec<(&'static str, String)>,
}

impl Reply {
    fn with(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), fields: Vec::new() }
    }

    fn ok(body: Value) -> Self {
        Self::with(200, body)
    }

    fn empty() -> Self {
        Self { status: 204, body: None, fields: Vec::new() }
    }

    fn problem(status: u16, what: &str) -> Self {
        Self::with(status, serde_json::json!({ "error": what }))
    }

    fn field(mut self, name: &'static str, value: String) -> Self {
        self.fields.push((name, value));
        self
    }
}

/// The open shop; closes when it is dropped.
pub(super) struct OpenShop {
    pub(super) address: SocketAddr,
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OpenShop {
    /// Opens the shop on a free port of the loopback interface, in a thread of its own.
    pub(super) fn open(world: Arc<World>) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .context("the shop found no free port on 127.0.0.1")?;
        let address = listener.local_addr().context("the shop's port is gone")?;
        let (close, closed) = oneshot::channel();
        let shop = Arc::new(Shop::new(world));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("shop".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, shop) => {}
                    _ = closed => {}
                }
            });
        })?;
        Ok(Self { address, close: Some(close), thread: Some(thread) })
    }
}

impl Drop for OpenShop {
    fn drop(&mut self) {
        if let Some(close) = self.close.take() {
            close.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

async fn serve(listener: std::net::TcpListener, shop: Arc<Shop>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&shop)));
            }
            // too many open files, say: others must close theirs first
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn connection(stream: TcpStream, shop: Arc<Shop>) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| {
        let shop = Arc::clone(&shop);
        async move { Ok::<_, Infallible>(exchange(&shop, request).await) }
    });
    // a connection that breaks is the other side's business
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn exchange(shop: &Shop, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let reply = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => {
            let body = serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null);
            route::answer(shop, &head, &body)
        }
        Err(_) => Reply::problem(413, "too much"),
    };
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.fields {
        response = response.header(name, value);
    }
    let body = match &reply.body {
        Some(body) => {
            response = response.header("content-type", "application/json");
            Bytes::from(body.to_string())
        }
        None => Bytes::new(),
    };
    response.body(Full::new(body)).unwrap_or_default()
}
