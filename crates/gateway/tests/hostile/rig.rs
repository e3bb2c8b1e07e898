//! A gateway between a client that sends any bytes and an upstream that records all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use contract::{Contract, SourceDocument};
use exchange::observation::Observation;
use exchange::redact::{Pseudonym, Pseudonymizer};
use exchange::rule::Family as RuleFamily;
use gateway::limits::Timeouts;
use gateway::metrics::Metrics;
use gateway::outlet::{OutletReader, outlet};
use gateway::reload::Arrangement;
use gateway::{Gateway, GatewayConfig};
use inspect::Inspector;
use policy::document::Document;
use policy::{Policy, Revision};

use crate::case::{Act, Case, Fate};
use crate::resources::{Cost, Meter};

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between pieces, and in a script's pauses: long enough that each arrives by itself.
const PAUSE: Duration = Duration::from_millis(25);

/// Pauses without a byte after which no more is expected at the upstream.
const QUIET_PAUSES: usize = 20;

/// How long a connection on which nothing comes any more is looked at.
const QUIET: Duration = Duration::from_millis(60);

/// Room for what a client receives: growing would copy, and count as the gateway's memory.
const RECEIVED_BYTES: usize = 32 << 20;

/// Under which addresses are named.
const KEY: [u8; 16] = [7; 16];

const CONTRACT: &str = include_str!("contract.yaml");

/// What came of a case.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) statuses: Vec<u16>,
    pub(crate) fate: Fate,
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) received: Vec<u8>,
    pub(crate) reasons: Vec<String>,
    pub(crate) findings: Vec<String>,
    pub(crate) clients: Vec<Pseudonym>,
    pub(crate) cost: Cost,
}

/// Runs a case under these settings, in which `UPSTREAM` stands for the upstream's address.
pub(crate) fn run(case: &Case, settings: &str) -> Outcome {
    let upstream = Upstream::start(case);
    let settings = settings.replace("UPSTREAM", &upstream.address.to_string());
    let arrangement = arrangement(&settings);
    let meter = Meter::start();
    let (outlet, reader) = outlet();
    let metrics = Arc::new(Metrics::new(outlet.clone()));
    let anywhere: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let mut config = GatewayConfig::new([anywhere], 1);
    if case.hurried {
        let short = Duration::from_millis(300);
        config.timeouts = Timeouts { stall: short, response_head: short, ..config.timeouts };
    }
    let running = Gateway::start(&config, arrangement, &outlet, &metrics).unwrap();
    let mut client = Client::connect(running.local_addrs()[0]);
    client.talk(case);
    let sent = upstream.sent(&case.sent);
    let fate = client.fate.unwrap_or_else(|| client.lives(case));
    drop(client.stream);
    let held: usize = case.input.iter().map(Vec::len).sum();
    let held = held + client.received.len() + sent.iter().map(Vec::len).sum::<usize>();
    let cost = meter.stop(held);
    running.drain(PATIENCE);
    let reasons = reasons(&metrics);
    drop((outlet, metrics));
    let seen = observations(reader);
    Outcome {
        statuses: statuses(&client.received, case).0,
        fate,
        sent,
        received: client.received,
        reasons,
        findings: findings(&seen),
        clients: seen.iter().filter_map(|seen| seen.client).collect(),
        cost,
    }
}

fn arrangement(settings: &str) -> Arrangement {
    let document = Document::read(settings).unwrap_or_else(|errors| panic!("{errors:?}"));
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
    let inspector = Inspector::compile(Arc::new(policy), Pseudonymizer::new(&KEY));
    Arrangement::new(Arc::new(inspector), upstreams).unwrap()
}

/// The reasons for which bytes were refused, as the metrics count them.
fn reasons(metrics: &Metrics) -> Vec<String> {
    let text = metrics.expose();
    let lines = text.lines().filter_map(|line| {
        line.strip_prefix("palisade_wire_refusals_total{reason=\"")?.split_once("\"} ")
    });
    let counted = lines.filter(|(_, count)| *count != "0");
    counted.flat_map(|(reason, count)| vec![reason.to_owned(); count.parse().unwrap()]).collect()
}

