//! What the demo says: where to look, how far the play has come, and what came of it.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use exchange::moment::Moment;
use indicatif::{ProgressBar, ProgressStyle};

use super::people::{END, MINUTES, Play, played};
use super::truth::{INNOCENT, PLANTED, Score};
use crate::report::text::grouped;

/// What to do when the play is over.
pub(super) const NEXT: &str =
    "next     open the console, then Findings; each shows its grounds      Ctrl-C to stop\n";

/// What came of it.
pub(super) struct Outcome {
    pub(super) score: Score,
    /// Exchanges that visitors have had.
    pub(super) sent: u64,
    /// Exchanges that the analyser knows of.
    pub(super) seen: u64,
    pub(super) visitors: usize,
    /// When the first exchange was, and the last.
    pub(super) span: Option<(Moment, Moment)>,
}

/// Where shop and console are.
pub(super) fn places(gateway: SocketAddr, console: &str) -> String {
    format!(
        "shop     http://{gateway}   (gateway in front, mode observe)\n\
         console  {console}   ← one-time link, opens once\n"
    )
}

/// The last lines: traffic, score, and every planted thing with its fate.
pub(super) fn outcome(outcome: &Outcome) -> String {
    let score = &outcome.score;
    let mut text = String::new();
    let lost = match outcome.sent.checked_sub(outcome.seen) {
        Some(lost) if lost > 0 => format!(" · {} not analysed", grouped(lost)),
        _ => String::new(),
    };
    // writing to a String cannot fail
    writeln!(
        text,
        "traffic  {} exchanges · {} clients · {MINUTES} simulated minutes{lost}",
        grouped(outcome.sent),
        grouped(outcome.visitors as u64),
    )
    .ok();
    let elsewhere = match score.unfounded.len() {
        0 => String::new(),
        count => format!(", {count} elsewhere"),
    };
    let first = match since(outcome.span, score.first()) {
        Some(first) => format!("      first alert after {first}"),
        None => String::new(),
    };
    writeln!(
        text,
        "planted {} attacks and faults, {} innocent oddities   →   \
         found {} / {0}, false alarms {} / {1}{elsewhere}{first}",
        PLANTED.len(),
        INNOCENT.len(),
        score.hits(),
        score.false_alarms(),
    )
    .ok();
    for (planted, found) in PLANTED.iter().zip(&score.found) {
        let fate = since(outcome.span, *found).unwrap_or_else(|| "MISSED".to_owned());
        let (rule, at, what) = (planted.rule, planted.at, planted.what);
        writeln!(text, "  {fate:>6}  {rule}  {at:<28} {what}").ok();
    }
    for (innocent, alarms) in INNOCENT.iter().zip(&score.alarmed) {
        for alarm in alarms {
            writeln!(text, "  FALSE   {alarm}   ({})", innocent.what).ok();
        }
    }
    for alarm in &score.unfounded {
        writeln!(text, "  FALSE   {alarm}   (nothing was planted there)").ok();
    }
    text
}

/// Minutes and seconds of the play, as `02:10`. What shows by its absence was certain at the end.
fn since(span: Option<(Moment, Moment)>, at: Option<Moment>) -> Option<String> {
    let (begun, ended) = span?;
    let micros = u64::try_from(at?.min(ended).micros_since(begun)).unwrap_or(0);
    let seconds = played(Duration::from_micros(micros)).as_secs();
    Some(format!("{:02}:{:02}", seconds / 60, seconds % 60))
}

/// How far the play has come; shows itself where standard error is a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new(END as u64);
        if let Ok(style) = ProgressStyle::with_template("traffic  {bar:40} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(super) fn at(&self, play: &Play) {
        self.0.set_position(play.seconds() as u64);
        self.0.set_message(format!("{} exchanges", grouped(play.exchanges())));
    }

    pub(super) fn finish(self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_and_a_cry_are_named() {
        let score = Score { unfounded: vec!["PAL-X  GET /y".to_owned()], ..Score::of([]) };
        let told = outcome(&Outcome { score, sent: 5, seen: 4, visitors: 2, span: None });
        assert!(told.contains("found 0 / 9, false alarms 0 / 12, 1 elsewhere"), "{told}");
        assert!(told.contains("MISSED  PAL-SPEC-002  GET /internal/export"), "{told}");
        assert!(told.contains("FALSE   PAL-X  GET /y"), "{told}");
        assert!(told.contains("1 not analysed"), "{told}");
    }
}
