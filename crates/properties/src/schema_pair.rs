//! Pairs of a schema and an instance, made from a number: what our validator says of them, the
//! `jsonschema` crate must say, too. Names, values and limits come from small sets, so that
//! keywords meet what they speak about.

use contract::{Draft, Schema};
use serde_json::{Map, Number, Value, json};

/// A sequence of numbers that looks random (xorshift64*, Vigna 2016) and is always the same.
#[derive(Clone, Debug)]
pub struct Sequence(u64);

impl Sequence {
    /// The sequence of this number.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap_or(0)]
    }
}

const NAMES: [&str; 5] = ["a", "b", "c", "long name", "ü/~"];
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
const TEXTS: [&str; 8] = ["", "a", "ab", "abc", "ü", "12", "2026-11-24", "a/b~\"\\\n"];
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "1.0",
    "1.5",
    "-0.5",
    "10",
    "1e2",
    "0.1",
    "4294967296",
    "9007199254740993",
    "-0",
];
const PATTERNS: [&str; 6] = ["^a", "b$", "^\\d+$", "^[a-c]{1,2}$", "", "ü"];
const FORMATS: [&str; 6] = ["date", "date-time", "uuid", "ipv4", "email", "uri"];

/// How deep schemas and instances are nested.
const DEPTH: u32 = 3;

/// Compares the verdicts on one schema and `instances` values; how many were valid.
///
/// # Panics
/// The verdicts differ.
pub fn check(seed: u64, instances: usize) -> usize {
    let mut sequence = Sequence::new(seed);
    let mut schema = schema(&mut sequence, DEPTH);
    if let Value::Object(map) = &mut schema {
        let inner = [("x", 1), ("y", 2)];
        let list = inner.map(|(name, depth)| (name.to_owned(), self::schema(&mut sequence, depth)));
        map.insert("$defs".to_owned(), Value::Object(list.into_iter().collect()));
    }
    let ours = Schema::compile(&[("", &schema)], Draft::Draft202012, true);
    let theirs = jsonschema::options()
        .offline()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&schema);
    let (Ok(ours), Ok(theirs)) = (ours, theirs) else {
        panic!("{seed}: does not compile: {schema}")
    };
    let mut valid = 0;
    for _ in 0..instances {
        let value = instance(&mut sequence, DEPTH);
        let text = value.to_string();
        let departures = ours.departures(text.as_bytes());
        let expected = theirs.is_valid(&value);
        let found = departures.as_ref().is_ok_and(Vec::is_empty);
        assert_eq!(found, expected, "{seed}: {schema}\n{text}\n{departures:?}");
        valid += usize::from(found);
    }
    valid
}

