//! `palisade analyze`: recordings through the same engine as live traffic, and a report.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use analysis::{Analyst, DeclaredService};
use anyhow::{Context, anyhow, bail};
use contract::Contract;
use exchange::body::{Body, Why};
use exchange::decision::Disposition;
use exchange::observation::Observation;
use exchange::recording::{Reader, Recorded, Tally};
use exchange::redact::Pseudonymizer;
use flate2::bufread::MultiGzDecoder;
use inspect::{Inspector, Step, Want};
use policy::Policy;

use crate::args::{Analyze, Format, Global, Output};
use crate::progress::Progress;
use crate::report::{self, Report};
use crate::settings::load_contract;
use crate::terminal;

/// The name of the one service that recordings belong to.
const SERVICE: &str = "default";

/// Reads the recordings and reports.
pub(crate) fn run(arguments: &Analyze, global: &Global) -> anyhow::Result<u8> {
    let contract = match arguments.contract.as_slice() {
        [] => None,
        files => Some(Arc::new(load_contract(files)?.0)),
    };
    let key = pseudonym_key(arguments.pseudonym_key.as_deref())?;
    let files = expand(&arguments.recordings)?;
    let mut analysis = Analysis::new(contract, &key);
    let mut progress = Progress::new(total_bytes(&files), global.quiet);
    let mut done = 0;
    for file in &files {
        done += analysis.read(file, done, &mut progress)?;
    }
    progress.finish();
    let learn = arguments.format.iter().any(|output| output.format == Format::Openapi);
    let report = analysis.report(learn);
    if report.read.exchanges == 0 {
        report::notes(&report, terminal::note);
        bail!("nothing to analyse: no exchange was read from {} file(s)", files.len());
    }
    if !global.quiet {
        report::notes(&report, terminal::note);
    }
    for output in &arguments.format {
        write(output, &report)?;
    }
    let failing = arguments.fail_on.severity();
    let code = u8::from(report::fails(&report, failing) && !arguments.exit_zero);
    if !global.quiet {
        terminal::note(&report::closing_line(&report, failing, code));
    }
    Ok(code)
}

/// Recordings on their way through the engine.
struct Analysis {
    inspector: Arc<Inspector>,
    analyst: Analyst,
    read: Tally,
    /// Broken records, with the file they are in.
    places: Vec<(PathBuf, exchange::recording::Place)>,
}

impl Analysis {
    fn new(contract: Option<Arc<Contract>>, key: &[u8; 16]) -> Self {
        let declared = contract.iter().map(|contract| DeclaredService {
            name: Arc::from(SERVICE),
            contract: Arc::clone(contract),
        });
        let cards = crate::explain::cards();
        let analyst = Analyst::new(declared.collect()).with_cards(&cards);
        let policy = Arc::new(Policy::for_recordings(contract));
        let inspector = Arc::new(Inspector::compile(policy, Pseudonymizer::new(key)));
        Self { inspector, analyst, read: Tally::default(), places: Vec::new() }
    }

