//! A gateway in a test, an upstream that records every byte, and a client that sends any.
//!
//! Messages are read here by a naive reader of its own, so that the tests do not judge the
//! gateway's reading by itself.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use contract::{Contract, SourceDocument};
use exchange::observation::Observation;
use exchange::redact::Pseudonymizer;
use gateway::metrics::Metrics;
use gateway::outlet::{OutletReader, outlet};
use gateway::reload::Arrangement;
use gateway::{Gateway, GatewayConfig, Running};
use inspect::Inspector;
use inspect::detector::Detector;
use policy::document::Document;
use policy::{Policy, Revision};

const PATIENCE: Duration = Duration::from_secs(10);

/// What the contract of most tests declares.
pub(crate) const CONTRACT: &str = r#"
openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /items/{id}:
    get:
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer}}
      responses: {"200": {description: an item}}
  /items:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              additionalProperties: false
              required: [name]
              properties:
                name: {type: string, maxLength: 20}
                count: {type: integer}
      responses: {"201": {description: made}}
"#;

/// One message, as a naive reader sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Message {
    /// Every byte of the head.
    pub(crate) head: Vec<u8>,
    /// The start line.
    pub(crate) start: Vec<u8>,
    /// Names and values, in order; values without white space around them.
    pub(crate) fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, without its framing.
    pub(crate) body: Vec<u8>,
    /// The connection ended before the message did.
    pub(crate) truncated: bool,
}

impl Message {
    pub(crate) fn field(&self, name: &str) -> Option<&[u8]> {
        let named = |field: &&(Vec<u8>, Vec<u8>)| field.0.eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().find(named).map(|(_, value)| value.as_slice())
    }

    pub(crate) fn status(&self) -> u16 {
        let code = self.start.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        std::str::from_utf8(code).unwrap().parse().unwrap()
    }

    pub(crate) fn target(&self) -> &[u8] {
        self.start.split(|byte| *byte == b' ').nth(1).unwrap_or_default()
    }