fn number(sequence: &mut Sequence) -> Value {
    let text = sequence.one_of(&NUMBERS);
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

fn instance(sequence: &mut Sequence, depth: u32) -> Value {
    let count = sequence.below(5);
    match sequence.below(if depth == 0 { 4 } else { 9 }) {
        0 => Value::Null,
        1 => Value::Bool(sequence.below(2) == 0),
        2 => number(sequence),
        3 => Value::String(sequence.one_of(&TEXTS).to_owned()),
        4 | 5 => (0..count).map(|_| instance(sequence, depth - 1)).collect(),
        _ => {
            let mut map = Map::new();
            for _ in 0..count {
                let name = sequence.one_of(&NAMES).to_owned();
                map.insert(name, instance(sequence, depth - 1));
            }
            Value::Object(map)
        }
    }
}

fn schema(sequence: &mut Sequence, depth: u32) -> Value {
    if depth == 0 {
        return match sequence.below(6) {
            0 => Value::Bool(sequence.below(3) != 0),
            _ => json!({ "type": sequence.one_of(&TYPES) }),
        };
    }
    let mut map = Map::new();
    for _ in 0..=sequence.below(3) {
        match sequence.below(4) {
            0 => plain(sequence, &mut map),
            1 => combined(sequence, depth, &mut map),
            2 => object(sequence, depth, &mut map),
            _ => array(sequence, depth, &mut map),
        }
    }
    Value::Object(map)
}

fn list(sequence: &mut Sequence, depth: u32) -> Value {
    (0..=sequence.below(2)).map(|_| schema(sequence, depth - 1)).collect()
}

fn put(map: &mut Map<String, Value>, keyword: &str, value: impl Into<Value>) {
    map.insert(keyword.to_owned(), value.into());
}

fn plain(sequence: &mut Sequence, map: &mut Map<String, Value>) {
    let small = sequence.below(4);
    match sequence.below(14) {
        0 | 1 => put(map, "type", sequence.one_of(&TYPES)),
        2 => put(map, "type", vec!["string", "object", sequence.one_of(&TYPES[..5])]),
        3 => put(map, "minimum", number(sequence)),
        4 => put(map, "maximum", number(sequence)),
        5 => put(map, "exclusiveMinimum", number(sequence)),
        6 => put(map, "exclusiveMaximum", number(sequence)),
        7 => put(map, "multipleOf", sequence.one_of(&[1.0, 2.0, 0.5, 0.1])),
        8 => put(map, "minLength", small),
        9 => put(map, "maxLength", small),
        10 => put(map, "pattern", sequence.one_of(&PATTERNS)),
        11 => put(map, "format", sequence.one_of(&FORMATS)),
        12 => put(map, "const", instance(sequence, 2)),
        _ => {
            let mut values: Vec<Value> = Vec::new();
            for _ in 0..=small {
                let value = instance(sequence, 1);
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            put(map, "enum", values);
        }
    }
}

fn combined(sequence: &mut Sequence, depth: u32, map: &mut Map<String, Value>) {
    match sequence.below(7) {
        0 => put(map, "allOf", list(sequence, depth)),
        1 => put(map, "anyOf", list(sequence, depth)),
        2 => put(map, "oneOf", list(sequence, depth)),
        3 => put(map, "not", schema(sequence, depth - 1)),
        4 => {
            put(map, "if", schema(sequence, depth - 1));
            put(map, "then", schema(sequence, depth - 1));
            put(map, "else", schema(sequence, depth - 1));
        }
        5 => {
            let name = sequence.one_of(&NAMES).to_owned();
            let inner = schema(sequence, depth - 1);
            put(map, "dependentSchemas", Map::from_iter([(name, inner)]));
        }
        _ => put(map, "unevaluatedProperties", schema(sequence, 0)),
    }
}

fn object(sequence: &mut Sequence, depth: u32, map: &mut Map<String, Value>) {
    let small = sequence.below(4);
    let name = sequence.one_of(&NAMES).to_owned();
    match sequence.below(9) {
        0..3 => {
            let mut properties = Map::new();
            for _ in 0..=small {
                let target = sequence.one_of(&["#", "#/$defs/x", "#/$defs/y"]);
                let inner = match sequence.below(5) {
                    0 => json!({ "$ref": target }),
                    _ => schema(sequence, depth - 1),
                };
                properties.insert(sequence.one_of(&NAMES).to_owned(), inner);
            }
            put(map, "properties", properties);
        }
        3 => put(map, "required", vec![name]),
        4 => put(map, "additionalProperties", schema(sequence, depth - 1)),
        5 => {
            let pattern = sequence.one_of(&PATTERNS).to_owned();
            let inner = schema(sequence, depth - 1);
            put(map, "patternProperties", Map::from_iter([(pattern, inner)]));
        }
        6 => put(map, "propertyNames", schema(sequence, depth - 1)),
        7 => put(map, if small > 1 { "maxProperties" } else { "minProperties" }, small),
        _ => put(map, "dependentRequired", json!({ name: [sequence.one_of(&NAMES)] })),
    }
}

fn array(sequence: &mut Sequence, depth: u32, map: &mut Map<String, Value>) {
    let small = sequence.below(4);
    match sequence.below(7) {
        0 => put(map, "items", schema(sequence, depth - 1)),
        1 => put(map, "prefixItems", list(sequence, depth)),
        2 => {
            put(map, "contains", schema(sequence, depth - 1));
            if small > 1 {
                put(map, "maxContains", small);
            }
            if small == 3 {
                put(map, "minContains", sequence.below(3));
            }
        }
        3 => put(map, "minItems", small),
        4 => put(map, "maxItems", small),
        5 => put(map, "uniqueItems", true),
        _ => put(map, "unevaluatedItems", schema(sequence, 0)),
    }
}
