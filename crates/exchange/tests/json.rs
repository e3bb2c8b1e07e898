//! The reader of JSON against the public test suite, and against another parser on random values.

use exchange::json::{Container, FaultKind, Literal, Sink, Text, read};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::corpus;

/// Builds a tree, which the product never does.
#[derive(Default)]
struct Tree {
    open: Vec<(Value, Option<String>)>,
    name: Option<String>,
    root: Option<Value>,
}

impl Tree {
    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some((Value::Array(elements), _)) => elements.push(value),
            Some((Value::Object(members), _)) => {
                members.insert(self.name.take().unwrap(), value);
            }
            Some(_) => unreachable!("only containers are open"),
        }
    }
}

impl Sink for Tree {
    fn open(&mut self, container: Container) {
        let value = match container {
            Container::Array => Value::Array(Vec::new()),
            Container::Object => Value::Object(Map::new()),
        };
        self.open.push((value, self.name.take()));
    }
    fn close(&mut self, _: Container) {
        let (value, name) = self.open.pop().unwrap();
        self.name = name;
        self.put(value);
    }
    fn name(&mut self, name: Text<'_>) {
        self.name = Some(name.decode().into_owned());
    }
    fn string(&mut self, text: Text<'_>) {
        self.put(Value::String(text.decode().into_owned()));
    }
    fn number(&mut self, digits: &str) {
        self.put(serde_json::from_str(digits).unwrap_or(Value::Null));
    }
    fn literal(&mut self, literal: Literal) {
        self.put(match literal {
            Literal::False => Value::Bool(false),
            Literal::Null => Value::Null,
            Literal::True => Value::Bool(true),
        });
    }
}

fn tree(text: &[u8]) -> Result<Value, FaultKind> {
    let mut tree = Tree::default();
    read(text, &mut tree).map_err(|fault| fault.kind)?;
    Ok(tree.root.unwrap())
}

/// What the suite leaves open and we refuse: text that is not UTF-8, and half a surrogate pair.
const REFUSED: [&str; 25] = [
    "i_object_key_lone_2nd_surrogate.json",
    "i_string_1st_surrogate_but_2nd_missing.json",
    "i_string_1st_valid_surrogate_2nd_invalid.json",
    "i_string_UTF-16LE_with_BOM.json",
    "i_string_UTF-8_invalid_sequence.json",
    "i_string_UTF8_surrogate_U+D800.json",
    "i_string_incomplete_surrogate_and_escape_valid.json",
    "i_string_incomplete_surrogate_pair.json",
    "i_string_incomplete_surrogates_escape_valid.json",
    "i_string_invalid_lonely_surrogate.json",
    "i_string_invalid_surrogate.json",
    "i_string_invalid_utf-8.json",
    "i_string_inverted_surrogates_U+1D11E.json",
    "i_string_iso_latin_1.json",
    "i_string_lone_second_surrogate.json",
    "i_string_lone_utf8_continuation_byte.json",
    "i_string_not_in_unicode_range.json",
    "i_string_overlong_sequence_2_bytes.json",
    "i_string_overlong_sequence_6_bytes.json",
    "i_string_overlong_sequence_6_bytes_null.json",
    "i_string_truncated-utf-8.json",
    "i_string_utf16BE_no_BOM.json",
    "i_string_utf16LE_no_BOM.json",
    "i_structure_500_nested_arrays.json",
    "i_structure_UTF-8_BOM_empty_object.json",
];

#[test]
fn the_public_suite() {
    let mut counts = [0; 3];
    for (path, bytes) in corpus::files("json-test-suite/test_parsing") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let result = tree(&bytes);
        match name.as_bytes()[0] {
            b'y' => {
                let theirs: Value = serde_json::from_slice(&bytes).unwrap();
                assert_eq!(result, Ok(theirs), "{name}");
                counts[0] += 1;
            }
            b'n' => {
                assert!(result.is_err(), "{name}");
                counts[1] += 1;
            }
            _ => {
                let refused = REFUSED.contains(&name.as_str());
                assert_eq!(result.is_err(), refused, "{name}: {result:?}");
                counts[2] += 1;
            }
        }
    }
    assert!(counts == [0; 3] || counts == [95, 188, 35], "{counts:?}");
}

#[test]
fn faults_are_named() {
    let deep = "[".repeat(65);
    let cases: &[(&[u8], FaultKind)] = &[
        (b"", FaultKind::Truncated),
        (b"  ", FaultKind::Truncated),
        (b"{\"a\":", FaultKind::Truncated),
        (b"\"abc", FaultKind::Truncated),
        (b"tru", FaultKind::Truncated),
        (b"\"\\u12", FaultKind::Truncated),
        (b"[1,]", FaultKind::Syntax),
        (b"{\"a\":1,}", FaultKind::Syntax),
        (b"{a:1}", FaultKind::Syntax),
        (b"[1 2]", FaultKind::Syntax),
        (b"[1}", FaultKind::Syntax),
        (b"'a'", FaultKind::Syntax),
        (b"01", FaultKind::Number),
        (b"1.", FaultKind::Number),
        (b"-", FaultKind::Number),
        (b"1e+", FaultKind::Number),
        (b"0x1", FaultKind::Number),
        (b"\"\\x\"", FaultKind::Escape),
        (b"\"\\ud800\"", FaultKind::Escape),
        (b"\"\\ud800\\u0041\"", FaultKind::Escape),
        (b"\"a\x01b\"", FaultKind::ControlCharacter),
        (b"\"\x1f", FaultKind::ControlCharacter),
        (b"{} {}", FaultKind::Trailing),
        (b"1,", FaultKind::Trailing),
        (b"\"\xff\"", FaultKind::Utf8),
        (deep.as_bytes(), FaultKind::Depth),
    ];
    for (text, expected) in cases {
        assert_eq!(tree(text), Err(*expected), "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(cases.len(), 26);
    let fits = format!("{}{}", "[".repeat(64), "]".repeat(64));
    assert!(tree(fits.as_bytes()).is_ok());
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z\"\\\\\n\u{0}-\u{2f}é日😀]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_another_writes_reads_as_it_was(value in values()) {
        let compact = serde_json::to_vec(&value).unwrap();
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        let expected: Value = serde_json::from_slice(&compact).unwrap();
        prop_assert_eq!(tree(&compact), Ok(expected.clone()));
        prop_assert_eq!(tree(&pretty), Ok(expected));
    }

    #[test]
    fn what_another_refuses_is_refused(
        value in values(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let place = at.index(text.len());
        text[place] = byte;
        let theirs = serde_json::from_slice::<Value>(&text);
        match tree(&text) {
            // duplicate names and huge numbers are the only matters of taste
            Ok(ours) => prop_assert!(theirs.is_err() || theirs.unwrap() == ours),
            Err(_) => prop_assert!(theirs.is_err()),
        }
    }

    #[test]
    fn no_bytes_break_it(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _refused = tree(&text).is_err();
    }
}
