//! Addresses of Bitcoin and Ethereum.

use exchange::data_class::DataClass;
use sha2::{Digest, Sha256};

/// An address that proves itself by its check sum or its form.
pub(super) fn address(text: &[u8]) -> Option<DataClass> {
    match text {
        [b'0', b'x', rest @ ..] => {
            let hex = rest.len() == 40 && rest.iter().all(u8::is_ascii_hexdigit);
            (hex && rest.iter().any(|byte| *byte != b'0')).then_some(DataClass::EthAddress)
        }
        [b'b' | b'B', b'c' | b'C', b'1', ..] => is_bech32(text).then_some(DataClass::BtcAddress),
        [b'1' | b'3', ..] => is_base58(text).then_some(DataClass::BtcAddress),
        _ => None,
    }
}

/// BIP 173 and BIP 350: a polynomial code over the human-readable part and the data.
fn is_bech32(text: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    const BECH32M: u32 = 0x2bc8_30a3;
    let mixed = text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase);
    if !(14..=74).contains(&text.len()) || mixed {
        return false;
    }
    // `bc` spelled out as the code wants it: high bits, zero, low bits
    let prefix = [3, 3, 0, 2, 3].into_iter().map(Some);
    let data = text[3..].iter().map(|byte| {
        let lower = byte.to_ascii_lowercase();
        ALPHABET.iter().position(|letter| *letter == lower).map(|at| at as u32)
    });
    let mut sum = 1_u32;
    for value in prefix.chain(data) {
        let Some(value) = value else { return false };
        let top = sum >> 25;
        sum = (sum & 0x1ff_ffff) << 5 ^ value;
        for (bit, generator) in GENERATOR.iter().enumerate() {
            sum ^= if top >> bit & 1 == 1 { *generator } else { 0 };
        }
    }
    sum == 1 || sum == BECH32M
}

/// Base 58 of a version, twenty bytes, and four bytes of a double SHA-256 of them.
fn is_base58(text: &[u8]) -> bool {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    if !(26..=35).contains(&text.len()) {
        return false;
    }
    let mut bytes = [0_u8; 25];
    for letter in text {
        let Some(value) = ALPHABET.iter().position(|known| known == letter) else { return false };
        let mut carry = value as u32;
        for byte in bytes.iter_mut().rev() {
            carry += u32::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let (payload, check) = bytes.split_at(21);
    matches!(payload[0], 0 | 5) && Sha256::digest(Sha256::digest(payload))[..4] == *check
}