    /// Reads one file; how many of its bytes there were.
    fn read(&mut self, file: &Path, before: u64, progress: &mut Progress) -> anyhow::Result<u64> {
        let shown = || format!("cannot read {}", file.display());
        if file == Path::new("-") {
            return self.feed(io::stdin().lock(), "-", before, progress).with_context(shown);
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let input = File::open(file).with_context(shown)?;
        self.feed(input, &name, before, progress).with_context(shown)
    }

    fn feed(
        &mut self,
        input: impl Read,
        name: &str,
        before: u64,
        progress: &mut Progress,
    ) -> io::Result<u64> {
        let mut input = Counted { input, bytes: 0 };
        let mut magic = [0; 2];
        let got = read_full(&mut input, &mut magic)?;
        let head = &magic[..got];
        let mut reader = Reader::new(name.strip_suffix(".gz").unwrap_or(name));
        if head == b"\x1f\x8b" {
            let rest = io::BufReader::with_capacity(128 << 10, head.chain(&mut input));
            self.drain(MultiGzDecoder::new(rest), &mut reader, before, progress)?;
        } else {
            self.drain(head.chain(&mut input), &mut reader, before, progress)?;
        }
        let tally = reader.tally();
        self.read.exchanges += tally.exchanges;
        self.read.skipped += tally.skipped;
        self.read.credentials_dropped += tally.credentials_dropped;
        for (reason, count) in &tally.reasons {
            *self.read.reasons.entry(reason).or_default() += count;
        }
        self.places.extend(tally.places.iter().map(|place| (PathBuf::from(name), place.clone())));
        Ok(input.bytes)
    }

    fn drain(
        &mut self,
        mut input: impl Read,
        reader: &mut Reader,
        before: u64,
        progress: &mut Progress,
    ) -> io::Result<()> {
        let (inspector, analyst) = (&self.inspector, &mut self.analyst);
        let mut each = |recorded: Recorded<'_>| analyst.absorb(&observe(inspector, recorded));
        let mut done = before;
        loop {
            let count = match input.read(reader.space()) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            done += count as u64;
            reader.filled(count, &mut each);
            progress.at(done, reader.tally().exchanges);
        }
        reader.finish(&mut each);
        Ok(())
    }

    /// What was read, seen and found; with the learned contract if somebody wants to `learn` it.
    fn report(self, learn: bool) -> Report {
        // a recording has no present but its own last moment
        let now = self.analyst.last().unwrap_or_default();
        let snapshot = self.analyst.snapshot(now);
        let learned =
            learn.then(|| contract::emit::to_yaml(&self.analyst.learned_contract(SERVICE, now)));
        Report { read: self.read, places: self.places, snapshot, learned }
    }
}

/// One recorded exchange through the five calls, with the record's own time. As in live traffic,
/// a body that nobody wants is not handed in.
pub fn observe(inspector: &Arc<Inspector>, recorded: Recorded<'_>) -> Observation {
    let (mut inspection, step) = inspector.begin(&recorded.request, &recorded.peer, recorded.at);
    let mut denied = matches!(step, Step::Stop(_));
    match handed_in(&step, recorded.request_body) {
        Ok(body) => denied |= matches!(inspection.request_body(body, true), Step::Stop(_)),
        Err(why) => inspection.request_body_absent(why),
    }
    if let Some(head) = &recorded.response {
        let step = inspection.response_head(head);
        match handed_in(&step, recorded.response_body) {
            Ok(body) => {
                inspection.response_body(body, true);
            }
            Err(why) => inspection.response_body_absent(why),
        }
    }
    let disposition = if denied { Disposition::Detected } else { Disposition::Allowed };
    let duration = i64::try_from(recorded.duration_us).unwrap_or(i64::MAX);
    inspection.finish(disposition, recorded.at.plus_micros(duration))
}

/// What is handed in of a body, or why it is not there.
fn handed_in<'b>(step: &Step, body: Body<'b>) -> Result<&'b [u8], Why> {
    match (step, body) {
        (Step::Continue(Want::Nothing), Body::Whole([]) | Body::Absent(Why::Empty)) => {
            Err(Why::Empty)
        }
        (Step::Continue(Want::Nothing), Body::Whole(_)) => Err(Why::NotInspected),
        (_, Body::Absent(Why::Empty)) => Ok(&[]),
        (_, Body::Whole(body)) => Ok(body),
        (_, Body::Partial(_)) => Err(Why::OverLimit),
        (_, Body::Absent(why)) => Err(why),
    }
}

fn write(output: &Output, report: &Report) -> anyhow::Result<()> {
    let text = match output.format {
        Format::Text => {
            report::text::render(report, output.file.is_none() && terminal::color_on_stdout())
        }
        Format::Json => report::json::render(report)?,
        Format::Html => report::html::render(&report.snapshot, Some(&report.read))?,
        Format::Openapi => report.learned.clone().unwrap_or_default(),
    };
    match &output.file {
        None => terminal::result(&text),
        Some(file) => std::fs::write(file, text)
            .with_context(|| format!("cannot write the report to {}", file.display())),
    }
}

/// The key under which principals are named: the operator's, else a new one for this run.
fn pseudonym_key(given: Option<&str>) -> anyhow::Result<[u8; 16]> {
    let mut key = [0; 16];
    match given {
        None => getrandom::fill(&mut key).map_err(|error| anyhow!("no randomness: {error}"))?,
        Some(text) => {
            let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32);
            key = number
                .ok_or_else(|| anyhow!("--pseudonym-key: expected 32 hexadecimal digits"))?
                .to_be_bytes();
        }
    }
    Ok(key)
}

/// Files as named, and those in directories, sorted.
fn expand(recordings: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for recording in recordings {
        if recording.is_dir() {
            walk(recording, &mut files)?;
        } else if recording == Path::new("-") || recording.is_file() || recording.exists() {
            files.push(recording.clone());
        } else {
            bail!(
                "there is no recording {}\nhelp: name a file, a directory, or - for standard input",
                recording.display()
            );
        }
    }
    if files.is_empty() {
        bail!("nothing to analyse: the directories hold no files");
    }
    Ok(files)
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let read = std::fs::read_dir(directory)
        .with_context(|| format!("cannot read the directory {}", directory.display()))?;
    let mut paths = read
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()
        .with_context(|| format!("cannot read the directory {}", directory.display()))?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// The size of all files together, where all are files.
fn total_bytes(files: &[PathBuf]) -> Option<u64> {
    files
        .iter()
        .map(|file| file.metadata().ok().filter(|file| file.is_file()))
        .try_fold(0, |sum, file| Some(sum + file?.len()))
}

fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match input.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// Counts what is read from a file, before it is decompressed.
struct Counted<R> {
    input: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}
