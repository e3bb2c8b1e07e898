//! Output unambiguity: what we forward, for any connection, is read by nginx, HAProxy, Node.js and
//! Python's h11 as the same requests on which it was decided.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers talks to the terminal it was started from"
)]

mod grammar;
mod http2;
mod live;
mod passage;
mod question;
mod quirk;
mod random;
mod reader;
mod recorder;
mod tally;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use policy::Mode;
use wire::Profile;

use crate::grammar::Corpus;
use crate::passage::{Message, Passage, Setting};
use crate::question::{Answer, Questions};
use crate::random::Random;
use crate::reader::{Kind, Reader};
use crate::tally::Tally;

/// Messages that go to each reader on one connection, one behind another.
const BATCH: usize = 100;

/// Batches that wait for a reader that is slower than the others.
const WAITING: usize = 8;

/// The settings that a service may have, and how many connections of ten get each.
const SETTINGS: [(Setting, usize); 3] = [
    (Setting { mode: Mode::Block, profile: Profile::Strict }, 6),
    (Setting { mode: Mode::Block, profile: Profile::Compat }, 2),
    (Setting { mode: Mode::Observe, profile: Profile::Observe }, 2),
];

/// What to send.
#[derive(Parser)]
#[command(name = "differential")]
struct Options {
    /// Requests to forward to every reader
    #[arg(long, default_value_t = 3000)]
    requests: usize,
    /// Requests to put through a running gateway beside that
    #[arg(long, default_value_t = 500)]
    live: usize,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The seeds of the fuzz targets
    #[arg(long, default_value = "fuzz/seeds")]
    seeds: PathBuf,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("differential: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Messages of one kind of setting.
type Batch = Arc<(Mode, Vec<Message>)>;

fn run(options: &Options) -> Result<()> {
    let corpus = Corpus::read(&options.seeds)?;
    let directory = tempfile::tempdir()?;
    let recorder = recorder::start()?;
    let (through, connections) = live::check(options.live, options.seed, &corpus, recorder)?;
    println!("gateway: {through} requests of {connections} connections came through as meant");
    let mut readers = Vec::new();
    for kind in Kind::ALL {
        let reader = Reader::start(kind, directory.path(), recorder)?;
        let (sender, batches) = sync_channel::<Batch>(WAITING);
        let thread = thread::spawn(move || {
            // all of it, so that it runs for as long as it is asked
            let reader = reader;
            let mut tally = Tally::new(reader.kind);
            let mut questions = Questions::new(reader.address);
            // one that would not notice proves nothing
            let noticed = questions.ask(&[Message::with_another_behind()])?;
            ensure!(matches!(noticed.as_slice(), [Answer::Differs(_)]), "{noticed:?}");
            for batch in batches {
                tally.put(&batch.1, batch.0, &mut questions)?;
            }
            Ok(tally)
        });
        readers.push((sender, thread));
    }
    let sent = generate(options, &corpus, &readers);
    let tallies = finish(readers)?;
    sent?.print(options);
    let wrong: u64 = tallies.iter().map(Tally::print).sum();
    if wrong > 0 {
        bail!("{wrong} times a reader did not read what we meant");
    }
    Ok(())
}

type Running = (SyncSender<Batch>, JoinHandle<Result<Tally>>);

/// What was made and sent.
#[derive(Default)]
struct Sent {
    connections: u64,
    /// Of these, requests that came over HTTP/2.
    framed: u64,
    forwarded: usize,
    switches: usize,
    refused: BTreeMap<&'static str, u64>,
}

impl Sent {
    fn print(&self, options: &Options) {
        let refused: u64 = self.refused.values().sum();
        println!(
            "seed {}: {} connections ({} over HTTP/2), {} requests forwarded, {refused} refused \
             for {} reasons, {} upgrades left out",
            options.seed,
            self.connections,
            self.framed,
            self.forwarded,
            self.refused.len(),
            self.switches
        );
    }
}

/// Makes connections until enough requests are forwarded, and hands those to the readers.
fn generate(options: &Options, corpus: &Corpus, readers: &[Running]) -> Result<Sent> {
    let mut random = Random::new(options.seed);
    let mut sent = Sent::default();
    let mut waiting = [Vec::new(), Vec::new()];
    while sent.forwarded < options.requests {
        let setting = setting(&mut random);
        let framed = if random.once_in(5) { http2::request(corpus, &mut random) } else { None };
        sent.framed += u64::from(framed.is_some());
        let bytes = framed.unwrap_or_else(|| corpus.connection(&mut random));
        let piece = if random.once_in(2) { usize::MAX } else { 1 + random.below(40) };
        let passage = Passage::of(&bytes, piece, setting);
        sent.connections += 1;
        sent.forwarded += passage.messages.len();
        sent.switches += passage.switches;
        if let Some(refusal) = passage.refusal {
            *sent.refused.entry(refusal.code()).or_default() += 1;
        }
        let batch = &mut waiting[usize::from(setting.mode == Mode::Block)];
        batch.extend(passage.messages);
        if batch.len() >= BATCH {
            hand_out(setting.mode, std::mem::take(batch), readers)?;
        }
    }
    let [observed, enforced] = waiting;
    hand_out(Mode::Observe, observed, readers)?;
    hand_out(Mode::Block, enforced, readers)?;
    Ok(sent)
}

fn hand_out(mode: Mode, messages: Vec<Message>, readers: &[Running]) -> Result<()> {
    let batch = Arc::new((mode, messages));
    for (sender, _) in readers {
        sender.send(Arc::clone(&batch)).ok().context("a reader has given up")?;
    }
    Ok(())
}

fn finish(readers: Vec<Running>) -> Result<Vec<Tally>> {
    let mut tallies = Vec::new();
    for (sender, thread) in readers {
        drop(sender);
        let tally = thread.join().ok().context("a thread has panicked")?;
        tallies.push(tally?);
    }
    Ok(tallies)
}

fn setting(random: &mut Random) -> Setting {
    let mut left = random.below(10);
    for (setting, share) in SETTINGS {
        if left < share {
            return setting;
        }
        left -= share;
    }
    SETTINGS[0].0
}