    /// The fields that belong to the message and not to its connection or framing.
    pub(crate) fn end_to_end(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        const OURS: [&str; 8] = [
            "connection",
            "content-length",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
        ];
        let ours = |name: &[u8]| OURS.iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes()));
        self.fields.iter().filter(|(name, _)| !ours(name)).cloned().collect()
    }

    pub(crate) fn problem(&self) -> serde_json::Value {
        assert_eq!(self.field("content-type"), Some(b"application/problem+json".as_slice()));
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A socket with what was read from it and not yet used.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    unused: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unused: Vec::new() }
    }

    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads once; false at the end of the connection.
    fn more(&mut self) -> bool {
        let mut piece = [0; 65_536];
        match self.stream.read(&mut piece) {
            Ok(count) => {
                self.unused.extend_from_slice(&piece[..count]);
                count > 0
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("nothing came for {PATIENCE:?}; so far: {:?}", self.text())
            }
            Err(_) => false,
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.unused).into_owned()
    }

    /// Whether the other end closes without sending anything more.
    pub(crate) fn ends(&mut self) -> bool {
        while self.unused.is_empty() && self.more() {}
        self.unused.is_empty()
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.more() {}
        std::mem::take(&mut self.unused)
    }

    /// So many bytes.
    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        self.take(count).unwrap()
    }

    /// What has been read and not looked at.
    pub(crate) fn unused(&self) -> &[u8] {
        &self.unused
    }

    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.unused.len() < count {
            if !self.more() {
                return None;
            }
        }
        Some(self.unused.drain(..count).collect())
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.unused.windows(2).position(|pair| pair == b"\r\n") {
                let mut line = self.take(at + 2)?;
                line.truncate(at);
                return Some(line);
            }
            if !self.more() {
                return None;
            }
        }
    }

    fn head(&mut self) -> Option<Message> {
        let mut message = Message { start: self.line()?, ..Message::default() };
        message.head.extend_from_slice(&message.start);
        loop {
            let line = self.line()?;
            message.head.extend_from_slice(b"\r\n");
            message.head.extend_from_slice(&line);
            if line.is_empty() {
                return Some(message);
            }
            let colon = line.iter().position(|byte| *byte == b':').unwrap();
            let value = line[colon + 1..].trim_ascii().to_vec();
            message.fields.push((line[..colon].to_vec(), value));
        }
    }

    fn chunks(&mut self, body: &mut Vec<u8>) -> Option<()> {
        loop {
            let line = self.line()?;
            let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size = usize::from_str_radix(std::str::from_utf8(size).unwrap(), 16).unwrap();
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Some(());
            }
            body.extend(self.take(size)?);
            assert_eq!(self.line()?, b"");
        }
    }

    fn body(&mut self, message: &mut Message, until_close: bool) {
        let length = message
            .field("content-length")
            .map(|value| std::str::from_utf8(value).unwrap().parse::<usize>().unwrap());
        if message.field("transfer-encoding").is_some() {
            let mut body = Vec::new();
            message.truncated = self.chunks(&mut body).is_none();
            message.body = body;
        } else if let Some(length) = length {
            match self.take(length) {
                Some(body) => message.body = body,
                None => {
                    message.truncated = true;
                    message.body = std::mem::take(&mut self.unused);
                }
            }
        } else if until_close {
            message.body = self.rest();
        }
    }

    /// One request; `None` when the connection ends.
    pub(crate) fn request(&mut self) -> Option<Message> {
        let mut message = self.head()?;
        self.body(&mut message, false);
        Some(message)
    }

    /// One response, interim ones included.
    pub(crate) fn response(&mut self) -> Message {
        self.try_response(false).expect("a response")
    }

    /// The response to HEAD.
    pub(crate) fn response_to_head(&mut self) -> Message {
        self.try_response(true).expect("a response")
    }

    pub(crate) fn try_response(&mut self, to_head: bool) -> Option<Message> {
        let mut message = self.head()?;
        let bodiless = to_head || matches!(message.status(), 100..=199 | 204 | 304);
        if !bodiless {
            self.body(&mut message, true);
        }
        Some(message)
    }

    pub(crate) fn ask(&mut self, bytes: &[u8]) -> Message {
        self.send(bytes);
        self.response()
    }
}

/// An upstream that records what it is sent.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Message>>>,
    connections: Arc<Mutex<usize>>,
}

impl Upstream {
    /// Answers every request with what `answer` writes; closes when it returns false.
    pub(crate) fn start(
        answer: impl Fn(&Message, &mut Wire) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::raw(move |wire, requests| {
            while let Some(request) = wire.request() {
                requests.lock().unwrap().push(request.clone());
                if !answer(&request, wire) {
                    break;
                }
            }
        })
    }

    /// Answers every request with the same bytes.
    pub(crate) fn says(bytes: &'static [u8]) -> Self {
        Self::start(move |_, wire| wire.stream.write_all(bytes).is_ok())
    }

    /// Does what `serve` does with each connection.
    pub(crate) fn raw(
        serve: impl Fn(&mut Wire, &Mutex<Vec<Message>>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (log, count, serve) =
            (Arc::clone(&requests), Arc::clone(&connections), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { break };
                *count.lock().unwrap() += 1;
                let (log, serve) = (Arc::clone(&log), Arc::clone(&serve));
                thread::spawn(move || {
                    let mut wire = Wire::new(stream);
                    wire.stream.set_read_timeout(None).unwrap();
                    serve(&mut wire, &log);
                });
            }
        });
        Self { address, requests, connections }
    }

    pub(crate) fn requests(&self) -> Vec<Message> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

pub(crate) const OK: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";

/// A gateway in front of an upstream.
pub(crate) struct Fixture {
    pub(crate) running: Option<Running>,
    pub(crate) metrics: Arc<Metrics>,
    reader: OutletReader,
    seen: Vec<Observation>,
}