/// All that the gateway reported.
fn observations(mut reader: OutletReader) -> Vec<Observation> {
    let mut seen: Vec<Observation> = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        // nobody can write any more
        let received = async { while reader.recv_batch(1_000, &mut seen).await > 0 {} };
        tokio::time::timeout(PATIENCE, received).await.unwrap();
    });
    seen
}

/// The rules about bytes on the wire that any exchange was reported under.
fn findings(seen: &[Observation]) -> Vec<String> {
    let signals = seen.iter().flat_map(|seen| &seen.signals);
    let wire = signals.filter(|signal| signal.rule.family() == RuleFamily::Wire);
    wire.map(|signal| signal.rule.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Stands for an address in what the gateway reports.
pub(crate) fn pseudonym(address: IpAddr) -> Pseudonym {
    let pseudonymizer = Pseudonymizer::new(&KEY);
    match address {
        IpAddr::V4(address) => pseudonymizer.of("address", &address.octets()),
        IpAddr::V6(address) => pseudonymizer.of("address", &address.octets()),
    }
}

/// A client that takes what comes.
struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    fate: Option<Fate>,
}

impl Client {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(QUIET)).unwrap();
        Self { stream, received: Vec::with_capacity(RECEIVED_BYTES), fate: None }
    }

    /// Sends the input, reads all that comes of it, and sees what becomes of the connection.
    fn talk(&mut self, case: &Case) {
        let mut writer = self.stream.try_clone().unwrap();
        let (input, finishes) = (case.input.clone(), case.finishes);
        let writing = thread::spawn(move || {
            for (at, piece) in input.iter().enumerate() {
                if at > 0 {
                    thread::sleep(PAUSE);
                }
                // a gateway that has refused need not read the rest
                if writer.write_all(piece).is_err() {
                    return;
                }
            }
            if finishes {
                let _ = writer.shutdown(Shutdown::Write);
            }
        });
        let begun = Instant::now();
        let mut piece = vec![0; 65_536];
        while self.fate.is_none() {
            match self.stream.read(&mut piece) {
                Ok(0) => self.fate = Some(Fate::Closes),
                Ok(count) => self.received.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let (statuses, whole) = statuses(&self.received, case);
                    if writing.is_finished() && whole && statuses.len() >= case.statuses.len() {
                        break;
                    }
                    assert!(begun.elapsed() < PATIENCE, "{}: {:?}", case.id, self.shown());
                }
                Err(_) => self.fate = Some(Fate::Resets),
            }
        }
        writing.join().unwrap();
    }

    /// Whether the connection carries another request: one that the gateway answers by itself.
    fn lives(&mut self, case: &Case) -> Fate {
        if case.statuses.is_empty() {
            return Fate::Lives;
        }
        let mut piece = [0; 4_096];
        self.stream.write_all(b"OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n").unwrap();
        let begun = Instant::now();
        loop {
            match self.stream.read(&mut piece) {
                Ok(count) if find(&piece[..count], b"\r\nAllow: GET").is_some() => {
                    return Fate::Lives;
                }
                Ok(0) => return Fate::Closes,
                Ok(count) => panic!("{}: {}", case.id, piece[..count].escape_ascii()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(begun.elapsed() < PATIENCE, "{}: {:?}", case.id, self.shown());
                }
                Err(_) => return Fate::Resets,
            }
        }
    }

    fn shown(&self) -> String {
        let end = self.received.len().min(2_000);
        self.received[..end].escape_ascii().to_string()
    }
}

