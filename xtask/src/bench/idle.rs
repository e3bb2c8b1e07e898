//! An idle `run` in front of an API of a thousand operations: how soon ready, how much memory.

use std::fmt::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::rig::figures::{median, table};
use crate::rig::nginx::Nginx;
use crate::rig::palisade::{Palisade, Setup};
use crate::rig::process;

/// How often it is started; the median counts.
const STARTS: usize = 5;
/// How long it is left alone before its memory is read.
const REST: Duration = Duration::from_secs(2);
/// Resources of the contract; each has four operations.
const RESOURCES: usize = 250;

/// Measures starts, and memory at rest.
#[expect(clippy::cast_precision_loss, reason = "a process has far less than 2^52 bytes")]
pub(super) fn measure(binary: &Path) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let origin = Nginx::origin(directory.path())?;
    let contract = directory.path().join("openapi.yaml");
    std::fs::write(&contract, contract_text())?;
    let setup = Setup {
        binary,
        directory: directory.path(),
        origin: origin.port,
        contract: Some(&contract),
        certificate: None,
    };
    let mut starts = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..STARTS {
        let palisade = Palisade::start(&setup)?;
        starts.push(palisade.ready_after.as_secs_f64() * 1e3);
        thread::sleep(REST);
        memory.push(process::memory_now(palisade.pid())? as f64);
    }
    let (start, resident) = (median(starts), median(memory));
    println!("### Idle `palisade run`, contract of {} operations\n", RESOURCES * 4);
    let row = vec![format!("{start:.0}"), format!("{:.1}", resident / 1_048_576.0)];
    println!("{}", table(&["ready after ms", "resident MiB"], &[row]));
    drop(origin);
    Ok(json!({"ready_after_ms": start, "resident_bytes": resident, "operations": RESOURCES * 4}))
}

/// OpenAPI 3.1: list, create, read and replace for each resource, with schemas of ten properties.
fn contract_text() -> String {
    let mut text = String::from("openapi: 3.1.0\ninfo: {title: Bench, version: 1.0.0}\npaths:\n");
    for resource in 0..RESOURCES {
        let schema = format!("{{$ref: '#/components/schemas/R{resource}'}}");
        let body = format!("content: {{application/json: {{schema: {schema}}}}}");
        let operation = |method: &str, name: &str, request: bool| {
            let request =
                if request { format!("requestBody: {{{body}}}, ") } else { String::new() };
            format!(
                "    {method}: {{operationId: {name}R{resource}, {request}responses: \
                 {{'200': {{description: ok, {body}}}}}}}\n"
            )
        };
        let _ = write!(
            text,
            "  /v1/r{resource}:\n{}{}  /v1/r{resource}/{{id}}:\n    parameters: [{{name: id, in: \
             path, required: true, schema: {{type: string, format: uuid}}}}]\n{}{}",
            operation("get", "list", false),
            operation("post", "create", true),
            operation("get", "read", false),
            operation("put", "replace", true),
        );
    }
    text.push_str("components:\n  schemas:\n");
    for resource in 0..RESOURCES {
        let _ = write!(text, "    R{resource}:\n      type: object\n      properties:\n");
        for property in 0..10 {
            let _ = writeln!(text, "        p{property}: {{type: string, maxLength: 200}}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_has_the_operations_that_are_claimed() {
        let text = contract_text();
        assert_eq!(text.matches("operationId:").count(), 1000);
        assert_eq!(text.matches("      properties:").count(), 250);
    }
}
