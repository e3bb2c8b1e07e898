//! Recordings of one record a line: finding the lines, with a bound on their length.

use super::Feed;
use super::pull::Broken;
use super::tally::Skip;
use crate::limits;

/// Splits bytes into lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// A line above the limit is being stepped over.
    dropping: bool,
}

impl Lines {
    /// Calls `read` with every whole line and where it starts; returns how many bytes that were.
    /// Line ends and blank lines are not handed on, yet blank ones are counted.
    pub(super) fn each(
        &mut self,
        bytes: &[u8],
        feed: &mut Feed<'_>,
        mut read: impl FnMut(&[u8], u64, &mut Feed<'_>),
    ) -> usize {
        let mut done = 0;
        while done < bytes.len() {
            let rest = &bytes[done..];
            let (line, length) = match memchr::memchr(b'\n', rest) {
                Some(end) => (&rest[..end], end + 1),
                None if feed.last => (rest, rest.len()),
                None if self.dropping => return bytes.len(),
                None if rest.len() > limits::RECORDING_LINE_BYTES_MAX => {
                    self.dropping = true;
                    feed.tally.records += 1;
                    let what = Broken { at: 0, found: "a longer line", expected: "at most 16 MiB" };
                    feed.tally.broken(Skip::TooLarge, feed.base + done as u64, what);
                    return bytes.len();
                }
                None => return done,
            };
            let at = feed.base + done as u64;
            done += length;
            if std::mem::take(&mut self.dropping) {
                continue;
            }
            feed.tally.records += 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let line = match at {
                0 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
                _ => line,
            };
            if !line.trim_ascii().is_empty() {
                read(line, at, feed);
            }
        }
        done
    }
}
