//! Field lists as they came, and the names with a meaning for a gateway, in every spelling.

use std::fmt;
use std::ops::Range;

use crate::limits::FIELDS_BYTES;
use crate::scan;

/// Where one field lies in the buffer of its [`Fields`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    pub(crate) name_start: usize,
    pub(crate) name_end: usize,
    pub(crate) value_start: usize,
    pub(crate) value_end: usize,
}

/// Header or trailer fields in their original order and case.
///
/// One buffer and a list of ranges: nothing is allocated per field, and [`Fields::clear`] keeps
/// what is allocated. Names compare without case. Values come without white space around them.
#[derive(Clone, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Some field was pushed that could not stand in a message; see [`Fields::line`].
    unsound: bool,
}

impl Fields {
    /// An empty list.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), entries: Vec::new(), unsound: false }
    }

    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.unsound = false;
    }

    /// Adds a field. Any bytes are accepted, since recordings hold any; the serializer leaves out
    /// what could not stand in a message.
    ///
    /// Returns false, and adds nothing, when the list would exceed
    /// [`FIELDS_BYTES`].
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> bool {
        let value = scan::trim(value);
        let weight = name.len().saturating_add(value.len()).saturating_add(4);
        if self.bytes.len().saturating_add(weight) > FIELDS_BYTES {
            return false;
        }
        let name_start = self.bytes.len();
        let name_end = name_start + name.len();
        let value_start = name_end + 2;
        let value_end = value_start + value.len();
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(b": ");
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(b"\r\n");
        self.entries.push(Entry { name_start, name_end, value_start, value_end });
        self.unsound |= !is_sound(name, value);
        true
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of the first field of that name, in any case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// The values of all fields of that name, in any case, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let wanted = name.as_bytes();
        self.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, v)| v)
    }

    /// All fields, name and value, in their original order and case.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
        self.entries
            .iter()
            .map(|e| (self.at(e.name_start..e.name_end), self.at(e.value_start..e.value_end)))
    }

    /// The bytes in `range` of the buffer; empty while a head is incomplete.
    pub(crate) fn at(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Notes a field whose bytes are handed over later, by [`Fields::adopt`].
    pub(crate) fn note(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Takes the buffer to which the noted ranges refer.
    pub(crate) fn adopt(&mut self, buffer: &[u8]) {
        self.bytes.clear();
        self.bytes.extend_from_slice(buffer);
    }

    /// The ranges, for the serializer.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether the field may be written to a message.
    pub(crate) fn may_be_written(&self, name: &[u8], value: &[u8]) -> bool {
        !self.unsound || is_sound(name, value)
    }

    /// The range of the whole line, if it is written as `name: value` and CRLF, as we would.
    pub(crate) fn line(&self, entry: &Entry) -> Option<Range<usize>> {
        let plain = self.at(entry.name_end..entry.value_start) == b": "
            && self.at(entry.value_end..entry.value_end + 2) == b"\r\n";
        plain.then_some(entry.name_start..entry.value_end + 2)
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

/// Names only: values may be secrets.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| String::from_utf8_lossy(name))).finish()
    }
}

/// Whether a name and value can stand in a message without becoming something else.
pub(crate) fn is_sound(name: &[u8], value: &[u8]) -> bool {
    scan::is_token(name) && scan::value_end(value) == value.len()
}

/// Whether two names are the same to some server: case does not count, and underscores are
/// hyphens, as for everything that passes names through environment variables (CGI, WSGI, PHP).
pub fn same_name(a: &[u8], b: &[u8]) -> bool {
    const fn fold(byte: u8) -> u8 {
        if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }
    }
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| fold(a) == fold(b))
}

/// A set of field names, matched in every spelling.
#[derive(Debug, Clone)]
pub struct NameSet {
    names: Names,
    /// By length, one bit for each first letter, so that most names are told apart without
    /// comparing.
    starts: [u32; 64],
}

/// Names that we know, that an operator gave, or that are in one of several sets.
#[derive(Debug, Clone)]
enum Names {
    Known(&'static [&'static str]),
    Given(Box<[Box<str>]>),
    Union(&'static [&'static NameSet]),
}

impl NameSet {
    /// The longest name that a set holds, in bytes.
    pub const NAME_BYTES_MAX: usize = 63;

    /// A set of `names`, none longer than [`NameSet::NAME_BYTES_MAX`] bytes.
    pub const fn new(names: &'static [&'static str]) -> Self {
        let mut starts = [0; 64];
        let mut index = 0;
        while index < names.len() {
            let name = names[index].as_bytes();
            assert!(name.len() < 64, "a name in a NameSet has fewer than 64 bytes");
            starts[name.len()] |= start(name);
            index += 1;
        }
        Self { names: Names::Known(names), starts }
    }

    /// A set of names that were given. Longer ones than [`NameSet::NAME_BYTES_MAX`] bytes are left
    /// out.
    pub fn given<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut starts = [0; 64];
        let mut given: Vec<Box<str>> = Vec::new();
        for name in names {
            if let Some(letters) = starts.get_mut(name.len()) {
                *letters |= start(name.as_bytes());
                given.push(name.into());
            }
        }
        Self { names: Names::Given(given.into()), starts }
    }

    /// All names of several sets.
    pub const fn union(sets: &'static [&'static Self]) -> Self {
        let mut starts = [0; 64];
        let mut set = 0;
        while set < sets.len() {
            let mut length = 0;
            while length < starts.len() {
                starts[length] |= sets[set].starts[length];
                length += 1;
            }
            set += 1;
        }
        Self { names: Names::Union(sets), starts }
    }

    /// Whether `name` is in the set, in any spelling.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.starts.get(name.len()).is_some_and(|letters| letters & start(name) != 0)
            && match &self.names {
                Names::Known(known) => known.iter().any(|known| same_name(known.as_bytes(), name)),
                Names::Given(given) => given.iter().any(|given| same_name(given.as_bytes(), name)),
                Names::Union(sets) => sets.iter().any(|set| set.contains(name)),
            }
    }
}

