//! Many Observations in; Inventory, Findings, Recommendations and a learned contract out.
//!
//! Everything that needs memory between exchanges lives here, with one writer: [`Analyst`].
//! What it knows is made of *tallies*, each of which can be merged with another of its kind in any
//! order and any grouping. So a recording that is cut into pieces, or absorbed on several nodes,
//! gives the same inventory as one that is read from front to end. Whatever has to be decided
//! (is this path segment a parameter? is this endpoint reached without a credential?) is decided
//! on the merged tallies when somebody asks, never while absorbing.
//!
//! Nothing here reads a clock or a file, and no value from traffic is kept: observations bring
//! classes, names and pseudonyms only.

mod analyst;
pub mod change;
pub mod drift;
pub mod findings;
mod hash;
pub mod inventory;
pub mod posture;
mod recommend;
mod sketch;
pub mod snapshot;
pub mod state;
mod traffic;

pub use analyst::{Analyst, DeclaredService};
