//! The binary and its doors, from outside.

mod analyze;
mod cli;
mod demo;
mod doors;
mod run;
