//! The same exchanges through every door give the same observations: recorded, and live through
//! the gateway on loopback, cut into many sizes.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use contract::{Contract, SourceDocument};
use exchange::body::Body;
use exchange::observation::Observation;
use exchange::peer::Peer;
use exchange::recording::{Reader, Recorded};
use exchange::redact::Pseudonymizer;
use gateway::metrics::Metrics;
use gateway::outlet::{OutletReader, outlet};
use gateway::reload::Arrangement;
use gateway::{Gateway, GatewayConfig, Running};
use inspect::Inspector;
use policy::Policy;
use policy::document::upstreams::{Protocol, Scheme, Upstream, Upstreams};
use wire::{BodyLimits, BodyReader, Framing, HeadLimits, Parsed, Profile, RequestHead};

/// Exchanges of the corpus, and pieces that each is cut into on its way through the gateway.
const EXCHANGES: usize = 600;
const CUTS: [usize; 4] = [usize::MAX, 1, 13, 512];

/// What is written on the two sides of the gateway for one recorded exchange.
struct Script {
    request: Vec<u8>,
    response: Vec<u8>,
    expected: Observation,
}

#[test]
fn every_door_gives_the_same_observations() {
    let inspector = inspector();
    let scripts = corpus(&inspector);
    assert_eq!(scripts.len(), EXCHANGES, "the corpus has shrunk or grown");
    let upstream = ScriptedUpstream::start();
    let (running, mut outlet) = gateway(&inspector, upstream.address);
    let address = running.local_addrs()[0];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut compared = 0;
    for (at, script) in scripts.iter().enumerate() {
        let cut = CUTS[at % CUTS.len()];
        upstream.next.send((script.response.clone(), cut)).unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        client.set_nodelay(true).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write_cut(&mut client, &script.request, cut);
        let mut answer = Vec::new();
        if let Err(error) = client.read_to_end(&mut answer) {
            let sent = String::from_utf8_lossy(&script.request);
            panic!("exchange {at}, cut at {cut}: {error}\n{sent}");
        }
        let mut batch = Vec::new();
        runtime.block_on(outlet.recv_batch(1, &mut batch));
        let live = timeless(batch.pop().expect("one observation for one exchange"));
        assert_eq!(live, script.expected, "exchange {at}, cut at {cut}");
        compared += 1;
    }
    assert_eq!(compared, EXCHANGES);
    running.drain(Duration::from_secs(5));
}

fn inspector() -> Arc<Inspector> {
    let path = data("vampi-capture/openapi3.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    let source = SourceDocument { name: path.display().to_string(), text };
    let contract = Arc::new(Contract::from_documents(&[source]).unwrap());
    let policy = Arc::new(Policy::for_recordings(Some(contract)));
    Arc::new(Inspector::compile(policy, Pseudonymizer::new(&[3; 16])))
}

fn gateway(inspector: &Arc<Inspector>, upstream: SocketAddr) -> (Running, OutletReader) {
    let (sender, reader) = outlet();
    let target = Upstream {
        scheme: Scheme::Http,
        protocol: Protocol::Http1,
        host: upstream.ip().to_string(),
        port: upstream.port(),
    };
    let upstreams = Upstreams { targets: vec![target], ..Upstreams::default() };
    let arrangement = Arrangement::new(Arc::clone(inspector), vec![upstreams]).unwrap();
    let config = GatewayConfig::new(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))], 1);
    let metrics = Arc::new(Metrics::new(sender.clone()));
    (Gateway::start(&config, arrangement, &sender, &metrics).unwrap(), reader)
}

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path)
}

/// Recorded exchanges that can be sent again: with both bodies, over plain HTTP.
fn corpus(inspector: &Arc<Inspector>) -> Vec<Script> {
    let mut files: Vec<PathBuf> = Vec::new();
    for directory in ["vampi-capture", "recorded-traffic", "har-samples"] {
        collect(&data(directory), &mut files);
    }
    files.sort();
    let mut scripts = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut reader = Reader::new(&name);
        let bytes = read(&file);
        // a share of every file, so that none crowds out the others
        let mut of_this_file = 0;
        let mut each = |recorded: Recorded<'_>| {
            if of_this_file < 60
                && scripts.len() < EXCHANGES
                && let Some(script) = script(inspector, recorded)
            {
                scripts.push(script);
                of_this_file += 1;
            }
        };
        reader.push(&bytes, &mut each);
        reader.finish(&mut each);
    }
    scripts
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.to_string_lossy().contains(".har") {
            files.push(path);
        }
    }
}

