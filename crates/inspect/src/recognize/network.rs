//! Addresses of machines, and what only looks like them.

use std::net::{Ipv4Addr, Ipv6Addr};

use exchange::data_class::DataClass;

use super::name::Hint;

/// Four numbers with points. Version numbers look the same, so without a name that says so one of
/// them must be larger than versions get.
pub(super) fn ipv4(text: &str, hint: Hint) -> Option<DataClass> {
    let address: Ipv4Addr = text.parse().ok()?;
    let large = address.octets().iter().any(|octet| *octet >= 100);
    let told = match hint {
        Hint::Ip => true,
        Hint::Version | Hint::Plain => false,
        _ => large,
    };
    (told && !address.is_unspecified()).then_some(DataClass::Ipv4)
}

/// Groups of hexadecimal digits with colons. `12:30:45` is none, and `::` stands in the names of
/// some languages.
pub(super) fn ipv6(text: &str) -> Option<DataClass> {
    let address: Ipv6Addr = text.parse().ok()?;
    (text.len() >= 4 && !address.is_unspecified()).then_some(DataClass::Ipv6)
}

/// Six pairs with colons or dashes, or three groups of four with points.
pub(super) fn is_mac(text: &[u8]) -> bool {
    let (step, separators) = match text.len() {
        17 => (3, &b":-"[..]),
        14 => (5, &b"."[..]),
        _ => return false,
    };
    let separator = text[step - 1];
    separators.contains(&separator)
        && text.iter().enumerate().all(|(at, byte)| {
            if at % step == step - 1 { *byte == separator } else { byte.is_ascii_hexdigit() }
        })
        && text.iter().any(|byte| byte.is_ascii_hexdigit() && *byte != b'0')
}
