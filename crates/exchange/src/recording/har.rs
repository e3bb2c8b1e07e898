//! HAR 1.2, streamed: finds `log.entries` wherever it stands and reads one entry after the other.

use super::Feed;
use super::har_entry::EntryReader;
use super::pull::{Broken, Pull, Skipper, Stop};
use super::tally::Skip;
use crate::limits;

/// Bytes that are searched behind a broken entry before what has been searched is dropped.
const SEARCH_BYTES: usize = 1 << 20;

/// Bytes that hold the beginning of an entry up to the name of its first member.
const OPENING_BYTES: usize = 64;

/// With which member tools begin an entry.
const FIRST_MEMBERS: [&[u8]; 9] = [
    b"startedDateTime",
    b"pageref",
    b"_initiator",
    b"request",
    b"time",
    b"connection",
    b"serverIPAddress",
    b"_fromCache",
    b"_connectionId",
];

/// Decodes a HAR document, or an array of HAR entries.
#[derive(Debug, Default)]
pub(super) struct Har {
    place: Place,
    entry: EntryReader,
    /// Do not try again before as many bytes are there: reading a growing entry from its start
    /// for every chunk would take quadratic time.
    wanted: usize,
    /// The name of the first member of the last good entry.
    opening: Vec<u8>,
    found_entries: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Before or between documents.
    #[default]
    Outside,
    /// Among the members of an object.
    Members(Level),
    /// Inside a value that nobody asks for.
    Skipping(Skipper, Then),
    /// Among the entries.
    Entries(Level),
    /// Behind an entry whose end is not known.
    Searching(Level),
    /// Behind something that is no JSON at all.
    Deaf,
}

/// Which object, or whose array of entries.
#[derive(Clone, Copy, Debug)]
enum Level {
    Array,
    Document,
    Log,
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Members(Level),
    Entries(Level),
}

enum Step {
    Took(usize),
    More,
}

impl Har {
    /// Reads as far as the bytes reach; returns how many are done with.
    pub(super) fn decode(&mut self, bytes: &[u8], feed: &mut Feed<'_>) -> usize {
        let mut done = 0;
        loop {
            let at = feed.base + done as u64;
            match self.step(&bytes[done..], at, feed) {
                Ok(Step::Took(count)) => done += count,
                Ok(Step::More) | Err(Stop::More) => break,
                Err(Stop::Broken(what)) => {
                    note(feed, at, what);
                    self.place = Place::Deaf;
                }
            }
        }
        if !feed.last {
            return done;
        }
        let what = |found, expected| Broken { at: bytes.len() - done, found, expected };
        match self.place {
            Place::Outside | Place::Deaf if self.found_entries => {}
            Place::Deaf => {}
            Place::Outside => {
                note(
                    feed,
                    feed.base,
                    what("no entries", "an object `log` with an array `entries`"),
                );
            }
            _ => note(feed, feed.base + done as u64, what("the end", "the rest of the document")),
        }
        bytes.len()
    }

    fn step(&mut self, rest: &[u8], at: u64, feed: &mut Feed<'_>) -> Result<Step, Stop> {
        match self.place {
            Place::Outside => self.outside(rest),
            Place::Members(level) => self.member(rest, level),
            Place::Skipping(mut skipper, then) => match skipper.feed(rest) {
                None => {
                    self.place = Place::Skipping(skipper, then);
                    Ok(if rest.is_empty() { Step::More } else { Step::Took(rest.len()) })
                }
                Some(count) => {
                    self.place = match then {
                        Then::Members(level) => Place::Members(level),
                        Then::Entries(level) => Place::Entries(level),
                    };
                    Ok(Step::Took(count))
                }
            },
            Place::Entries(level) => self.element(rest, at, level, feed),
            Place::Searching(level) => Ok(self.search(rest, level, feed.last)),
            Place::Deaf if rest.is_empty() => Ok(Step::More),
            Place::Deaf => Ok(Step::Took(rest.len())),
        }
    }

