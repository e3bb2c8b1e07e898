//! One visitor's connection to the gateway: a real socket with an address of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpSocket;

/// The name by which visitors know the shop.
pub(super) const HOST: &str = "api.shop.example";

/// An answer that takes longer than this will not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    body: Bytes,
}

impl Answer {
    /// The text at a JSON pointer of the body.
    pub(super) fn text(&self, pointer: &str) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body.pointer(pointer)?.as_str().map(str::to_owned)
    }

    /// The number at a JSON pointer of the body.
    pub(super) fn number(&self, pointer: &str) -> Option<u64> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body.pointer(pointer)?.as_u64()
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) body: Option<Value>,
    pub(super) fields: Vec<(&'a str, String)>,
}

/// A client with keep-alive.
#[derive(Debug)]
pub(super) struct Caller {
    gateway: SocketAddr,
    from: Ipv4Addr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Caller {
    pub(super) fn new(gateway: SocketAddr, from: Ipv4Addr) -> Self {
        Self { gateway, from, sender: None }
    }

    /// Asks and waits for the whole answer. A connection that the gateway has closed while the
    /// visitor was thinking is made anew.
    pub(super) async fn ask(&mut self, ask: &Ask<'_>) -> anyhow::Result<Answer> {
        let told = || format!("{} {} got no answer", ask.method, ask.target);
        let answer = tokio::time::timeout(PATIENCE, self.exchange(ask));
        answer.await.with_context(told)?.with_context(told)
    }

    async fn exchange(&mut self, ask: &Ask<'_>) -> anyhow::Result<Answer> {
        let mut sender = match self.kept().await {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let response = match sender.send_request(request(ask)?).await {
            // closed between the two lines above: nothing has been sent
            Err(error) if error.is_canceled() => {
                sender = self.connect().await?;
                sender.send_request(request(ask)?).await
            }
            other => other,
        }?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        self.sender = Some(sender);
        Ok(Answer { status, body })
    }

    /// The connection of the request before, if it is still open.
    async fn kept(&mut self) -> Option<SendRequest<Full<Bytes>>> {
        let mut sender = self.sender.take()?;
        sender.ready().await.ok()?;
        Some(sender)
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let socket = TcpSocket::new_v4()?;
        // all of 127.0.0.0/8 is at home on Linux; elsewhere everybody speaks from one address
        socket.bind(SocketAddr::from((self.from, 0))).ok();
        let stream = socket.connect(self.gateway).await.context("cannot reach the gateway")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn request(ask: &Ask<'_>) -> anyhow::Result<Request<Full<Bytes>>> {
    let mut request = Request::builder().method(ask.method).uri(ask.target).header("host", HOST);
    for (name, value) in &ask.fields {
        request = request.header(*name, value);
    }
    let body = match &ask.body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Bytes::from(body.to_string())
        }
        None => Bytes::new(),
    };
    request.body(Full::new(body)).map_err(|error| anyhow!("cannot ask {}: {error}", ask.target))
}
