//! Everything about one exchange, from outside: pages of detectors, cuts, modes.

mod case;
mod modes;
mod pages;
