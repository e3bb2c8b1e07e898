//! What happens to a request that a rule objects to.

use std::fmt;

/// What happens to what does not conform. The mode shown anywhere is the mode in force.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Mode {
    /// It is refused.
    Block,
    /// It is not looked at.
    Disabled,
    /// It passes and is reported.
    #[default]
    Observe,
}

impl Mode {
    /// All, as a settings file may name them.
    pub const ALL: [Self; 3] = [Self::Disabled, Self::Observe, Self::Block];

    /// The word in the settings file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Disabled => "disabled",
            Self::Observe => "observe",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}
