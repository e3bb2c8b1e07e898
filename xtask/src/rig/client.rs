//! A client of our own, for what the load programs do not do: requests at fixed times, whether or
//! not earlier ones were answered, and an account of every single one.
//!
//! A request is late from the moment at which it was due, not from when a connection was free for
//! it: a server that stalls is seen to stall (the "coordinated omission" of closed loops).

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use super::loopback::Answer;

/// Nothing happens for so long: the rest will not be answered either.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a connection may take to be accepted. The system asks again after one second and after
/// three: an attempt that got lost is told from one that nobody will accept.
const CONNECT: Duration = Duration::from_secs(5);
/// Failures after which there is nobody left to ask.
const FAILURES_MAX: u64 = 1_000;
/// Bytes read at once; larger than any answer here.
const READ_BYTES: usize = 16 << 10;

/// When requests are sent.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// Each connection sends the next one as soon as it has its answer.
    Eager,
    /// So many per second, evenly.
    PerSecond(f64),
}

/// What is to be sent.
pub(crate) struct Plan<'a> {
    pub(crate) port: u16,
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    /// How many requests in all.
    pub(crate) requests: u64,
    /// The requests, in turn.
    pub(crate) texts: &'a [Vec<u8>],
    /// Counts the requests that are over, for who watches from another thread.
    pub(crate) over: &'a AtomicU64,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Answered with 200.
    pub(crate) answered: u64,
    /// Not answered, or with something else; by reason.
    pub(crate) failed: BTreeMap<String, u64>,
    /// Sent a second time because a connection that had been used before was closed before any
    /// of the answer came, as RFC 9112 §9.3.1 has every client do.
    pub(crate) repeated: u64,
    /// Microseconds from when a request was due to the end of its answer; in order of size.
    latencies: Vec<u32>,
    pub(crate) seconds: f64,
}

impl Outcome {
    /// Requests that failed, for whatever reason.
    pub(crate) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    /// The latency, in milliseconds, that this share of the answers did not exceed.
    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of an index is an index"
        )]
        let place = (self.latencies.len() as f64 * share).ceil() as usize;
        let found = self.latencies.get(place.saturating_sub(1));
        found.map_or(0.0, |micros| f64::from(*micros) / 1e3)
    }
}

/// A `GET`, as it goes over the wire.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// A `POST` with JSON, as it goes over the wire.
pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends what the plan says and waits for every answer; gives up when too much fails.
pub(crate) fn run(plan: &Plan<'_>) -> Result<Outcome> {
    let begun = Instant::now();
    let mut client = Client {
        plan,
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        slots: (0..plan.connections).map(|_| Slot::default()).collect(),
        free: (0..plan.connections).collect(),
        waiting: VecDeque::new(),
        made: 0,
        begun,
        outcome: Outcome::default(),
    };
    let mut events = Vec::with_capacity(plan.connections);
    let mut last = begun;
    while client.over() < plan.requests && client.outcome.failures() < FAILURES_MAX {
        client.dispatch()?;
        let timeout = client.until_due();
        events.clear();
        match epoll::wait(&client.epoll, spare_capacity(&mut events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            client.readable(usize::try_from(event.data.u64())?)?;
            last = Instant::now();
        }
        if last.elapsed() > PATIENCE {
            let rest = plan.requests - client.over();
            bail!("{rest} of {} requests got no answer", plan.requests);
        }
    }
    client.outcome.latencies.sort_unstable();
    client.outcome.seconds = begun.elapsed().as_secs_f64();
    Ok(client.outcome)
}

/// A request that is under way or waits for a connection.
#[derive(Clone, Copy)]
struct Job {
    number: u64,
    due: Instant,
    repeated: bool,
}

/// One of the connections.
#[derive(Default)]
struct Slot {
    stream: Option<TcpStream>,
    inbox: Vec<u8>,
    job: Option<Job>,
    /// The connection has carried an exchange before.
    used: bool,
}

struct Client<'a> {
    plan: &'a Plan<'a>,
    epoll: OwnedFd,
    slots: Vec<Slot>,
    free: VecDeque<usize>,
    waiting: VecDeque<Job>,
    made: u64,
    begun: Instant,
    outcome: Outcome,
}

