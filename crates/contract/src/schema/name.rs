//! The names of the members of open objects: kept as places in the text, to tell where a value
//! is, and to refuse an object in which one occurs twice.

use std::borrow::Cow;

use exchange::json;

use super::run::{Level, Run};

/// Names of one object that are compared one by one when they may be the same; of more, all are
/// sorted at the end of the object.
const COMPARED_NAMES_MAX: u32 = 32;

/// A name as it is written, by its place in the text.
#[derive(Clone, Copy)]
pub(super) struct Name {
    hash: u32,
    start: u32,
    length: u32,
}

impl Name {
    pub(super) fn new(hash: u32, start: usize, length: usize) -> Self {
        Self { hash, start: short(start), length: short(length) }
    }
}

/// Offsets of bodies fit: their size is bounded far below.
fn short(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

impl<'t> Run<'_, 't> {
    /// Adds a name to the innermost object, in which there must not be another of it; its position,
    /// and where the frames of the object begin.
    #[inline]
    pub(super) fn add_name(&mut self, name: Name) -> Option<(u32, usize)> {
        let level = self.levels.last_mut()?;
        let bit = 1_u64 << (name.hash & 63);
        let maybe = level.hashes & bit != 0;
        let (position, first) = (level.count, level.frames);
        level.hashes |= bit;
        level.count += 1;
        if maybe && !level.crowded {
            if position > COMPARED_NAMES_MAX {
                level.crowded = true;
            } else {
                let from = level.names;
                self.check_duplicate(from, name);
            }
        }
        self.names.push(name);
        Some((position, first))
    }

    /// Compares a name with those that stand behind the position `from`.
    fn check_duplicate(&mut self, from: usize, name: Name) {
        let names = &self.names[from..];
        let same = names
            .iter()
            .any(|other| other.hash == name.hash && self.name_text(*other) == self.name_text(name));
        if same && self.duplicate.is_none() {
            self.duplicate = Some(self.pointer_to(self.levels.len() - 1));
        }
    }

    /// The same for objects with many members, in the time that sorting takes.
    pub(super) fn check_crowd(&mut self, level: &Level) {
        let mut names = self.names[level.names..].to_vec();
        names.sort_unstable_by(|left, right| {
            let texts = || self.name_text(*left).cmp(&self.name_text(*right));
            left.hash.cmp(&right.hash).then_with(texts)
        });
        let same = names.windows(2).any(|pair| {
            pair[0].hash == pair[1].hash && self.name_text(pair[0]) == self.name_text(pair[1])
        });
        if same && self.duplicate.is_none() {
            self.duplicate = Some(self.pointer());
        }
    }

    /// The name that is meant.
    pub(super) fn name_text(&self, name: Name) -> Cow<'t, str> {
        let (start, length) = (name.start as usize, name.length as usize);
        json::decoded(self.text.get(start..start + length).unwrap_or_default())
    }
}