/// The bit for a name's first letter, in either case; other bytes share theirs with a letter.
const fn start(name: &[u8]) -> u32 {
    match name {
        [b'_', ..] => start(b"-"),
        [first, ..] => 1 << (*first & 31),
        [] => 0,
    }
}

/// Fields by which a proxy tells a server who the client is, or what it asked for. Only a trusted
/// proxy may set them; from anyone else they are removed.
pub static OWNED: NameSet = NameSet::union(&[&ADDRESSES, &ROUTES, &VERIFIED]);

/// Those of [`OWNED`] that name the addresses on the way.
pub static ADDRESSES: NameSet = NameSet::new(&[
    "Forwarded",
    "X-Forwarded-For",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Original-Forwarded-For",
]);

/// Those of [`OWNED`] that say what was asked for, and not by whom.
pub static ROUTES: NameSet = NameSet::union(&[&PLACES, &OVERRIDES]);

/// Those of [`ROUTES`] that say where a request came in.
static PLACES: NameSet = NameSet::new(&[
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Scheme",
    "X-Forwarded-Ssl",
    "X-Forwarded-Server",
    "X-Forwarded-By",
    "X-Forwarded-Uri",
    "X-Forwarded-Path",
    "X-Forwarded-Prefix",
    "X-Forwarded-Method",
    "X-Original-Host",
]);

/// Those of [`OWNED`] that make some servers answer for another path or method than the one on
/// which it was decided.
pub static OVERRIDES: NameSet = NameSet::new(&[
    "X-Original-URL",
    "X-Original-URI",
    "X-Rewrite-URL",
    "X-HTTP-Method",
    "X-HTTP-Method-Override",
    "X-Method-Override",
]);

/// Those of [`OWNED`] by which a proxy says that it has verified who the client is.
pub static VERIFIED: NameSet = NameSet::new(&[
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Tls-Client-Cert",
    "X-Forwarded-Tls-Client-Cert-Info",
    "X-Remote-User",
    "Remote-User",
    "X-Client-Cert",
    "X-SSL-Cert",
    "X-SSL-Client-Cert",
    "X-SSL-Client-Verify",
    "X-SSL-Client-S-DN",
    "SSL-Client-Cert",
    "SSL-Client-Verify",
    "SSL-Client-S-DN",
    "Client-Cert",
    "Client-Cert-Chain",
]);

/// Fields that frame, route, prove or remember: `Connection` may not name them, so that nobody
/// strips one on its way, and trailers may not carry them, so that nothing arrives too late.
pub static CRITICAL: NameSet = NameSet::new(&[
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Content-Type",
    "Content-Encoding",
    "Content-Range",
    "Range",
    "Expect",
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Set-Cookie",
    "Cache-Control",
    "Age",
    "Vary",
    "Location",
    "Origin",
    "Max-Forwards",
    "Date",
    "Via",
    "X-Api-Key",
    "WWW-Authenticate",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Uri",
    "X-Real-IP",
    "Connection",
]);

/// Fields that concern one connection only and are never forwarded (RFC 9110 §7.6.1), with what a
/// gateway answers itself. `Trailer` is among them because trailers are not forwarded unasked.
pub(crate) fn is_hop_by_hop(name: &[u8]) -> bool {
    let same = |known: &[u8]| name.eq_ignore_ascii_case(known);
    match name.len() {
        2 => same(b"TE"),
        6 => same(b"Expect"),
        7 => same(b"Upgrade") || same(b"Trailer"),
        10 => same(b"Connection") || same(b"Keep-Alive"),
        14 => same(b"HTTP2-Settings"),
        16 => same(b"Proxy-Connection"),
        17 => same(b"Transfer-Encoding"),
        18 => same(b"Proxy-Authenticate"),
        19 => same(b"Proxy-Authorization"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_has_the_names_of_all_its_sets_and_no_others() {
        let table: [(&str, [&NameSet; 4], [bool; 4]); 6] = [
            ("x_real_ip", [&OWNED, &ADDRESSES, &ROUTES, &VERIFIED], [true, true, false, false]),
            (
                "X-Forwarded-Port",
                [&OWNED, &ADDRESSES, &ROUTES, &VERIFIED],
                [true, false, true, false],
            ),
            ("X-Rewrite-URL", [&OWNED, &OVERRIDES, &ROUTES, &VERIFIED], [true, true, true, false]),
            ("X-Original-Host", [&OWNED, &OVERRIDES, &ROUTES, &PLACES], [true, false, true, true]),
            (
                "ssl-client-cert",
                [&OWNED, &ADDRESSES, &ROUTES, &VERIFIED],
                [true, false, false, true],
            ),
            ("Host", [&OWNED, &ADDRESSES, &ROUTES, &VERIFIED], [false; 4]),
        ];
        let mut ran = 0;
        for (name, sets, expected) in table {
            assert_eq!(sets.map(|set| set.contains(name.as_bytes())), expected, "{name}");
            ran += 1;
        }
        assert_eq!(ran, 6);
    }
}
