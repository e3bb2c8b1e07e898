//! The cases of AWS's http-desync-guardian (Apache-2.0), where that corpus is at hand: what it
//! calls severe must be refused.

use std::collections::BTreeMap;
use std::path::Path;

use wire::{HeadLimits, Profile, RequestHead, request};

const CORPUS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/data/http-desync/aws-http-desync-guardian/tests"
);

const FILES: [&str; 9] = [
    "acceptable",
    "ambiguous",
    "bad-header-characters",
    "edge-cases",
    "more-compliant-tests",
    "real-life-test-cases",
    "rfc-compliant",
    "severe",
    "uri-specific-test-cases",
];

/// One case: the head as it would come over the wire, and how it is classed.
#[derive(Default)]
struct Case {
    name: String,
    method: Vec<u8>,
    target: Vec<u8>,
    version: Vec<u8>,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    tier: String,
}

impl Case {
    fn head(&self) -> Vec<u8> {
        let mut head = [&self.method, b" ".as_slice(), &self.target].concat();
        if !self.version.is_empty() {
            head.push(b' ');
            head.extend_from_slice(&self.version);
        }
        head.extend_from_slice(b"\r\n");
        // The corpus leaves out Host, which is not what it is about.
        let has_host = self.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"host"));
        if !has_host {
            head.extend_from_slice(b"Host: a\r\n");
        }
        for (name, value) in &self.fields {
            head.extend_from_slice(&[name, b": ".as_slice(), value, b"\r\n"].concat());
        }
        head.extend_from_slice(b"\r\n");
        head
    }
}

/// Reads the few lines of YAML of which the corpus makes use.
fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut expected = false;
    for line in text.lines() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        let Some((key, value)) = bare.split_once(':') else { continue };
        let value = scalar(value.trim());
        if (indent, key) == (0, "- name") {
            expected = false;
            let name = String::from_utf8_lossy(&value).into_owned();
            cases.push(Case { name, ..Case::default() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        match (indent, key) {
            (2, "uri") => case.target = value,
            (2, "method") => case.method = value,
            (2, "version") => case.version = value,
            (2, "expected") => expected = true,
            (4, "- name") if !expected => case.fields.push((value, Vec::new())),
            (6, "value") if !expected => {
                if let Some(field) = case.fields.last_mut() {
                    field.1 = value;
                }
            }
            (4, "tier") if expected => case.tier = String::from_utf8_lossy(&value).into_owned(),
            _ => {}
        }
    }
    cases
}

/// A YAML scalar: plain, in single quotes, or in double quotes with escapes.
fn scalar(text: &str) -> Vec<u8> {
    let plain = text.split(" #").next().unwrap_or(text).trim_end();
    let inner = |quote| plain.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    match (inner('\''), inner('"')) {
        (Some(text), _) => text.replace("''", "'").into_bytes(),
        (None, Some(text)) => {
            let escaped = text.replace("\\\"", "\\x22").replace("\\0", "\\x00");
            crate::table::plain(&escaped)
        }
        (None, None) => plain.as_bytes().to_vec(),
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the corpus is too large to be kept here")]
fn severe_heads_are_refused() {
    assert!(Path::new(CORPUS).exists(), "the corpus is not there: {CORPUS}");
    let mut tally: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for file in FILES {
        let text = std::fs::read_to_string(Path::new(CORPUS).join(file).with_extension("yaml"));
        for case in cases(&text.unwrap()) {
            let mut head = RequestHead::new();
            let limits = HeadLimits::request();
            let parsed = request::parse_head(&case.head(), &limits, Profile::Strict, &mut head);
            assert!(parsed.is_err() || case.tier != "Severe", "{file}: {}", case.name);
            *tally.entry((case.tier, parsed.is_ok())).or_default() += 1;
        }
    }
    // Compliant to the guardian, and refused here: several transfer codings, fragments, raw bytes
    // above ASCII and encoded control bytes. Ambiguous to it, and accepted here: GET and HEAD
    // with a body, since that body is framed without doubt.
    let count = |tier: &str, accepted| {
        tally.get(&(String::from(tier), accepted)).copied().unwrap_or_default()
    };
    assert_eq!((count("Severe", false), count("Severe", true)), (58, 0));
    assert_eq!((count("Ambiguous", false), count("Ambiguous", true)), (51, 6));
    assert_eq!((count("Acceptable", false), count("Acceptable", true)), (13, 2));
    assert_eq!((count("Compliant", false), count("Compliant", true)), (13, 15));
}