impl Client<'_> {
    fn over(&self) -> u64 {
        self.outcome.answered + self.outcome.failures()
    }

    /// When the request of this number is to be sent.
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 requests")]
    fn due(&self, number: u64, per_second: f64) -> Instant {
        self.begun + Duration::from_secs_f64(number as f64 / per_second)
    }

    /// Sends what is due, as far as connections are free.
    fn dispatch(&mut self) -> Result<()> {
        let now = Instant::now();
        while self.made < self.plan.requests {
            let due = match self.plan.pace {
                Pace::Eager if self.waiting.len() >= self.free.len() => break,
                Pace::Eager => now,
                Pace::PerSecond(rate) => self.due(self.made, rate),
            };
            if due > now {
                break;
            }
            self.waiting.push_back(Job { number: self.made, due, repeated: false });
            self.made += 1;
        }
        while let (Some(&job), Some(&at)) = (self.waiting.front(), self.free.front()) {
            self.waiting.pop_front();
            self.free.pop_front();
            self.send(at, job)?;
        }
        Ok(())
    }

    /// How long to wait for answers before the next request is due.
    fn until_due(&self) -> Timespec {
        let wait = match self.plan.pace {
            Pace::PerSecond(rate) if self.made < self.plan.requests => {
                self.due(self.made, rate).saturating_duration_since(Instant::now())
            }
            // who fails at once is asked again soon, and not in a busy loop
            _ if !self.free.is_empty() => Duration::from_millis(10),
            _ => Duration::from_secs(1),
        };
        Timespec { tv_sec: i64::from(wait.as_secs() > 0), tv_nsec: wait.subsec_nanos().into() }
    }

    /// Sends a request over a connection, which is made if there is none.
    fn send(&mut self, at: usize, job: Job) -> Result<()> {
        if self.slots[at].stream.is_none() {
            match self.connect(at) {
                Ok(stream) => self.slots[at] = Slot { stream: Some(stream), ..Slot::default() },
                Err(error) => {
                    self.fail(at, &format!("not connected: {error}"));
                    return Ok(());
                }
            }
        }
        let slot = &mut self.slots[at];
        slot.job = Some(job);
        slot.inbox.clear();
        let count = self.plan.texts.len() as u64;
        let text = &self.plan.texts[usize::try_from(job.number % count)?];
        let stream = slot.stream.as_mut().context("a slot has its stream")?;
        match stream.write(text) {
            Ok(written) if written == text.len() => Ok(()),
            // the requests are far smaller than a socket's buffer
            Ok(_) => bail!("a request went out in part"),
            Err(_) => self.cut(at),
        }
    }

    fn connect(&self, at: usize) -> Result<TcpStream> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.plan.port));
        let stream = TcpStream::connect_timeout(&address, CONNECT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let data = epoll::EventData::new_u64(at as u64);
        epoll::add(&self.epoll, &stream, data, epoll::EventFlags::IN)?;
        Ok(stream)
    }

    /// Reads what came on a connection.
    fn readable(&mut self, at: usize) -> Result<()> {
        let slot = &mut self.slots[at];
        let Some(stream) = &mut slot.stream else { return Ok(()) };
        let begin = slot.inbox.len();
        slot.inbox.resize(begin + READ_BYTES, 0);
        let read = stream.read(&mut slot.inbox[begin..]);
        slot.inbox.truncate(begin + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(count) if count > 0 && slot.job.is_some() => self.answered(at),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock) => Ok(()),
            _ => self.cut(at),
        }
    }

    /// Takes the answer, if all of it is here.
    fn answered(&mut self, at: usize) -> Result<()> {
        let slot = &mut self.slots[at];
        let Some(answer) = Answer::parse(&slot.inbox)? else { return Ok(()) };
        if answer.length < slot.inbox.len() {
            bail!("more came than one answer");
        }
        if answer.closes {
            slot.stream = None;
        }
        slot.used = true;
        if answer.status != 200 {
            self.fail(at, &format!("answered with {}", answer.status));
            return Ok(());
        }
        let job = slot.job.take().context("an answer belongs to a request")?;
        let micros = u32::try_from(job.due.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.outcome.latencies.push(micros);
        self.outcome.answered += 1;
        self.plan.over.store(self.over(), Ordering::Relaxed);
        self.free.push_back(at);
        Ok(())
    }

    /// The server has closed the connection.
    fn cut(&mut self, at: usize) -> Result<()> {
        let slot = &mut self.slots[at];
        let unheard = slot.inbox.is_empty() && slot.used;
        slot.stream = None;
        match slot.job.take() {
            None => Ok(()),
            Some(job) if unheard && !job.repeated => {
                self.outcome.repeated += 1;
                self.send(at, Job { repeated: true, ..job })
            }
            Some(_) => {
                self.fail(at, "cut off");
                Ok(())
            }
        }
    }

    fn fail(&mut self, at: usize, why: &str) {
        self.slots[at].job = None;
        *self.outcome.failed.entry(why.to_owned()).or_default() += 1;
        self.plan.over.store(self.over(), Ordering::Relaxed);
        self.free.push_back(at);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// Serves connections one after the other: each gets these answers to its requests, one by
    /// one, and is closed.
    fn server(connections: Vec<Vec<&'static [u8]>>) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for answers in connections {
                let (mut stream, _) = listener.accept().unwrap();
                for answer in answers {
                    let count = stream.read(&mut [0; 1024]).unwrap();
                    assert!(count > 0);
                    stream.write_all(answer).unwrap();
                }
            }
        });
        port
    }

    fn ask(port: u16, requests: u64, pace: Pace) -> Outcome {
        let (texts, over) = ([get("/a")], AtomicU64::new(0));
        let plan = Plan { port, connections: 1, pace, requests, texts: &texts, over: &over };
        let outcome = run(&plan).unwrap();
        assert_eq!(over.load(Ordering::Relaxed), requests);
        outcome
    }

    #[test]
    fn a_used_connection_that_is_closed_costs_a_repetition_and_no_failure() {
        let port = server(vec![vec![ANSWER, ANSWER], vec![ANSWER]]);
        let outcome = ask(port, 3, Pace::Eager);
        assert_eq!((outcome.answered, outcome.failures()), (3, 0), "{outcome:?}");
        assert!(outcome.repeated <= 1, "{outcome:?}");
    }

    #[test]
    fn what_is_no_whole_answer_or_no_success_is_a_failure() {
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok".as_slice();
        let other = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".as_slice();
        let outcome = ask(server(vec![vec![half], vec![other], vec![ANSWER]]), 3, Pace::Eager);
        assert_eq!(outcome.answered, 1);
        let failed: Vec<_> = outcome.failed.into_iter().collect();
        assert_eq!(failed, [("answered with 503".to_owned(), 1), ("cut off".to_owned(), 1)]);
    }

    #[test]
    fn a_pace_is_kept_and_percentiles_are_of_the_answers() {
        let port = server(vec![vec![ANSWER; 21]]);
        let mut outcome = ask(port, 21, Pace::PerSecond(200.0));
        assert!(outcome.seconds >= 0.1, "{}", outcome.seconds);
        outcome.latencies = (1..=100).map(|millis| millis * 1000).collect();
        let found = [0.5, 0.99, 1.0].map(|share| outcome.percentile_ms(share));
        assert!((found[0] - 50.0).abs() < 1e-9, "{found:?}");
        assert!((found[1] - 99.0).abs() < 1e-9 && (found[2] - 100.0).abs() < 1e-9, "{found:?}");
    }
}
