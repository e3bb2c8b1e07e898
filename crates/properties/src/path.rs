//! Paths: the canonical form is stable (P5), and no server's habit finds another path in it (P6).

use wire::target::percent_decode;
use wire::{CanonicalPath, Profile};

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let (path, oddities) = CanonicalPath::read(bytes);
    let text = path.as_str();
    assert!(text.starts_with('/') && text.is_ascii(), "{text}");
    assert!(!text.bytes().any(|byte| byte <= b' ' || matches!(byte, b'?' | b'#' | 0x7f)), "{text}");
    let (again, _) = CanonicalPath::read(text.as_bytes());
    assert_eq!(again, path, "canonical twice");
    for profile in crate::request::PROFILES {
        let parsed = CanonicalPath::parse(bytes, profile);
        assert_eq!(parsed.is_err(), oddities.refused_by(profile).is_some());
        let Ok(parsed) = parsed else { continue };
        assert_eq!(CanonicalPath::parse(parsed.as_str().as_bytes(), profile), Ok(parsed.clone()));
        match profile {
            Profile::Strict => one_reading(&parsed),
            Profile::Compat => no_climbing(&parsed),
            Profile::Observe => {}
        }
    }
}

/// Under the strict profile every habit sees the same segments: decoding once or twice, merging
/// slashes, resolving dots, cutting at semicolons, taking backslashes for slashes.
fn one_reading(path: &CanonicalPath) {
    let text = path.as_str().as_bytes();
    let plain: Vec<Vec<u8>> =
        path.segments().map(|one| percent_decode(one.as_bytes()).into_owned()).collect();
    for reading in readings(text) {
        let seen = resolved(&reading);
        let decoded: Vec<Vec<u8>> =
            seen.iter().map(|one| percent_decode(one).into_owned()).collect();
        assert_eq!(decoded, plain, "{} read as {}", path, reading.escape_ascii());
    }
}

/// Under the compatible profile a habit may cut a segment, but none leads out of where it stands.
fn no_climbing(path: &CanonicalPath) {
    for reading in readings(path.as_str().as_bytes()) {
        let mut parts = reading.split(|&byte| byte == b'/').skip(1).peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let hidden = matches!(part, b"." | b"..") || part.is_empty() && !last;
            assert!(!hidden, "{} read as {}", path, reading.escape_ascii());
        }
    }
}

/// What servers make of a path before they look for dots.
fn readings(text: &[u8]) -> Vec<Vec<u8>> {
    let once = percent_decode(text).into_owned();
    let twice = percent_decode(&once).into_owned();
    let mut all = vec![text.to_vec(), once, twice];
    for at in 0..all.len() {
        all.push(all[at].iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect());
    }
    for at in 0..all.len() {
        let cut = all[at]
            .split(|&byte| byte == b'/')
            .map(|part| part.split(|&byte| byte == b';').next().unwrap_or_default().to_vec());
        all.push(cut.collect::<Vec<_>>().join(&b'/'));
    }
    all
}

/// The segments that are left when slashes are merged and dots resolved.
fn resolved(text: &[u8]) -> Vec<Vec<u8>> {
    let mut segments: Vec<Vec<u8>> = Vec::new();
    for part in text.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            _ => segments.push(part.to_vec()),
        }
    }
    segments
}
