//! What is decided when a container ends: counts, names that are missing, combinations of
//! schemas, elements that must differ, and what no schema has looked at.

use exchange::json::{self, Container};

use super::canonical;
use super::node::{ArrayChecks, Combination, FALSE, Kind, NodeId, ObjectChecks};
use super::run::{Frame, Level, NONE, Run, UNDECLARED};
use super::scalar::{NO_ALTERNATIVE, push_name, unmet};

impl Run<'_, '_> {
    /// Decides a frame; those of its combinations have been decided.
    pub(super) fn finish(&mut self, index: usize, level: &Level) {
        let frame = self.frames[index];
        if frame.failed && !frame.mandatory {
            return;
        }
        let program = self.program;
        let node = &program.nodes[frame.node as usize];
        let mut good = !frame.failed;
        match level.container {
            Container::Object => {
                if let Some(object) = &node.object {
                    good &= self.finish_object(object, &frame, level);
                }
            }
            Container::Array => {
                if let Some(array) = &node.array {
                    good &= self.finish_array(array, &frame, level);
                }
            }
        }
        let mut slot = frame.links;
        for combination in &node.combinations {
            good &= self.finish_combination(combination, &frame, slot, level);
            slot += combination.nodes.len();
        }
        for values in &node.values {
            // that there is none of this type was told at the beginning
            if !values.containers.is_empty() {
                let value = self.canonical(level.start);
                good &=
                    self.check_values(values, frame.mandatory, values.containers.contains(&value));
            }
        }
        let (object, array) = (node.object.as_ref(), node.array.as_ref());
        let unevaluated = match level.container {
            Container::Object => object.and_then(|it| it.unevaluated),
            Container::Array => array.and_then(|it| it.unevaluated),
        };
        if unevaluated.is_some() && (good || frame.mandatory) {
            good &= self.finish_unevaluated(index, level);
        }
        self.frames[index].failed = !good;
    }

    /// The canonical form of the value that begins at this byte, which costs its length.
    fn canonical(&mut self, start: usize) -> Vec<u8> {
        let value = canonical::of(self.text, start);
        if self.spend(value.len()) { value } else { Vec::new() }
    }

    fn has(&self, frame: &Frame, name: usize) -> bool {
        match name {
            0..64 => frame.seen >> name & 1 == 1,
            _ => self.words[frame.words + name / 64 - 1] >> (name % 64) & 1 == 1,
        }
    }

    fn finish_object(&mut self, object: &ObjectChecks, frame: &Frame, level: &Level) -> bool {
        let mut good = true;
        let mandatory = frame.mandatory;
        let required = match object.required {
            0..64 => frame.seen & ((1 << object.required) - 1) == (1 << object.required) - 1,
            _ => false,
        };
        let mut missing = |run: &mut Self, name: usize| {
            let Some(entry) = object.table.entries.get(name) else { return };
            good = run.report(mandatory, "required", || {
                format!("the property `{}` is missing", entry.name)
            });
        };
        if !required {
            for name in 0..object.required {
                if !self.has(frame, name) {
                    missing(self, name);
                }
            }
        }
        for (trigger, names) in &object.dependent {
            for name in names {
                if self.has(frame, *trigger) && !self.has(frame, *name) {
                    missing(self, *name);
                }
            }
        }
        let count = u64::from(level.count);
        if let Some(min) = object.min.filter(|min| count < *min) {
            let words = || format!("expected at least {min} properties");
            good = self.report(mandatory, "minProperties", words);
        }
        if let Some(max) = object.max.filter(|max| count > *max) {
            let words = || format!("expected at most {max} properties");
            good = self.report(mandatory, "maxProperties", words);
        }
        good
    }

    fn finish_array(&mut self, array: &ArrayChecks, frame: &Frame, level: &Level) -> bool {
        let mut good = true;
        let mandatory = frame.mandatory;
        let count = u64::from(level.count);
        if let Some(min) = array.min.filter(|min| count < *min) {
            let words = || format!("expected at least {min} elements");
            good = self.report(mandatory, "minItems", words);
        }
        if let Some(max) = array.max.filter(|max| count > *max) {
            let words = || format!("expected at most {max} elements");
            good = self.report(mandatory, "maxItems", words);
        }
        if let Some(contains) = &array.contains {
            if frame.contained < contains.min {
                let keyword = if contains.min == 1 { "contains" } else { "minContains" };
                good = self.report(mandatory, keyword, || unmet(keyword));
            }
            if contains.max.is_some_and(|max| frame.contained > max) {
                good = self.report(mandatory, "maxContains", || unmet("maxContains"));
            }
        }
        if array.unique && level.count > 1 && !self.is_unique(level) {
            let words = || "expected elements that differ".to_owned();
            good = self.report(mandatory, "uniqueItems", words);
        }
        good
    }

    /// Elements are read again, once, in their canonical form, and sorted.
    fn is_unique(&mut self, level: &Level) -> bool {
        let mut values = Vec::with_capacity(self.elements.len() - level.elements);
        for index in level.elements..self.elements.len() {
            values.push(self.canonical(self.elements[index]));
        }
        values.sort_unstable();
        values.windows(2).all(|pair| pair[0] != pair[1])
    }

