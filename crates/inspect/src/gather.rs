//! A body that comes in pieces, kept up to a limit; one that comes whole is not copied.

use exchange::body::{Body, Why};

/// Pieces of a body.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    kept: Vec<u8>,
    limit: usize,
    bytes: u64,
    over: bool,
}

/// What has come together at the end.
pub(crate) enum Gathered<'g> {
    /// The last piece is all there is: nothing was kept.
    LastPiece,
    /// The pieces, end to end.
    Kept(&'g [u8]),
    /// Its beginning only.
    Cut(&'g [u8]),
    /// Nothing was asked for.
    Nothing,
}

impl Gathered<'_> {
    /// As a body, given the last piece.
    pub(crate) fn as_body<'b>(&'b self, last: &'b [u8]) -> Body<'b> {
        match self {
            Self::LastPiece => Body::Whole(last),
            Self::Kept(kept) => Body::Whole(kept),
            Self::Cut(kept) => Body::Partial(kept),
            Self::Nothing => Body::Absent(Why::NotInspected),
        }
    }
}

impl Gather {
    pub(crate) fn up_to(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Only counts.
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// Takes a piece. What has come together is meant for the end only.
    pub(crate) fn take(&mut self, piece: &[u8], end: bool) -> Gathered<'_> {
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        if self.limit == 0 {
            return Gathered::Nothing;
        }
        let room = self.limit.saturating_sub(self.kept.len());
        if piece.len() > room {
            self.over = true;
        }
        if end && self.kept.is_empty() && !self.over {
            return Gathered::LastPiece;
        }
        self.kept.extend_from_slice(&piece[..piece.len().min(room)]);
        if self.over { Gathered::Cut(&self.kept) } else { Gathered::Kept(&self.kept) }
    }

    /// True once a piece went over the limit.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Bytes that came, kept or not.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}
