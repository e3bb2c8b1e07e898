//! Host and port, in the one form in which they are compared and forwarded.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::refusal::Refusal;

/// Bytes of a host name without the dot at its end (RFC 1035 §3.1).
const HOST_BYTES: usize = 253;
/// Bytes of one label of a host name.
const LABEL_BYTES: usize = 63;

/// A host and perhaps a port: lower case, without a dot at the end, IPv6 addresses in brackets and
/// in their shortest form (RFC 5952).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Reads `host`, `host:port` or `[v6]:port`.
    ///
    /// # Errors
    /// [`Refusal::HostInvalid`] for anything that is no host name and no address: user information,
    /// lists, paths, zone ids, numbers that only some resolvers read as an address, and labels of
    /// the form `xn--example-`, which stand for plain ASCII. [`Refusal::HostPort`] for a port that
    /// is not a plain number from 1 to 65535.
    pub fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let mut authority = Self::default();
        authority.assign(text)?;
        Ok(authority)
    }

    /// The host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where one was given.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Becomes what `text` says, reusing its memory.
    pub(crate) fn assign(&mut self, text: &[u8]) -> Result<(), Refusal> {
        self.host.clear();
        self.port = None;
        if let Some(rest) = text.strip_prefix(b"[") {
            let end = memchr::memchr(b']', rest).ok_or(Refusal::HostInvalid)?;
            let (address, after) = rest.split_at(end);
            self.host = bracketed(address)?;
            return match after.strip_prefix(b"]") {
                Some([]) => Ok(()),
                Some([b':', port @ ..]) => self.assign_port(port),
                _ => Err(Refusal::HostInvalid),
            };
        }
        match memchr::memchr(b':', text) {
            Some(colon) => {
                let (host, port) = text.split_at(colon);
                self.assign_name(host)?;
                self.assign_port(port.strip_prefix(b":").unwrap_or_default())
            }
            None => self.assign_name(text),
        }
    }

    fn assign_name(&mut self, name: &[u8]) -> Result<(), Refusal> {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.is_empty() || name.len() > HOST_BYTES {
            return Err(Refusal::HostInvalid);
        }
        let mut labels = name.split(|&b| b == b'.');
        if !labels.all(is_label) || !has_sound_end(name) {
            return Err(Refusal::HostInvalid);
        }
        self.host.push_str(std::str::from_utf8(name).map_err(|_| Refusal::HostInvalid)?);
        self.host.make_ascii_lowercase();
        Ok(())
    }

    fn assign_port(&mut self, digits: &[u8]) -> Result<(), Refusal> {
        let plain = matches!(digits, [b'1'..=b'9', ..])
            && digits.len() <= 5
            && digits.iter().all(u8::is_ascii_digit);
        let number = digits.iter().fold(0_u32, |sum, &digit| {
            sum.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0')))
        });
        match u16::try_from(number) {
            Ok(port) if plain => {
                self.port = Some(port);
                Ok(())
            }
            _ => Err(Refusal::HostPort),
        }
    }

    /// Whether both name the same place, where a missing port is `default_port`.
    pub(crate) fn is_same_place(&self, other: &Self, default_port: u16) -> bool {
        self.host == other.host
            && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }

    /// Whether `text` is already what `Display` would write.
    pub(crate) fn is_written_as(&self, text: &[u8]) -> bool {
        match text.strip_prefix(self.host.as_bytes()) {
            // A port was accepted as a plain number only, so there is one way to write it.
            Some(rest) => rest.is_empty() || rest.first() == Some(&b':'),
            None => false,
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

fn bracketed(address: &[u8]) -> Result<String, Refusal> {
    let text = std::str::from_utf8(address).map_err(|_| Refusal::HostInvalid)?;
    let address: Ipv6Addr = text.parse().map_err(|_| Refusal::HostInvalid)?;
    Ok(format!("[{address}]"))
}

/// Letters, digits, hyphens, and the underscore that internal names use.
fn is_label(label: &[u8]) -> bool {
    (1..=LABEL_BYTES).contains(&label.len())
        && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        && !masks_ascii(label)
}

/// Whether an internationalised label encodes no character above ASCII, so that some resolvers
/// take it for the plain name in front of its last hyphen (RUSTSEC-2024-0421).
fn masks_ascii(label: &[u8]) -> bool {
    match label.split_at_checked(4) {
        Some((prefix, rest)) => {
            prefix.eq_ignore_ascii_case(b"xn--") && (rest.is_empty() || rest.ends_with(b"-"))
        }
        None => false,
    }
}

/// A name whose last label is a number is an address to every resolver (WHATWG URL §3.5): then it
/// must be four decimal numbers, not one of the shorter, octal or hexadecimal spellings.
fn has_sound_end(name: &[u8]) -> bool {
    let last = name.rsplit(|&b| b == b'.').next().unwrap_or_default();
    let decimal = last.iter().all(u8::is_ascii_digit);
    let hexadecimal = match last {
        [b'0', b'x' | b'X', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    };
    if !decimal && !hexadecimal {
        return true;
    }
    std::str::from_utf8(name).is_ok_and(|text| text.parse::<Ipv4Addr>().is_ok())
}
