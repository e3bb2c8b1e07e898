//! Cases as they stand in the files: input, upstream's script, and what must come of it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use toml::{Table, Value};

/// Memory that one case may take beside what it sends and receives (hostile-input §3.3), in KiB.
const MEMORY_KIB: u64 = 8 << 10;

/// Processor time of one case in ms, gateway, client and upstream together: an unoptimised build
/// takes about ten for an ordinary exchange with the start and stop of its gateway.
const CPU_MS: u64 = 400;

/// What becomes of the client's connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// The gateway closes it after its last answer.
    Closes,
    /// It carries another request.
    Lives,
    /// It is reset.
    Resets,
}

/// What a scripted upstream does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Write(Vec<u8>),
    Pause,
    Close,
    Reset,
}

/// One case.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) settings: Vec<String>,
    /// Pieces of the input, each written by itself.
    pub(crate) input: Vec<Vec<u8>>,
    /// The client says that it has finished sending.
    pub(crate) finishes: bool,
    /// The upstream's scripts, for one request after the other; the last one for all others.
    pub(crate) script: Arc<[Vec<Act>]>,
    /// The upstream answers as soon as it has read a head.
    pub(crate) early: bool,
    /// The client is told to be patient for a short time only.
    pub(crate) hurried: bool,
    pub(crate) statuses: Vec<u16>,
    pub(crate) fate: Fate,
    /// What upstream connections received, in the order in which they were opened.
    pub(crate) sent: Vec<Vec<u8>>,
    /// Small chunks may have been joined on their way, as reading cut them.
    pub(crate) joined: bool,
    pub(crate) received: Option<Vec<u8>>,
    pub(crate) reasons: Vec<String>,
    pub(crate) findings: Vec<String>,
    pub(crate) problem: Option<String>,
    /// For whom the request counts.
    pub(crate) client: Option<IpAddr>,
    pub(crate) memory_kib: u64,
    pub(crate) cpu_ms: u64,
}

/// A file of cases.
#[derive(Debug)]
pub(crate) struct Family {
    settings: BTreeMap<String, String>,
    pub(crate) cases: Vec<Case>,
}

impl Family {
    pub(crate) fn read(text: &str) -> Self {
        let mut table: Table = text.parse().unwrap();
        let settings = table.remove("settings").unwrap();
        let settings = settings.as_table().unwrap().iter();
        let settings =
            settings.map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()));
        let cases = table.remove("case").unwrap();
        let cases = cases.as_array().unwrap().iter().map(|case| case_of(case.as_table().unwrap()));
        Self { settings: settings.collect(), cases: cases.collect() }
    }

    pub(crate) fn setting(&self, name: &str) -> String {
        self.settings.get(name).unwrap_or_else(|| panic!("no settings `{name}`")).clone()
    }
}

