//! What one ordinary exchange costs behind the gateway, stage by stage: inspection, learning and
//! the journal, without sockets. `cargo xtask bench --only stages` runs it and holds the figures
//! against their budgets. Prints one line for each stage: its name and nanoseconds per exchange.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use analysis::Analyst;
use exchange::body::Body;
use exchange::endpoint::Method;
use exchange::message::{RequestHead, ResponseHead, Scheme};
use exchange::moment::Moment;
use exchange::observation::Observation;
use exchange::peer::Peer;
use exchange::recording::Recorded;
use exchange::redact::Pseudonymizer;
use inspect::Inspector;
use policy::Policy;
use store::{Options, Store};
use wire::{CanonicalPath, Fields, Query};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exchanges of one round: what the analyst's thread takes at once under load.
const BATCH: usize = 4_096;

/// Rounds, of which the median counts.
const ROUNDS: usize = 61;

/// The answer of the origin that `cargo xtask bench --only proxy` starts.
const ANSWER: &[u8] = b"{\"id\":\"8d1f6a52-0b7c-4a49-9c4e-5b1f0a6c2d11\",\"status\":\"paid\",\
    \"total\":12990,\"currency\":\"EUR\",\"items\":[{\"sku\":\"A-100\",\"quantity\":2},\
    {\"sku\":\"B-220\",\"quantity\":1}],\"note\":null}";

/// Nanoseconds of all rounds, by stage.
#[derive(Default)]
struct Times {
    inspect: Vec<u128>,
    absorb: Vec<u128>,
    journal: Vec<u128>,
    forget: Vec<u128>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let policy = Arc::new(Policy::for_recordings(None));
    let inspector = Arc::new(Inspector::compile(policy, Pseudonymizer::new(&[7; 16])));
    let directory = tempfile::tempdir()?;
    let store = Store::open(&directory.path().join("stages.db"), Options::default())?;
    let mut analyst = Analyst::new(Vec::new());
    let mut times = Times::default();
    let heads = Heads::new();
    let mut batch: Vec<Observation> = Vec::with_capacity(BATCH);
    let mut number = 0;
    for _ in 0..ROUNDS {
        timed(&mut times.inspect, || {
            for _ in 0..BATCH {
                number += 1;
                batch.push(palisade::observe(&inspector, heads.exchange(number)));
            }
        });
        let appended = timed(&mut times.journal, || store.append(&batch));
        appended?;
        timed(&mut times.absorb, || batch.iter().for_each(|one| analyst.absorb(one)));
        timed(&mut times.forget, || batch.clear());
    }
    let last = analyst.last().unwrap_or_default();
    let learned = analyst.snapshot(last).totals.exchanges;
    if learned != (BATCH * ROUNDS) as u64 {
        return Err(format!("only {learned} exchanges were learned").into());
    }
    times.print();
    Ok(())
}

/// Runs one stage for a whole batch.
fn timed<T>(into: &mut Vec<u128>, stage: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let outcome = stage();
    into.push(begun.elapsed().as_nanos());
    outcome
}

impl Times {
    #[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
    fn print(self) {
        let stages = [
            ("inspect", self.inspect),
            ("journal", self.journal),
            ("absorb", self.absorb),
            ("forget", self.forget),
        ];
        for (name, mut rounds) in stages {
            rounds.sort_unstable();
            let median = rounds.get(rounds.len() / 2).copied().unwrap_or_default();
            println!("{name} {}", median / BATCH as u128);
        }
    }
}

/// The heads of an ordinary exchange, as the gateway would have parsed them.
struct Heads {
    path: CanonicalPath,
    request: Fields,
    response: Fields,
}

impl Heads {
    fn new() -> Self {
        let (path, _) = CanonicalPath::read(b"/v1/orders/8d1f6a52-0b7c-4a49-9c4e-5b1f0a6c2d11");
        let fields = |pairs: &[(&str, &str)]| {
            let mut fields = Fields::new();
            for (name, value) in pairs {
                fields.push(name.as_bytes(), value.as_bytes());
            }
            fields
        };
        let request = fields(&[
            ("Host", "shop.example"),
            ("User-Agent", "okhttp/4.12.0"),
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip"),
            ("X-Api-Key", "key-0042-0123456789abcdef"),
        ]);
        let response = fields(&[
            ("Server", "origin"),
            ("Date", "Thu, 15 Jan 2026 09:00:00 GMT"),
            ("Content-Type", "application/json"),
            ("Content-Length", "170"),
            ("Connection", "keep-alive"),
        ]);
        Self { path, request, response }
    }

    /// The `number`th exchange: a millisecond after the one before, of one of 250 clients.
    fn exchange(&self, number: i64) -> Recorded<'_> {
        let address = IpAddr::from([10, 1, 0, (number % 250) as u8]);
        Recorded {
            at: Moment::from_micros(1_768_467_600_000_000 + number * 1_000),
            duration_us: 800 + number.unsigned_abs() % 64,
            peer: Peer { address: Some(address), ..Peer::default() },
            request: RequestHead {
                method: Method::Get,
                scheme: Scheme::Http,
                host: "shop.example",
                path: &self.path,
                path_oddities: Default::default(),
                query: Query::new(b""),
                fields: &self.request,
            },
            request_body: Body::Whole(b""),
            response: Some(ResponseHead { status: 200, fields: &self.response }),
            response_body: Body::Whole(ANSWER),
        }
    }
}
