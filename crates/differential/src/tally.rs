//! What became of the messages at one reader.

use std::collections::BTreeMap;

use anyhow::Result;
use policy::Mode;

use crate::passage::Message;
use crate::question::{Answer, Questions};
use crate::quirk::{self, QUIRKS};
use crate::reader::Kind;

/// Disagreements that are shown one by one.
const SHOWN: usize = 40;

/// The count of one reader.
#[derive(Debug)]
pub(crate) struct Tally {
    kind: Kind,
    same: u64,
    /// Refusals of messages in whose setting nothing is enforced, by status.
    refused: BTreeMap<u16, u64>,
    quirks: BTreeMap<usize, u64>,
    wrong: u64,
    shown: Vec<String>,
}

impl Tally {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            same: 0,
            refused: BTreeMap::new(),
            quirks: BTreeMap::new(),
            wrong: 0,
            shown: Vec::new(),
        }
    }

    /// Puts messages to the reader and counts what it makes of them.
    pub(crate) fn put(
        &mut self,
        messages: &[Message],
        mode: Mode,
        questions: &mut Questions,
    ) -> Result<()> {
        let mut put = Vec::new();
        for message in messages {
            match quirk::of(self.kind, message, mode) {
                Some(known) => *self.quirks.entry(known).or_default() += 1,
                None => put.push(message.clone()),
            }
        }
        let answers = questions.ask(&put)?;
        assert_eq!(answers.len(), put.len(), "an answer for each message");
        for (answer, message) in answers.into_iter().zip(put) {
            match answer {
                Answer::Same => self.same += 1,
                Answer::Refused(status) if mode != Mode::Block => {
                    *self.refused.entry(status).or_default() += 1;
                }
                other => self.disagree(&other, &message, mode),
            }
        }
        Ok(())
    }

    fn disagree(&mut self, answer: &Answer, message: &Message, mode: Mode) {
        self.wrong += 1;
        if self.shown.len() < SHOWN {
            let bytes = message.bytes.escape_ascii();
            self.shown.push(format!(
                "{} ({}): {answer:?}: {bytes}",
                self.kind.name(),
                mode.as_str()
            ));
        }
    }

    /// Prints the count; returns how many messages were not read as they were meant.
    pub(crate) fn print(&self) -> u64 {
        let refused: u64 = self.refused.values().sum();
        println!(
            "{}: {} read as meant, {refused} refused where nothing is enforced {:?}, {} wrong",
            self.kind.name(),
            self.same,
            self.refused,
            self.wrong
        );
        for (known, count) in &self.quirks {
            println!("  {count} not put to it: {}", QUIRKS[*known].reason);
        }
        for shown in &self.shown {
            println!("  {shown}");
        }
        self.wrong
    }
}
