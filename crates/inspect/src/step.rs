//! What the shell is to do next.

use exchange::decision::Decision;

/// The answer to each of the calls.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Go on; this is what is to happen to the body that comes next.
    Continue(Want),
    /// Forward nothing more; refuse as the decision says.
    Stop(Decision),
}

/// What is to happen to a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Want {
    /// Hand it in, and forward nothing of it before its end has been answered: a decision on the
    /// last byte is worth nothing when the first one has left.
    Hold,
    /// Forward it; nobody looks at it.
    Nothing,
    /// Forward it and hand in a copy.
    Tee,
}