fn case_of(table: &Table) -> Case {
    const KEYS: [&str; 19] = [
        "id",
        "title",
        "settings",
        "in",
        "finishes",
        "upstream",
        "early",
        "hurried",
        "status",
        "connection",
        "sent",
        "joined",
        "received",
        "reason",
        "finding",
        "problem",
        "client",
        "memory_kib",
        "cpu_ms",
    ];
    let id = table["id"].as_str().unwrap().to_owned();
    let strange: Vec<&String> = table.keys().filter(|k| !KEYS.contains(&k.as_str())).collect();
    assert!(strange.is_empty(), "{id}: {strange:?}");
    assert!(table["title"].as_str().is_some_and(|title| !title.is_empty()), "{id} has a title");
    let flag = |name: &str| table.get(name).is_some_and(|value| value.as_bool().unwrap());
    let number = |name: &str, other: u64| {
        table.get(name).map_or(other, |value| value.as_integer().unwrap().try_into().unwrap())
    };
    let or_one = |name: &str, other: &str| {
        let texts = texts(table.get(name));
        if texts.is_empty() { vec![other.to_owned()] } else { texts }
    };
    let case = Case {
        settings: or_one("settings", "block"),
        input: texts(table.get("in")).iter().map(|text| bytes(text)).collect(),
        finishes: flag("finishes"),
        script: or_one("upstream", "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
            .iter()
            .map(|text| acts(text))
            .collect(),
        early: flag("early"),
        hurried: flag("hurried"),
        statuses: list(table.get("status"))
            .iter()
            .map(|status| status.as_integer().unwrap().try_into().unwrap())
            .collect(),
        fate: match table["connection"].as_str().unwrap() {
            "closes" => Fate::Closes,
            "lives" => Fate::Lives,
            "resets" => Fate::Resets,
            other => panic!("{id}: `{other}` is no fate"),
        },
        sent: texts(table.get("sent")).iter().map(|text| bytes(text)).collect(),
        joined: flag("joined"),
        received: table.get("received").map(|text| bytes(text.as_str().unwrap())),
        reasons: texts(table.get("reason")),
        findings: texts(table.get("finding")),
        problem: table.get("problem").map(|text| text.as_str().unwrap().to_owned()),
        client: table.get("client").map(|text| text.as_str().unwrap().parse().unwrap()),
        memory_kib: number("memory_kib", MEMORY_KIB),
        cpu_ms: number("cpu_ms", CPU_MS),
        id,
    };
    let refused = case.sent.is_empty() && case.statuses.iter().any(|status| *status >= 400);
    let grounds = !case.reasons.is_empty() || case.problem.is_some();
    assert!(!refused || grounds, "{}: a refusal has a reason", case.id);
    case
}

fn list(value: Option<&Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    list(value).iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// A script: bytes, with `\P` for a pause, `\C` for the end of the connection, `\X` for a reset.
fn acts(text: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    let mut rest = text;
    while let Some(at) = ["\\P", "\\C", "\\X"].iter().filter_map(|mark| rest.find(mark)).min() {
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            acts.push(Act::Write(bytes(before)));
        }
        let (mark, after) = after.split_at(2);
        acts.push(match mark {
            "\\P" => Act::Pause,
            "\\C" => Act::Close,
            _ => Act::Reset,
        });
        rest = after;
    }
    if !rest.is_empty() {
        acts.push(Act::Write(bytes(rest)));
    }
    acts
}

/// The bytes that a text stands for: `\r`, `\n`, `\t`, `\\`, `\xHH`, `\{COUNT*TEXT}`; `\H` for the
/// rest of a request line with the usual Host, `\F` for what the gateway says of that client.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let text = text.replace("\\H", " HTTP/1.1\\r\\nHost: shop\\r\\n").replace(
        "\\F",
        "X-Forwarded-For: 127.0.0.1\\r\\nX-Forwarded-Proto: http\\r\\nX-Forwarded-Host: shop\\r\\n",
    );
    let mut out = Vec::new();
    let rest = unescape(text.as_bytes(), false, &mut out);
    assert!(rest.is_empty(), "unbalanced braces: {text}");
    out
}

/// Appends bytes up to a closing brace; returns what follows it.
fn unescape<'a>(mut text: &'a [u8], nested: bool, out: &mut Vec<u8>) -> &'a [u8] {
    while let Some((&byte, rest)) = text.split_first() {
        text = rest;
        match (byte, rest) {
            (b'\\', [b'r', after @ ..]) => (text = after, out.push(b'\r')).1,
            (b'\\', [b'n', after @ ..]) => (text = after, out.push(b'\n')).1,
            (b'\\', [b't', after @ ..]) => (text = after, out.push(b'\t')).1,
            (b'\\', [b'\\', after @ ..]) => (text = after, out.push(b'\\')).1,
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits = String::from_utf8(vec![*high, *low]).unwrap();
                out.push(u8::from_str_radix(&digits, 16).unwrap());
                text = after;
            }
            (b'\\', [b'{', after @ ..]) => {
                let star = after.iter().position(|&b| b == b'*').unwrap();
                let count = std::str::from_utf8(&after[..star]).unwrap().parse().unwrap();
                let mut piece = Vec::new();
                text = unescape(&after[star + 1..], true, &mut piece);
                out.extend(piece.repeat(count));
            }
            (b'\\', _) => panic!("unknown escape"),
            (b'}', _) if nested => return rest,
            _ => out.push(byte),
        }
    }
    text
}
