//! How a target splits its bytes: three that choose how the rest is read, and the rest.

/// The choices in front of an input. A seed begins with three bytes; zeros are fine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input<'a> {
    /// Which of a few ways to take.
    pub choice: u8,
    /// Where to cut, or another number.
    pub number: u16,
    /// What is read.
    pub bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// Splits `bytes`; shorter ones are all choice, and read as nothing.
    pub fn new(bytes: &'a [u8]) -> Self {
        match bytes {
            [choice, low, high, rest @ ..] => {
                Self { choice: *choice, number: u16::from_le_bytes([*low, *high]), bytes: rest }
            }
            _ => Self { choice: 0, number: 0, bytes: &[] },
        }
    }

    /// One of `ways`, as the choice says.
    pub fn of<T: Copy, const N: usize>(&self, ways: [T; N]) -> T {
        ways[usize::from(self.choice) % N]
    }

    /// The size of the pieces in which the bytes arrive: from 1 to about 300.
    pub fn piece(&self) -> usize {
        1 + usize::from(self.number % 301)
    }
}
