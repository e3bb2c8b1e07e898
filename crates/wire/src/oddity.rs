//! What can be odd about a path: each way in which two servers might read it differently.

use std::fmt;

use crate::target::Profile;

/// One reason why a path may mean something else to the server than it does here.
///
/// Under [`Profile::Observe`] and in recordings these are only noted; elsewhere they refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathOddity {
    /// A segment is `.` or `..`.
    DotSegment,
    /// A segment turns into a dot or empty segment for servers that decode slashes or cut at
    /// semicolons.
    HiddenDots,
    /// A dot is written `%2E`.
    EncodedDot,
    /// Dot segments lead above the root.
    AboveRoot,
    /// A segment ends in two dots, which becomes a dot segment once a prefix is cut off.
    TrailingDots,
    /// Two slashes stand together.
    DuplicateSlash,
    /// A slash is written `%2F`.
    EncodedSlash,
    /// A backslash, raw or encoded: a separator on some servers.
    Backslash,
    /// A percent sign is encoded.
    EncodedPercent,
    /// An encoded percent sign makes another escape: decoded twice, it is another path.
    DoubleEncoded,
    /// A semicolon, raw or encoded: some servers cut the segment there.
    PathParameter,
    /// A question mark or hash is encoded.
    EncodedDelimiter,
    /// A question mark or hash stands in the path.
    RawDelimiter,
    /// An encoded NUL, where some servers end the path.
    Nul,
    /// An encoded control byte.
    Control,
    /// A raw space, control byte or byte above ASCII.
    RawByte,
    /// A percent sign without two hexadecimal digits.
    BadEscape,
    /// Encoded bytes that are not UTF-8, overlong forms included.
    InvalidUtf8,
    /// The path does not begin with a slash.
    NotAbsolute,
    /// The path has more segments than [`PATH_SEGMENTS`](crate::limits::PATH_SEGMENTS).
    TooManySegments,
}

use PathOddity as O;

impl PathOddity {
    /// All of them, in order.
    pub const ALL: &[Self] = &[
        O::DotSegment,
        O::HiddenDots,
        O::EncodedDot,
        O::AboveRoot,
        O::TrailingDots,
        O::DuplicateSlash,
        O::EncodedSlash,
        O::Backslash,
        O::EncodedPercent,
        O::DoubleEncoded,
        O::PathParameter,
        O::EncodedDelimiter,
        O::RawDelimiter,
        O::Nul,
        O::Control,
        O::RawByte,
        O::BadEscape,
        O::InvalidUtf8,
        O::NotAbsolute,
        O::TooManySegments,
    ];

    /// The stable reason code: `path.dot_segment`.
    pub const fn code(self) -> &'static str {
        match self {
            O::DotSegment => "path.dot_segment",
            O::HiddenDots => "path.hidden_dots",
            O::EncodedDot => "path.encoded_dot",
            O::AboveRoot => "path.above_root",
            O::TrailingDots => "path.trailing_dots",
            O::DuplicateSlash => "path.duplicate_slash",
            O::EncodedSlash => "path.encoded_slash",
            O::Backslash => "path.backslash",
            O::EncodedPercent => "path.encoded_percent",
            O::DoubleEncoded => "path.double_encoded",
            O::PathParameter => "path.parameter",
            O::EncodedDelimiter => "path.encoded_delimiter",
            O::RawDelimiter => "path.raw_delimiter",
            O::Nul => "path.nul",
            O::Control => "path.control",
            O::RawByte => "path.raw_byte",
            O::BadEscape => "path.bad_escape",
            O::InvalidUtf8 => "path.invalid_utf8",
            O::NotAbsolute => "path.not_absolute",
            O::TooManySegments => "limit.path_segments",
        }
    }

    /// Whether a path with this oddity is refused under `profile`.
    pub const fn refused_by(self, profile: Profile) -> bool {
        match profile {
            Profile::Strict => true,
            // These leave one reading once the canonical form is forwarded: the dots are resolved,
            // the slashes merged, and what stays encoded stays encoded.
            Profile::Compat => !matches!(
                self,
                O::DotSegment
                    | O::EncodedDot
                    | O::TrailingDots
                    | O::DuplicateSlash
                    | O::EncodedSlash
                    | O::EncodedPercent
                    | O::PathParameter
                    | O::EncodedDelimiter
            ),
            Profile::Observe => false,
        }
    }
}

impl fmt::Display for PathOddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            O::DotSegment => "The path has a dot segment.",
            O::HiddenDots => "The path hides a dot or empty segment behind a separator.",
            O::EncodedDot => "The path has an encoded dot.",
            O::AboveRoot => "The path leads above the root.",
            O::TrailingDots => "A path segment ends in two dots.",
            O::DuplicateSlash => "The path has two slashes together.",
            O::EncodedSlash => "The path has an encoded slash.",
            O::Backslash => "The path has a backslash.",
            O::EncodedPercent => "The path has an encoded percent sign.",
            O::DoubleEncoded => "The path is encoded twice.",
            O::PathParameter => "The path has a semicolon.",
            O::EncodedDelimiter => "The path has an encoded question mark or hash.",
            O::RawDelimiter => "The path has a question mark or hash.",
            O::Nul => "The path has an encoded NUL.",
            O::Control => "The path has an encoded control byte.",
            O::RawByte => "The path has a byte that must be encoded.",
            O::BadEscape => "The path has a percent sign without two hexadecimal digits.",
            O::InvalidUtf8 => "The path has encoded bytes that are not UTF-8.",
            O::NotAbsolute => "The path does not begin with a slash.",
            O::TooManySegments => "The path has more segments than allowed.",
        })
    }
}

/// A set of [`PathOddity`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PathOddities(u32);

impl PathOddities {
    /// Adds one.
    pub fn insert(&mut self, oddity: PathOddity) {
        self.0 |= 1 << oddity as u32;
    }

    /// Whether it is in the set.
    pub const fn contains(self, oddity: PathOddity) -> bool {
        self.0 & (1 << oddity as u32) != 0
    }

    /// Whether nothing is odd.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Each of them, in the order of [`PathOddity::ALL`].
    pub fn iter(self) -> impl Iterator<Item = PathOddity> {
        PathOddity::ALL.iter().copied().filter(move |&oddity| self.contains(oddity))
    }

    /// The first one that `profile` refuses.
    pub fn refused_by(self, profile: Profile) -> Option<PathOddity> {
        if self.is_empty() {
            return None;
        }
        self.iter().find(|oddity| oddity.refused_by(profile))
    }
}

impl FromIterator<PathOddity> for PathOddities {
    fn from_iter<I: IntoIterator<Item = PathOddity>>(oddities: I) -> Self {
        let mut set = Self::default();
        oddities.into_iter().for_each(|oddity| set.insert(oddity));
        set
    }
}

impl fmt::Debug for PathOddities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
