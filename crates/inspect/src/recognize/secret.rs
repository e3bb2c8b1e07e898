//! Keys, tokens and hashes that show by themselves what they are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use exchange::data_class::DataClass;
use memchr::memmem;

/// A token without white space.
pub(super) fn token(text: &[u8]) -> Option<DataClass> {
    if text.len() < 16 {
        return None;
    }
    match text[0] {
        b'A' if text.starts_with(b"AKIA") || text.starts_with(b"ASIA") => {
            let rest = text[4..].iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
            (rest && text.len() == 20).then_some(DataClass::AwsAccessKey)
        }
        b'A' if text.starts_with(b"AIza") => {
            (text.len() == 39 && text.iter().all(is_word)).then_some(DataClass::GoogleApiKey)
        }
        b'G' if text.starts_with(b"GOCSPX-") => {
            (text.len() == 35 && text.iter().all(is_word)).then_some(DataClass::GoogleApiKey)
        }
        b'g' => is_github(text).then_some(DataClass::GithubToken),
        b'x' => is_slack(text).then_some(DataClass::SlackToken),
        b'r' | b's' | b'w' if is_stripe(text) => Some(DataClass::StripeKey),
        b'e' => is_jwt(text).then_some(DataClass::Jwt),
        b'$' | b'{' | b'p' | b's' => is_password_hash(text).then_some(DataClass::PasswordHash),
        _ => None,
    }
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_github(text: &[u8]) -> bool {
    if let Some(rest) = text.strip_prefix(b"github_pat_") {
        return rest.len() >= 50 && rest.iter().all(is_word);
    }
    let [b'g', b'h', b'p' | b'o' | b'u' | b's' | b'r', b'_', rest @ ..] = text else {
        return false;
    };
    (36..=251).contains(&rest.len()) && rest.iter().all(u8::is_ascii_alphanumeric)
}

fn is_slack(text: &[u8]) -> bool {
    let rest = match text {
        [b'x', b'o', b'x', b'a' | b'b' | b'e' | b'p' | b'r' | b's', b'-', rest @ ..]
        | [b'x', b'a', b'p', b'p', b'-', rest @ ..] => rest,
        _ => return false,
    };
    rest.len() >= 12
        && rest.iter().all(is_word)
        && rest.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
}

fn is_stripe(text: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 5] = [b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_", b"whsec_"];
    PREFIXES
        .iter()
        .filter_map(|prefix| text.strip_prefix(*prefix))
        .any(|rest| rest.len() >= 16 && rest.iter().all(u8::is_ascii_alphanumeric))
}

/// Three parts (five when encrypted), the first of which decodes to a header that names an
/// algorithm.
fn is_jwt(text: &[u8]) -> bool {
    if !text.starts_with(b"eyJ") {
        return false;
    }
    let parts = text.split(|byte| *byte == b'.');
    let count = parts.clone().take(6).count();
    let wordy = parts.clone().all(|part| part.iter().all(is_word));
    let Some(header) = parts.clone().next().filter(|header| header.len() <= 4_096) else {
        return false;
    };
    if !matches!(count, 3 | 5) || !wordy || parts.clone().nth(1).is_none_or(<[u8]>::is_empty) {
        return false;
    }
    URL_SAFE_NO_PAD
        .decode(header)
        .is_ok_and(|header| header.starts_with(b"{") && memmem::find(&header, b"\"alg\"").is_some())
}

/// The forms of crypt(3), PHC strings, Django, LDAP and Werkzeug.
pub(super) fn is_password_hash(text: &[u8]) -> bool {
    let parts = || text.split(|byte| *byte == b'$');
    match text {
        [b'$', b'2', b'a' | b'b' | b'x' | b'y', b'$', ..] => text.len() == 60,
        [b'$', b'1' | b'5' | b'6' | b'y', b'$', rest @ ..] => {
            rest.len() >= 24 && rest.contains(&b'$')
        }
        [b'$', ..] => {
            let known = [&b"$argon2"[..], b"$pbkdf2", b"$scrypt$", b"$bcrypt-sha256$", b"$apr1$"];
            text.len() >= 30 && known.iter().any(|prefix| text.starts_with(prefix))
        }
        [b'{', ..] => {
            let known = [&b"{SSHA}"[..], b"{SHA}", b"{SSHA256}", b"{SSHA512}", b"{CRYPT}"];
            text.len() >= 30 && known.iter().any(|prefix| text.starts_with(prefix))
        }
        [b'p', ..] => text.starts_with(b"pbkdf2") && parts().count() >= 3 && text.len() >= 40,
        [b's', ..] => text.starts_with(b"scrypt:") && parts().count() >= 3 && text.len() >= 40,
        _ => false,
    }
}

/// A PEM block with a private key.
pub(super) fn has_private_key(text: &[u8]) -> bool {
    memmem::find_iter(text, b"-----BEGIN ").any(|at| {
        let label = &text[at + 11..];
        let end = memmem::find(label, b"-----").unwrap_or(0);
        let label = label.get(..end.min(40)).unwrap_or_default();
        label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK")
    })
}

/// A URL with user and password, or the key-value form of database drivers.
pub(super) fn is_connection_string(text: &[u8]) -> bool {
    if let Some(at) = memmem::find(text, b"://") {
        let rest = &text[at + 3..];
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'#' | b' ' | b'"' | b'\n'))
            .unwrap_or(rest.len());
        // a password may hold an `@`; the last one ends it
        let Some(host) = rest[..end].iter().rposition(|byte| *byte == b'@') else { return false };
        let Some(colon) = rest[..host].iter().position(|byte| *byte == b':') else { return false };
        return host + 1 < end && is_real(&rest[colon + 1..host]);
    }
    let mut has_place = false;
    let mut has_password = false;
    for pair in text.split(|byte| *byte == b';') {
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        let name = pair[..equals].trim_ascii().to_ascii_lowercase();
        match name.as_slice() {
            b"server" | b"host" | b"data source" | b"accountname" | b"endpoint" => has_place = true,
            b"password" | b"pwd" | b"accountkey" | b"sharedaccesskey" => {
                has_password = is_real(pair[equals + 1..].trim_ascii());
            }
            _ => {}
        }
    }
    has_place && has_password
}

/// Not a mask or a place for a password to be put in.
pub(super) fn is_real(password: &[u8]) -> bool {
    let masked = password.iter().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.'));
    let place = matches!(password.first(), Some(b'<' | b'{' | b'$' | b'%' | b'['));
    !password.is_empty() && !masked && !place
}

/// Forty characters of base 64 that are not forty hexadecimal digits.
pub(super) fn is_aws_secret(text: &[u8]) -> bool {
    text.len() == 40
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && text.iter().any(u8::is_ascii_uppercase)
        && text.iter().any(|byte| matches!(byte, b'g'..=b'z'))
}