fn read(file: &Path) -> Vec<u8> {
    let bytes = std::fs::read(file).unwrap();
    if !bytes.starts_with(b"\x1f\x8b") {
        return bytes;
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
    plain
}

fn script(inspector: &Arc<Inspector>, mut recorded: Recorded<'_>) -> Option<Script> {
    let response_head = recorded.response?;
    let request_body = whole(recorded.request_body)?;
    let bodyless = matches!(response_head.status, 100..=199 | 204 | 304)
        || recorded.request.method == exchange::endpoint::Method::Head;
    let response_body = match whole(recorded.response_body) {
        Some(body) if !bodyless || body.is_empty() => body,
        _ => return None,
    };
    let method = recorded.request.method.as_str();
    if method == "OTHER" || method == "CONNECT" || response_head.status < 200 {
        return None;
    }
    if recorded.request.host.is_empty() || recorded.request.host.contains(':') {
        return None;
    }
    let query = recorded.request.query.raw();
    let mut request = format!("{method} {}", recorded.request.path.as_str()).into_bytes();
    if !query.is_empty() {
        request.push(b'?');
        request.extend_from_slice(query);
    }
    request.extend_from_slice(b" HTTP/1.1\r\n");
    request.extend_from_slice(format!("Host: {}\r\n", recorded.request.host).as_bytes());
    append_fields(&mut request, recorded.request.fields);
    request.extend_from_slice(b"Connection: close\r\n");
    if !request_body.is_empty() {
        append_length(&mut request, request_body.len());
    }
    request.extend_from_slice(b"\r\n");
    request.extend_from_slice(request_body);
    let mut response = format!("HTTP/1.1 {} Recorded\r\n", response_head.status).into_bytes();
    append_fields(&mut response, response_head.fields);
    if !bodyless {
        append_length(&mut response, response_body.len());
    }
    response.extend_from_slice(b"\r\n");
    response.extend_from_slice(response_body);
    if !acceptable(&request) {
        return None;
    }
    // the live peer is the test itself, and what a recording says of users no wire carries
    recorded.peer = Peer { address: Some(IpAddr::from(Ipv4Addr::LOCALHOST)), ..Peer::default() };
    Some(Script { request, response, expected: timeless(palisade::observe(inspector, recorded)) })
}

fn whole<'b>(body: Body<'b>) -> Option<&'b [u8]> {
    match body {
        Body::Whole(body) => Some(body),
        Body::Absent(exchange::body::Why::Empty) => Some(b""),
        Body::Absent(_) | Body::Partial(_) => None,
    }
}

/// Fields that speak of the connection they were recorded on stay behind.
fn append_fields(out: &mut Vec<u8>, fields: &wire::Fields) {
    const LEFT_OUT: [&str; 10] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    for (name, value) in fields.iter() {
        let left_out = LEFT_OUT.iter().any(|one| name.eq_ignore_ascii_case(one.as_bytes()));
        if !left_out && !name.starts_with(b":") {
            out.extend_from_slice(name);
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn append_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
}

/// True for what may stand on a wire: some recorded heads never did in this form.
fn acceptable(request: &[u8]) -> bool {
    let mut head = RequestHead::new();
    let parsed =
        wire::request::parse_head(request, &HeadLimits::request(), Profile::Observe, &mut head);
    matches!(parsed, Ok(Parsed::Complete { .. }))
}

/// Times differ from door to door, and nothing else may.
fn timeless(mut observation: Observation) -> Observation {
    observation.at = exchange::moment::Moment::default();
    observation.duration_us = 0;
    observation
}

fn write_cut(stream: &mut TcpStream, bytes: &[u8], cut: usize) {
    // a head of single bytes, then larger pieces: enough cuts without a second for each exchange
    let (head, rest) = bytes.split_at(bytes.len().min(200));
    for piece in head.chunks(cut.min(head.len()).max(1)) {
        stream.write_all(piece).unwrap();
    }
    for piece in rest.chunks(cut.max(97).min(rest.len()).max(1)) {
        stream.write_all(piece).unwrap();
    }
}

/// Answers every request with what the script says comes next.
struct ScriptedUpstream {
    address: SocketAddr,
    next: Sender<(Vec<u8>, usize)>,
}

impl ScriptedUpstream {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (next, scripted) = channel();
        let scripted = Arc::new(Mutex::new(scripted));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let scripted = Arc::clone(&scripted);
                thread::spawn(move || serve(stream, &scripted));
            }
        });
        Self { address, next }
    }
}

fn serve(mut stream: TcpStream, scripted: &Mutex<Receiver<(Vec<u8>, usize)>>) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while read_request(&mut stream, &mut buffer) {
        let Ok((response, cut)) = scripted.lock().unwrap().recv() else { return };
        write_cut(&mut stream, &response, cut);
    }
}

/// Reads one request to its end; false when the connection is over.
fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> bool {
    let mut head = RequestHead::new();
    let mut chunk = [0; 16 << 10];
    let head_len = loop {
        let limits = HeadLimits::request();
        match wire::request::parse_head(buffer, &limits, Profile::Observe, &mut head) {
            Ok(Parsed::Complete { head_len }) => break head_len,
            Ok(Parsed::Partial) => match stream.read(&mut chunk) {
                Ok(count) if count > 0 => buffer.extend_from_slice(&chunk[..count]),
                _ => return false,
            },
            Err(refusal) => panic!("the gateway sent what it must not: {refusal}"),
        }
    };
    buffer.drain(..head_len);
    if head.framing() == Framing::None {
        return true;
    }
    let mut body = BodyReader::new(head.framing(), &BodyLimits::request()).unwrap();
    loop {
        let (consumed, progress) = body.advance(buffer).unwrap();
        let more = matches!(progress, wire::body::Progress::More);
        let ended = matches!(progress, wire::body::Progress::End);
        buffer.drain(..consumed);
        if ended {
            return true;
        }
        if more {
            match stream.read(&mut chunk) {
                Ok(count) if count > 0 => buffer.extend_from_slice(&chunk[..count]),
                _ => return false,
            }
        }
    }
}
