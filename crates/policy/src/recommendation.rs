//! A proposed change to the settings, with its grounds.

/// What an operator could write to stop what a finding tells of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Recommendation {
    /// Lines of the settings file.
    pub policy: String,
    /// Why they help, and what they cost.
    pub grounds: String,
}
