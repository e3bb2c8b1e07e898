//! The one versioned form in which an analyst is saved and restored: JSON with a version in
//! front. What was learned of declared operations is kept by method and template, since their
//! indices change with the contract.

use std::fmt;
use std::sync::Arc;

use exchange::endpoint::{Method, PathTemplate, TemplateSegment};
use exchange::kind::ValueKind;
use serde::{Deserialize, Serialize};

use crate::analyst::{Analyst, DeclaredService};
use crate::findings::lifecycle::Ledger;
use crate::inventory::assemble::Contracts;
use crate::inventory::{Inventory, Key, Tally};
use crate::traffic::Traffic;

/// The version that is written, and the only one there has been.
const VERSION: u32 = 1;

/// Why a saved state cannot be restored.
#[derive(Debug)]
#[non_exhaustive]
pub enum StateError {
    /// It is not what [`save`] writes; with what the reader of JSON says.
    Damaged(serde_json::Error),
    /// It was written by a newer program, in this version.
    Newer(u32),
}

impl fmt::Display for StateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(error) => write!(
                out,
                "the saved state of the analyst cannot be read ({error}); expected version \
                 {VERSION}; restore it from a backup, or remove it to begin learning anew"
            ),
            Self::Newer(version) => write!(
                out,
                "the saved state of the analyst has version {version}; expected {VERSION} or \
                 earlier; use the program that wrote it, or a later one"
            ),
        }
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Damaged(error) => Some(error),
            Self::Newer(_) => None,
        }
    }
}

/// What was learned of one declared operation.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct DeclaredTally {
    service: Arc<str>,
    host: Arc<str>,
    method: Method,
    template: PathTemplate,
    tally: Tally,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Serialize)]
struct Saved<'a> {
    version: u32,
    inventory: &'a Inventory,
    declared: Vec<DeclaredTally>,
    traffic: &'a Traffic,
    ledger: &'a Ledger,
}

#[derive(Deserialize)]
struct Restored {
    inventory: Inventory,
    declared: Vec<DeclaredTally>,
    traffic: Traffic,
    ledger: Ledger,
}

/// Everything the analyst has learned, and what people decided about its findings.
#[must_use]
pub fn save(analyst: &Analyst) -> Vec<u8> {
    let saved = Saved {
        version: VERSION,
        inventory: &analyst.inventory,
        declared: declared(&analyst.inventory, &analyst.contracts),
        traffic: &analyst.traffic,
        ledger: &analyst.ledger,
    };
    serde_json::to_vec(&saved).expect("all keys of the state's maps are texts or numbers")
}

/// The analyst that was saved, with the contracts of today.
///
/// # Errors
///
/// When the bytes are damaged, or of a newer version.
pub fn restore(bytes: &[u8], declared: Vec<DeclaredService>) -> Result<Analyst, StateError> {
    let found: Version = serde_json::from_slice(bytes).map_err(StateError::Damaged)?;
    if found.version > VERSION {
        return Err(StateError::Newer(found.version));
    }
    let restored: Restored = serde_json::from_slice(bytes).map_err(StateError::Damaged)?;
    let mut analyst = Analyst::new(declared);
    analyst.inventory = restored.inventory;
    analyst.traffic = restored.traffic;
    analyst.ledger = restored.ledger;
    redeclare(&mut analyst.inventory, &analyst.contracts, restored.declared);
    Ok(analyst)
}

/// What was learned of declared operations, by method and template.
pub(crate) fn declared(inventory: &Inventory, contracts: &Contracts) -> Vec<DeclaredTally> {
    let mut all = Vec::new();
    for (service, host, scope) in inventory.scopes() {
        let Some(contract) = contracts.get(service) else { continue };
        for (index, tally) in &scope.declared {
            let Some(operation) = contract.operations().get(*index as usize) else { continue };
            all.push(DeclaredTally {
                service: Arc::clone(service),
                host: Arc::clone(host),
                method: operation.method,
                template: operation.template.clone(),
                tally: tally.clone(),
            });
        }
    }
    all
}

/// Gives what was learned to the operations of these contracts, or to the tree of paths where
/// they have no such operation.
pub(crate) fn redeclare(
    inventory: &mut Inventory,
    contracts: &Contracts,
    learned: Vec<DeclaredTally>,
) {
    for one in learned {
        let Some(scope) = inventory.scope_mut(&one.service, &one.host) else { continue };
        let operations = contracts.get(&one.service).map_or(&[][..], |known| known.operations());
        let same = |operation: &contract::Operation| {
            operation.method == one.method && same_path(&operation.template, &one.template)
        };
        match operations.iter().position(same).and_then(|at| u32::try_from(at).ok()) {
            Some(index) => scope.declared.entry(index).or_default().merge(&one.tally),
            None if one.tally.of_class(2) == 0 => {}
            None => {
                let key = |segment| match segment {
                    &TemplateSegment::Parameter(_) => Key::Value(ValueKind::Word),
                    TemplateSegment::Literal(word) => Key::Word(word),
                };
                let path: Vec<Key<'_>> = one.template.0.iter().map(key).collect();
                scope.graft(one.method, &path, &one.tally);
            }
        }
    }
}

/// True for templates that differ in nothing but the names of their parameters.
fn same_path(one: &PathTemplate, other: &PathTemplate) -> bool {
    let (one, other) = (&one.0, &other.0);
    let same = |pair: (&TemplateSegment, &TemplateSegment)| match pair {
        (TemplateSegment::Literal(one), TemplateSegment::Literal(other)) => one == other,
        (TemplateSegment::Parameter(_), TemplateSegment::Parameter(_)) => true,
        _ => false,
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}