/// Settings in which `extra` belongs to the service.
pub(crate) fn settings(mode: &str, upstream: SocketAddr, extra: &str) -> String {
    format!(
        "mode = \"{mode}\"\n[services.shop]\nupstreams = [\"http://{upstream}\"]\n\
         spec = \"openapi.yaml\"\n{extra}\n"
    )
}

/// What settings mean, with [`CONTRACT`] as the contract of every service that names one.
pub(crate) fn arrangement(settings: &str) -> Arrangement {
    arrangement_of(settings, |inspector| inspector)
}

fn arrangement_of(settings: &str, change: impl FnOnce(Inspector) -> Inspector) -> Arrangement {
    let document = Document::read(settings).unwrap();
    let source = SourceDocument { name: "openapi.yaml".to_owned(), text: CONTRACT.to_owned() };
    let contract = Arc::new(Contract::from_documents(&[source]).unwrap());
    let contracts: BTreeMap<String, Arc<Contract>> = document
        .services
        .iter()
        .filter(|service| !service.spec.is_empty())
        .map(|service| (service.name.value.clone(), Arc::clone(&contract)))
        .collect();
    let policy = Policy::resolve(&document, &contracts, Revision::of([settings])).unwrap();
    let upstreams = document.services.iter().map(|service| service.upstreams.clone()).collect();
    let inspector = Inspector::compile(Arc::new(policy), Pseudonymizer::new(&[7; 16]));
    Arrangement::new(Arc::new(change(inspector)), upstreams).unwrap()
}

impl Fixture {
    pub(crate) fn new(settings: &str) -> Self {
        Self::with(settings, |_| {})
    }

    pub(crate) fn with(settings: &str, change: impl FnOnce(&mut GatewayConfig)) -> Self {
        Self::over(arrangement(settings), change)
    }

    /// With one more detector than the catalogue's.
    pub(crate) fn detecting(settings: &str, detector: &'static dyn Detector) -> Self {
        let changed = arrangement_of(settings, |inspector| inspector.with_detector(detector));
        Self::over(changed, |_| {})
    }

    fn over(arrangement: Arrangement, change: impl FnOnce(&mut GatewayConfig)) -> Self {
        let (outlet, reader) = outlet();
        let metrics = Arc::new(Metrics::new(outlet.clone()));
        let mut config = GatewayConfig::new([SocketAddr::from(([127, 0, 0, 1], 0))], 1);
        change(&mut config);
        let running = Gateway::start(&config, arrangement, &outlet, &metrics).unwrap();
        Self { running: Some(running), metrics, reader, seen: Vec::new() }
    }

    pub(crate) fn observing(upstream: &Upstream) -> Self {
        Self::new(&settings("observe", upstream.address, ""))
    }

    pub(crate) fn blocking(upstream: &Upstream) -> Self {
        Self::new(&settings("block", upstream.address, ""))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.as_ref().unwrap().local_addrs()[0]
    }

    pub(crate) fn client(&self) -> Wire {
        Wire::connect(self.address())
    }

    /// The first `count` observations.
    pub(crate) fn observations(&mut self, count: usize) -> &[Observation] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            while self.seen.len() < count {
                let most = count - self.seen.len();
                let received = self.reader.recv_batch(most, &mut self.seen);
                let got = tokio::time::timeout(PATIENCE, received).await.expect("an observation");
                assert!(got > 0, "the outlet is closed after {} of {count}", self.seen.len());
            }
        });
        &self.seen
    }

    /// The value of a metric's line that begins with `start`; 0 without one.
    pub(crate) fn metric(&self, start: &str) -> u64 {
        let text = self.metrics.expose();
        let line = text.lines().find(|line| line.starts_with(start));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
    }

    /// Waits until a metric has a value.
    pub(crate) fn wait_for(&self, start: &str, value: u64) {
        let begun = Instant::now();
        while self.metric(start) != value {
            assert!(begun.elapsed() < PATIENCE, "{start} is {}", self.metric(start));
            thread::sleep(Duration::from_millis(5));
        }
    }
}
