//! Bytes that were read and not yet used.

use crate::limits::{BUFFER_BYTES, HEAD_BUFFER_BYTES, IDLE_BUFFER_BYTES, STREAM_BYTES};

/// A buffer that is read into at its end and used from its start. It begins small, grows with what
/// comes through it, and is small again when an exchange is over.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// The last read filled all there was: more would have been taken.
    hungry: bool,
}

impl Buffer {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; BUFFER_BYTES], start: 0, end: 0, hungry: false }
    }

    /// What was read and not yet used.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Marks the first `count` bytes as used.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Where to read into; empty when the buffer is as large as it may be, and full.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start.., 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let full = self.end == self.bytes.len() && self.bytes.len() < HEAD_BUFFER_BYTES;
        if full || self.hungry && self.bytes.len() < STREAM_BYTES {
            self.bytes.resize((self.bytes.len() * 2).max(BUFFER_BYTES), 0);
        }
        self.hungry = false;
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// Marks `count` bytes of the room as read.
    pub(crate) fn filled_by(&mut self, count: usize) {
        self.end = self.bytes.len().min(self.end + count);
        self.hungry = self.end == self.bytes.len();
    }

    /// Gives back the memory that a large message needed.
    pub(crate) fn relax(&mut self) {
        if self.is_empty() && self.bytes.len() > 2 * BUFFER_BYTES {
            *self = Self::new();
        }
    }

    /// Gives back what nobody needs while nothing comes.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() && self.bytes.len() > IDLE_BUFFER_BYTES {
            let bytes = vec![0; IDLE_BUFFER_BYTES];
            *self = Self { bytes, start: 0, end: 0, hungry: false };
        }
    }
}

/// Empties a buffer of bytes to be written, and gives back what a large message needed.
pub(crate) fn recycle(out: &mut Vec<u8>) {
    out.clear();
    if out.capacity() > 4 * BUFFER_BYTES {
        out.shrink_to(BUFFER_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_limit_and_keeps_what_is_unused() {
        let mut buffer = Buffer::new();
        let mut total = 0;
        loop {
            let room = buffer.room();
            room.fill(b'x');
            let count = room.len();
            if count == 0 {
                break;
            }
            total += count;
            buffer.filled_by(count);
        }
        assert_eq!(total, HEAD_BUFFER_BYTES);
        buffer.consume(total - 3);
        assert_eq!(buffer.filled(), b"xxx");
        assert_eq!(buffer.room().len(), HEAD_BUFFER_BYTES - 3);
        buffer.consume(3);
        buffer.relax();
        assert_eq!(buffer.room().len(), BUFFER_BYTES);
    }

    #[test]
    fn rests_with_little_and_wakes_to_its_size() {
        let mut buffer = Buffer::new();
        buffer.filled_by(1);
        buffer.rest();
        assert_eq!(buffer.room().len(), BUFFER_BYTES - 1);
        buffer.consume(1);
        buffer.rest();
        let little = buffer.room().len();
        assert_eq!(little, IDLE_BUFFER_BYTES);
        buffer.filled_by(little);
        assert_eq!(buffer.room().len(), BUFFER_BYTES - little);
    }
}