/// The statuses of all responses, and whether the last one is whole.
fn statuses(received: &[u8], case: &Case) -> (Vec<u16>, bool) {
    let to_head = case.input.first().is_some_and(|piece| piece.starts_with(b"HEAD "));
    let mut statuses = Vec::new();
    let mut rest = received;
    while let Some(end) = find(rest, b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&rest[..end]).to_ascii_lowercase();
        let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
        let bodiless = to_head || matches!(status, 100..=199 | 204 | 304);
        let length = head.split("\r\ncontent-length: ").nth(1);
        let length = length.map(|rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        let chunked = head.contains("\r\ntransfer-encoding: chunked");
        statuses.push(status);
        rest = &rest[end + 4..];
        if bodiless {
            continue;
        }
        let body = match (length, chunked) {
            (Some(length), _) => Some(length),
            (None, true) => find(rest, b"0\r\n\r\n").map(|at| at + 5),
            (None, false) => None,
        };
        match body.and_then(|length: usize| rest.get(length..)) {
            Some(behind) => rest = behind,
            None => return (statuses, false),
        }
    }
    (statuses, rest.is_empty())
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

/// An upstream that follows a script and records what it is sent.
struct Upstream {
    address: SocketAddr,
    records: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Upstream {
    fn start(case: &Case) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let records: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let shared = Arc::clone(&records);
        let (script, early) = (Arc::clone(&case.script), case.early);
        let next = Arc::new(Mutex::new(0));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { break };
                let number = {
                    let mut records = shared.lock().unwrap();
                    records.push(Vec::new());
                    records.len() - 1
                };
                let serving = Serving {
                    stream,
                    number,
                    records: Arc::clone(&shared),
                    script: Arc::clone(&script),
                    next: Arc::clone(&next),
                    early,
                };
                thread::spawn(move || serving.run());
            }
        });
        Self { address, records }
    }

    /// What has come when it is what is expected, or when nothing more comes.
    fn sent(&self, expected: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut before = Vec::new();
        let mut quiet = 0;
        loop {
            thread::sleep(PAUSE);
            let now = self.records.lock().unwrap().clone();
            quiet = if now == before { quiet + 1 } else { 0 };
            if now == expected || quiet == QUIET_PAUSES {
                return now;
            }
            before = now;
        }
    }
}

/// One connection to the upstream.
struct Serving {
    stream: TcpStream,
    number: usize,
    records: Arc<Mutex<Vec<Vec<u8>>>>,
    script: Arc<[Vec<Act>]>,
    next: Arc<Mutex<usize>>,
    early: bool,
}

impl Serving {
    fn run(mut self) {
        let mut unread = Vec::new();
        let mut piece = vec![0; 65_536];
        while let Ok(count @ 1..) = self.stream.read(&mut piece) {
            self.records.lock().unwrap()[self.number].extend_from_slice(&piece[..count]);
            unread.extend_from_slice(&piece[..count]);
            while let Some(end) = request_end(&unread, self.early) {
                unread.drain(..end);
                if !self.answer() {
                    return;
                }
            }
        }
    }

    /// Plays the next script; false when the connection has ended by it.
    fn answer(&mut self) -> bool {
        let at = {
            let mut next = self.next.lock().unwrap();
            *next += 1;
            (*next - 1).min(self.script.len() - 1)
        };
        for act in &self.script[at] {
            match act {
                Act::Write(bytes) => {
                    if self.stream.write_all(bytes).is_err() {
                        return false;
                    }
                }
                Act::Pause => thread::sleep(PAUSE),
                Act::Close => {
                    let _ = self.stream.shutdown(Shutdown::Both);
                    return false;
                }
                Act::Reset => {
                    let socket = socket2::SockRef::from(&self.stream);
                    socket.set_linger(Some(Duration::ZERO)).unwrap();
                    return false;
                }
            }
        }
        true
    }
}

/// Where the first request in `bytes` ends, for a reader that believes what it is told.
fn request_end(bytes: &[u8], early: bool) -> Option<usize> {
    let head_end = find(bytes, b"\r\n\r\n")? + 4;
    if early {
        // what comes of the body is recorded and not answered
        return Some(bytes.len());
    }
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_ascii_lowercase();
    if head.contains("\r\ntransfer-encoding: chunked") {
        let body = &bytes[head_end..];
        let last = if body.starts_with(b"0\r\n") { 0 } else { find(body, b"\r\n0\r\n")? + 2 };
        return find(&body[last..], b"\r\n\r\n").map(|at| head_end + last + at + 4);
    }
    let length = head
        .split("\r\ncontent-length: ")
        .nth(1)
        .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
    (bytes.len() >= head_end + length).then_some(head_end + length)
}