    fn is_good(&self, link: usize) -> bool {
        let frame = self.links.get(link).and_then(|frame| self.frames.get(*frame));
        frame.is_some_and(|frame| !frame.failed)
    }

    fn finish_combination(
        &mut self,
        it: &Combination,
        frame: &Frame,
        slot: usize,
        level: &Level,
    ) -> bool {
        let mandatory = frame.mandatory;
        let good = (0..it.nodes.len()).filter(|child| self.is_good(slot + child)).count();
        match it.kind {
            Kind::All => good == it.nodes.len(),
            Kind::Any => good > 0 || self.report(mandatory, "anyOf", || NO_ALTERNATIVE.to_owned()),
            Kind::One => self.check_one(good, mandatory),
            Kind::Not => good == 0 || self.report(mandatory, "not", || unmet("not")),
            Kind::If => {
                let branch = if self.is_good(slot) { 1 } else { 2 };
                self.is_good(slot + branch) || self.explain(it.nodes[branch], mandatory, level)
            }
            Kind::Dependent => {
                let mut all = true;
                for (child, trigger) in it.triggers.iter().enumerate() {
                    if self.has(frame, *trigger) && !self.is_good(slot + child) {
                        all = self.explain(it.nodes[child], mandatory, level);
                    }
                }
                all
            }
        }
    }

    /// Tells the violations of a schema that turned out to be mandatory at the end of its
    /// instance, which is read again for it; always false.
    fn explain(&mut self, node: NodeId, mandatory: bool, level: &Level) -> bool {
        if !mandatory || self.departures.len() >= exchange::limits::VIOLATIONS_MAX {
            return false;
        }
        let mut again = Run::new(self.program, self.text, self.steps);
        again.root = node;
        again.prefix = self.pointer();
        // the text was read before, so there is no fault in it
        if json::read_value(self.text, level.start, &mut again).is_ok() {
            self.steps = again.steps;
            let left = exchange::limits::VIOLATIONS_MAX - self.departures.len();
            self.departures.extend(again.departures.into_iter().take(left));
        }
        false
    }

    /// Members or elements that no schema has looked at, this one and those it is made of.
    fn finish_unevaluated(&mut self, index: usize, level: &Level) -> bool {
        let missed = &self.missed[level.missed..];
        if missed.iter().all(|(frame, _)| *frame != index) {
            return true;
        }
        let mut looked = Vec::new();
        if self.collect(index, index, level.container, &mut looked) {
            return true;
        }
        looked.sort_unstable();
        looked.dedup();
        let mut seen = vec![false; level.count as usize];
        for (frame, position) in &self.marks[level.marks..] {
            if looked.binary_search(frame).is_ok() {
                seen[*position as usize] = true;
            }
        }
        let left = missed.iter().filter(|(frame, at)| *frame == index && !seen[*at as usize]);
        let left: Vec<u32> = left.map(|(_, at)| *at).collect();
        self.spend(self.marks.len() - level.marks + self.missed.len() - level.missed);
        let mandatory = self.frames[index].mandatory;
        match level.container {
            Container::Array if !left.is_empty() => {
                self.report(mandatory, "unevaluatedItems", || unmet("unevaluatedItems"));
            }
            Container::Object if mandatory => self.report_undeclared(&left, level),
            _ => {}
        }
        left.is_empty()
    }

    fn report_undeclared(&mut self, left: &[u32], level: &Level) {
        for position in left.iter().take(exchange::limits::VIOLATIONS_MAX) {
            let Some(name) = self.names.get(level.names + *position as usize).copied() else {
                continue;
            };
            let before = self.departures.len();
            self.report(true, "unevaluatedProperties", || UNDECLARED.to_owned());
            let name = self.name_text(name);
            if let Some(departure) = self.departures.get_mut(before) {
                push_name(&mut departure.pointer, &name);
            }
        }
    }

    /// The frames whose marks count for `root`; true when one of them looked at everything.
    fn collect(
        &self,
        index: usize,
        root: usize,
        container: Container,
        out: &mut Vec<usize>,
    ) -> bool {
        if out.contains(&index) {
            return false;
        }
        let frame = self.frames[index];
        let node = &self.program.nodes[frame.node as usize];
        let all = match container {
            Container::Object => node.object.as_ref().is_some_and(|it| it.unevaluated.is_some()),
            Container::Array => node.array.as_ref().is_some_and(|it| it.unevaluated.is_some()),
        };
        if all && index != root {
            return true;
        }
        out.push(index);
        let mut slot = frame.links;
        for combination in &node.combinations {
            for (child, id) in combination.nodes.iter().enumerate() {
                let counts = match combination.kind {
                    Kind::All | Kind::Any | Kind::One => true,
                    Kind::Not => false,
                    Kind::If if child == 0 => true,
                    Kind::If => self.is_good(slot) == (child == 1),
                    Kind::Dependent => self.has(&frame, combination.triggers[child]),
                };
                let link = self.links[slot + child];
                if counts
                    && *id > FALSE
                    && link != NONE
                    && self.is_good(slot + child)
                    && self.collect(link, root, container, out)
                {
                    return true;
                }
            }
            slot += combination.nodes.len();
        }
        false
    }
}
