//! Bytes to structure. Nothing here fails: what is odd is reported beside what could be read.

pub(crate) mod form;
pub(crate) mod path;
pub(crate) mod shape;
