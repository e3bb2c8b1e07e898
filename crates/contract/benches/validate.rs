//! What it costs to check a JSON body against its schema, beside a tree of values with the
//! `jsonschema` crate, and beside a parser with SIMD that builds a tree and checks nothing.
//! `cargo xtask bench --only contract` runs it. Prints one line for each body and way:
//! bytes, the way, and nanoseconds per body.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use contract::{Draft, Schema};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds, of which the median counts. The ways take turns, so that all meet the same machine.
const ROUNDS: usize = 41;

/// Bytes that each way reads in one round.
const ROUND_BYTES: usize = 1 << 21;

/// The answer of the origin that `cargo xtask bench --only proxy` starts.
const SMALL: &str = "{\"id\":\"8d1f6a52-0b7c-4a49-9c4e-5b1f0a6c2d11\",\"status\":\"paid\",\
    \"total\":12990,\"currency\":\"EUR\",\"items\":[{\"sku\":\"A-100\",\"quantity\":2},\
    {\"sku\":\"B-220\",\"quantity\":1}],\"note\":null}";

/// One way to deal with a body.
type Way<'a> = (&'static str, Box<dyn Fn(&[u8]) -> bool + 'a>);

fn main() -> Result<(), Box<dyn Error>> {
    let order = order();
    let list = json!({
        "type": "object",
        "required": ["orders", "page"],
        "additionalProperties": false,
        "properties": {
            "page": { "type": "integer", "minimum": 1 },
            "orders": { "type": "array", "maxItems": 10_000, "items": { "$ref": "#/$defs/order" } },
        },
        "$defs": { "order": order },
    });
    for (schema, body) in [(&order, SMALL.to_owned()), (&list, many(16)), (&list, many(530))] {
        measure(schema, body.as_bytes())?;
    }
    Ok(())
}

fn order() -> Value {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": 200 });
    json!({
        "type": "object",
        "required": ["id", "status", "total", "currency", "items"],
        "additionalProperties": false,
        "properties": {
            "id": { "type": "string", "format": "uuid" },
            "status": { "type": "string", "enum": ["open", "paid", "shipped", "cancelled"] },
            "total": { "type": "integer", "minimum": 0 },
            "currency": { "type": "string", "minLength": 3, "maxLength": 3 },
            "items": {
                "type": "array",
                "minItems": 1,
                "maxItems": 100,
                "items": {
                    "type": "object",
                    "required": ["sku", "quantity"],
                    "properties": {
                        "sku": { "type": "string", "maxLength": 20 },
                        "quantity": { "type": "integer", "minimum": 1, "maximum": 1000 },
                    },
                },
            },
            "note": { "type": ["string", "null"], "maxLength": 1000 },
            "name": name,
        },
    })
}

/// A page of so many orders.
fn many(count: usize) -> String {
    let mut out = "{\"page\":1,\"orders\":[".to_owned();
    for index in 0..count {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(
            out,
            "{comma}{{\"id\":\"8d1f6a52-0b7c-4a49-9c4e-{index:012x}\",\"status\":\"paid\",\
             \"total\":{},\"currency\":\"EUR\",\"items\":[{{\"sku\":\"A-{index}\",\
             \"quantity\":2}},{{\"sku\":\"B-220\",\"quantity\":1}}],\
             \"note\":\"leave it at the door\"}}",
            index * 37,
        );
    }
    out.push_str("]}");
    out
}

fn measure(schema: &Value, body: &[u8]) -> Result<(), Box<dyn Error>> {
    let ours = Schema::compile(&[("", schema)], Draft::Draft202012, true)?;
    let theirs = jsonschema::options()
        .offline()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(schema)
        .map_err(|error| error.to_string())?;
    let tree = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
    let ways: [Way<'_>; 4] = [
        ("palisade", Box::new(|body| ours.departures(body).is_ok_and(|found| found.is_empty()))),
        ("serde_json+jsonschema", {
            Box::new(|body| tree(body).is_some_and(|value| theirs.is_valid(&value)))
        }),
        ("serde_json", Box::new(|body| tree(body).is_some())),
        ("sonic-rs", Box::new(|body| sonic_rs::from_slice::<sonic_rs::Value>(body).is_ok())),
    ];
    let turns = ROUND_BYTES / body.len();
    let mut times = ways.each_ref().map(|_| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for ((name, way), times) in ways.iter().zip(&mut times) {
            let start = Instant::now();
            for _ in 0..turns {
                if !way(black_box(body)) {
                    return Err(format!("{name} refuses the body").into());
                }
            }
            times.push(start.elapsed().as_nanos() / turns as u128);
        }
    }
    for ((name, _), times) in ways.iter().zip(&mut times) {
        times.sort_unstable();
        let median = times.get(ROUNDS / 2).copied().unwrap_or_default();
        println(&format!("{} {name} {median}", body.len()));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a benchmark's figures go to who runs it")]
fn println(line: &str) {
    println!("{line}");
}