    fn outside(&mut self, rest: &[u8]) -> Result<Step, Stop> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if rest.starts_with(MARK) {
            return Ok(Step::Took(MARK.len()));
        }
        let mut pull = Pull::new(rest);
        self.place = match pull.peek()? {
            b'{' => Place::Members(Level::Document),
            b'[' => {
                self.found_entries = true;
                Place::Entries(Level::Array)
            }
            0xef if rest.len() < MARK.len() => return Err(Stop::More),
            _ => return Err(pull.broken("a HAR document")),
        };
        Ok(Step::Took(pull.at() + 1))
    }

    fn member(&mut self, rest: &[u8], level: Level) -> Result<Step, Stop> {
        let mut pull = Pull::new(rest);
        let Some(name) = pull.member()? else {
            self.place = match level {
                Level::Log => Place::Members(Level::Document),
                Level::Document | Level::Array => Place::Outside,
            };
            return Ok(Step::Took(pull.at()));
        };
        let value = pull.peek()?;
        let mut used = pull.at();
        self.place = match (name.raw(), value) {
            (b"log", b'{') if matches!(level, Level::Document) => {
                used += 1;
                Place::Members(Level::Log)
            }
            (b"entries", b'[') => {
                used += 1;
                self.found_entries = true;
                Place::Entries(level)
            }
            (_, b'}' | b']' | b',' | b':') => return Err(pull.broken("a value")),
            _ => Place::Skipping(Skipper::default(), Then::Members(level)),
        };
        Ok(Step::Took(used))
    }

    /// Reads what comes next among the entries.
    fn element(
        &mut self,
        rest: &[u8],
        at: u64,
        level: Level,
        feed: &mut Feed<'_>,
    ) -> Result<Step, Stop> {
        let mut pull = Pull::new(rest);
        let byte = pull.peek()?;
        let start = pull.at();
        match byte {
            b',' => Ok(Step::Took(start + 1)),
            b'{' => {
                self.entry(&rest[start..], at + start as u64, level, feed).map(|step| match step {
                    Step::Took(count) => Step::Took(start + count),
                    Step::More => Step::More,
                })
            }
            b']' => {
                self.place = match level {
                    Level::Array => Place::Outside,
                    other => Place::Members(other),
                };
                Ok(Step::Took(start + 1))
            }
            _ => {
                let Stop::Broken(what) = pull.broken("an entry") else { return Ok(Step::More) };
                feed.tally.records += 1;
                feed.tally.broken(Skip::BrokenEntry, at, what);
                self.place = match byte {
                    b'}' | b':' => Place::Searching(level),
                    _ => Place::Skipping(Skipper::default(), Then::Entries(level)),
                };
                Ok(Step::Took(start))
            }
        }
    }

    /// Reads the entry at the start of `rest`.
    fn entry(
        &mut self,
        rest: &[u8],
        at: u64,
        level: Level,
        feed: &mut Feed<'_>,
    ) -> Result<Step, Stop> {
        if rest.len() < self.wanted && !feed.last {
            return Ok(Step::More);
        }
        let mut pull = Pull::new(rest);
        let (step, skip, what) = match self.entry.read(&mut pull) {
            Ok(draft) => {
                self.wanted = 0;
                feed.tally.records += 1;
                self.remember_opening(&rest[..pull.at()]);
                self.entry.hand_on(&draft, at, feed);
                return Ok(Step::Took(pull.at()));
            }
            Err(Stop::More) if rest.len() > limits::RECORDING_ENTRY_BYTES_MAX => {
                self.place = Place::Skipping(Skipper::default(), Then::Entries(level));
                let what = Broken { at: 0, found: "a larger entry", expected: "at most 64 MiB" };
                (Step::Took(0), Skip::TooLarge, what)
            }
            Err(Stop::More) if feed.last => {
                let what =
                    Broken { at: rest.len(), found: "the end", expected: "more of the entry" };
                (Step::Took(rest.len()), Skip::BrokenEntry, what)
            }
            Err(Stop::More) => return Ok(self.wait(rest)),
            Err(Stop::Broken(what)) => match self.behind(rest, what.at, level, feed.last) {
                Some(count) => (Step::Took(count), Skip::BrokenEntry, what),
                None => return Ok(self.wait(rest)),
            },
        };
        self.wanted = 0;
        feed.tally.records += 1;
        feed.tally.broken(skip, at, what);
        Ok(step)
    }

    fn wait(&mut self, rest: &[u8]) -> Step {
        self.wanted = (rest.len() * 2).min(limits::RECORDING_ENTRY_BYTES_MAX + 1);
        Step::More
    }

    fn remember_opening(&mut self, entry: &[u8]) {
        let window = entry.get(1..entry.len().min(OPENING_BYTES));
        let mut pull = Pull::new(window.unwrap_or_default());
        if let Ok(Some(name)) = pull.member()
            && self.opening != name.raw()
        {
            self.opening.clear();
            self.opening.extend_from_slice(name.raw());
        }
    }

    /// Where reading goes on behind an entry that is broken at `at`: where its braces close, if
    /// an entry or the end of the array follows there, or where something begins as entries do.
    /// `None`: the bytes do not reach that far.
    fn behind(&mut self, rest: &[u8], at: usize, level: Level, last: bool) -> Option<usize> {
        let closed = Skipper::default().feed(rest).filter(|end| follows_entry(&rest[*end..]));
        // a string that is not closed swallows the beginning of the next entry
        let opening = |name: &[u8]| !self.opening.is_empty() && name == self.opening;
        let known = |name: &[u8]| FIRST_MEMBERS.contains(&name);
        // the nearest of all: what is found must not depend on how many bytes have come
        let opened = [find_entry(rest, 1, opening), find_entry(rest, at.max(1), known)];
        let next = opened.into_iter().chain([closed]).flatten().min();
        if next.is_none() && (last || rest.len() > SEARCH_BYTES) {
            self.place = Place::Searching(level);
            return Some(at.max(1));
        }
        next
    }

    fn search(&mut self, rest: &[u8], level: Level, last: bool) -> Step {
        let opening = |name: &[u8]| FIRST_MEMBERS.contains(&name) || name == self.opening;
        if let Some(at) = find_entry(rest, 0, opening) {
            self.place = Place::Entries(level);
            return Step::Took(at);
        }
        if last {
            self.place = Place::Deaf;
            return Step::Took(rest.len());
        }
        match rest.len().checked_sub(OPENING_BYTES) {
            None | Some(0) => Step::More,
            Some(count) => Step::Took(count),
        }
    }
}

/// The next place from `from` on with an object whose first member `begins` an entry.
fn find_entry(rest: &[u8], from: usize, begins: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let rest = rest.get(from..)?;
    memchr::memchr_iter(b'{', rest).find_map(|at| {
        let window = rest[at + 1..].get(..OPENING_BYTES).unwrap_or(&rest[at + 1..]);
        let name = window.trim_ascii_start().strip_prefix(b"\"")?;
        let end = name.iter().position(|byte| *byte == b'"')?;
        begins(&name[..end]).then_some(from + at)
    })
}

/// True when behind an entry comes another, or the end of the array.
fn follows_entry(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    match rest.first() {
        Some(b']') => true,
        Some(b',') => {
            let next = rest[1..].trim_ascii_start();
            next.strip_prefix(b"{")
                .is_some_and(|inside| inside.trim_ascii_start().starts_with(b"\""))
        }
        _ => false,
    }
}

/// Keeps the place of something that is wrong with the document itself.
fn note(feed: &mut Feed<'_>, at: u64, what: Broken) {
    feed.tally.note(Skip::BrokenEntry, at, what);
}
