//! Values without inner structure: judged at once, without a frame.

use exchange::json::{Literal, Text};
use exchange::limits;

use super::node::{
    BOOLEAN, Combination, INTEGER, Kind, NULL, NUMBER, NodeId, NumberChecks, STRING, TRUE,
    TextChecks, Types, Values,
};
use super::number::Number;
use super::pattern::{Match, Pattern};
use super::run::Run;
use super::{Departure, clipped};

/// A value without inner structure.
pub(super) enum Scalar<'a> {
    Text(Text<'a>),
    Number(&'a str),
    Literal(Literal),
}

/// What was found about the value at hand.
pub(super) struct Verdict {
    node: NodeId,
    mandatory: bool,
    good: bool,
}

impl Run<'_, '_> {
    /// True when the value is what the node asks for. Recursion ends at the depth that compiling
    /// allows.
    pub(super) fn judge(&mut self, id: NodeId, mandatory: bool, value: &Scalar<'_>) -> bool {
        if id == TRUE {
            return true;
        }
        let node = &self.program.nodes[id as usize];
        if node.is_shared {
            let same = |it: &&Verdict| it.node == id && (it.mandatory || !mandatory);
            if let Some(known) = self.verdicts.iter().find(same) {
                return known.good;
            }
        }
        if !self.spend(1) {
            return false;
        }
        let mut good = self.check_scalar(id, mandatory, value);
        for combination in &node.combinations {
            if !good && !mandatory {
                break;
            }
            good &= self.combine(combination, mandatory, value);
        }
        if node.is_shared {
            self.verdicts.push(Verdict { node: id, mandatory, good });
        }
        good
    }

    fn combine(&mut self, it: &Combination, mandatory: bool, value: &Scalar<'_>) -> bool {
        let nodes = &it.nodes;
        match it.kind {
            Kind::All => {
                let mut good = true;
                for node in nodes {
                    good &= (good || mandatory) && self.judge(*node, mandatory, value);
                }
                good
            }
            Kind::Any => {
                let good = nodes.iter().any(|node| self.judge(*node, false, value));
                good || self.report(mandatory, "anyOf", || NO_ALTERNATIVE.to_owned())
            }
            Kind::One => {
                let good = nodes.iter().filter(|node| self.judge(**node, false, value)).count();
                self.check_one(good, mandatory)
            }
            Kind::Not => {
                let good = !nodes.iter().any(|node| self.judge(*node, false, value));
                good || self.report(mandatory, "not", || unmet("not"))
            }
            Kind::If => {
                let &[test, then, otherwise] = nodes.as_slice() else { return true };
                let branch = if self.judge(test, false, value) { then } else { otherwise };
                self.judge(branch, mandatory, value)
            }
            Kind::Dependent => true,
        }
    }

    pub(super) fn check_one(&mut self, good: usize, mandatory: bool) -> bool {
        match good {
            0 => self.report(mandatory, "oneOf", || NO_ALTERNATIVE.to_owned()),
            1 => true,
            _ => self.report(mandatory, "oneOf", || {
                "expected exactly one of the declared alternatives, several match".to_owned()
            }),
        }
    }

    fn check_scalar(&mut self, id: NodeId, mandatory: bool, value: &Scalar<'_>) -> bool {
        let node = &self.program.nodes[id as usize];
        let mut number = None;
        let kind = match value {
            Scalar::Text(_) => STRING,
            Scalar::Literal(Literal::Null) => NULL,
            Scalar::Literal(_) => BOOLEAN,
            Scalar::Number(_) => NUMBER,
        };
        let mut good = node.types & kind != 0;
        if let Scalar::Number(digits) = value {
            if node.number.is_some() || !node.values.is_empty() {
                number = Some(Number::read(digits));
            }
            let whole = || match &number {
                Some(number) => number.is_integer(),
                None => is_plain(digits) || Number::read(digits).is_integer(),
            };
            good = good || node.types & INTEGER != 0 && whole();
        }
        good = good && node.nothing.is_none() || self.check_type(id, mandatory, good);
        if !good && !mandatory {
            return false;
        }
        for values in &node.values {
            let listed = values.allow(value, number.as_ref());
            good &= self.check_values(values, mandatory, listed);
        }
        match (value, &node.text, &node.number, &number) {
            (Scalar::Text(text), Some(checks), ..) => {
                good &= self.check_text(checks, mandatory, *text);
            }
            (Scalar::Number(_), _, Some(checks), Some(number)) => {
                good &= self.check_number(checks, mandatory, number);
            }
            _ => {}
        }
        good
    }

    /// What is said about the type; `fits` tells whether it is one of those allowed.
    pub(super) fn check_type(&mut self, id: NodeId, mandatory: bool, fits: bool) -> bool {
        let node = &self.program.nodes[id as usize];
        let types = node.types;
        let good = fits || self.report(mandatory, "type", || format!("expected {}", words(types)));
        let Some(keyword) = node.nothing else { return good };
        self.report(mandatory, keyword, || match keyword {
            "readOnly" => "this property is only for responses".to_owned(),
            "writeOnly" => "this property is only for requests".to_owned(),
            _ => "expected nothing here".to_owned(),
        })
    }

    pub(super) fn check_values(&mut self, values: &Values, mandatory: bool, good: bool) -> bool {
        good || self.report(mandatory, values.keyword, || values.words.to_string())
    }

    fn check_text(&mut self, checks: &TextChecks, mandatory: bool, text: Text<'_>) -> bool {
        let text = text.decode();
        let mut good = true;
        if checks.min.or(checks.max).is_some() {
            // no character takes more than four bytes
            let bytes = text.len() as u64;
            let enough = checks.min.is_none_or(|min| bytes / 4 >= min);
            let fits = checks.max.is_none_or(|max| bytes <= max);
            if !enough || !fits {
                let length = text.chars().count() as u64;
                if let Some(min) = checks.min.filter(|min| length < *min) {
                    good &= self.report(mandatory, "minLength", || {
                        format!("expected at least {min} characters")
                    });
                }
                if let Some(max) = checks.max.filter(|max| length > *max) {
                    good &= self.report(mandatory, "maxLength", || {
                        format!("expected at most {max} characters")
                    });
                }
            }
        }
        if let Some((pattern, written)) = &checks.pattern {
            self.spend(text.len() / 64);
            good &= match pattern.matches(&text) {
                Match::Yes => true,
                Match::No => self.report(mandatory, "pattern", || {
                    format!("expected text that matches `{written}`")
                }),
                Match::TooCostly => self.report(mandatory, "pattern", || TOO_COSTLY.to_owned()),
            };
        }
        if let Some(format) = &checks.format
            && !format.allows(&text)
        {
            good = self
                .report(mandatory, "format", || format!("expected the format `{}`", format.name));
        }
        good
    }

    fn check_number(&mut self, checks: &NumberChecks, mandatory: bool, number: &Number) -> bool {
        let mut good = true;
        for bound in &checks.bounds {
            if !bound.allowed.contains(&number.cmp(&bound.limit)) {
                good = self.report(mandatory, bound.keyword, || {
                    format!("expected {} {}", bound.words, bound.text)
                });
            }
        }
        if let Some((divisor, text)) = &checks.multiple_of
            && !number.is_multiple_of(*divisor)
        {
            good =
                self.report(mandatory, "multipleOf", || format!("expected a multiple of {text}"));
        }
        good
    }

    /// True when a name matches; one that cannot be told in time fails the frame.
    pub(super) fn matches(&mut self, frame: usize, pattern: &Pattern, name: &str) -> bool {
        self.spend(1 + name.len() / 64);
        match pattern.matches(name) {
            Match::Yes => true,
            Match::No => false,
            Match::TooCostly => {
                self.fail(frame, "patternProperties", || TOO_COSTLY.to_owned());
                true
            }
        }
    }

    /// A frame has failed, at the value at hand.
    pub(super) fn fail(&mut self, frame: usize, keyword: &str, detail: impl FnOnce() -> String) {
        self.frames[frame].failed = true;
        self.report(self.frames[frame].mandatory, keyword, detail);
    }

    /// Tells a violation at the value at hand, if it makes the instance invalid; always false.
    pub(super) fn report(
        &mut self,
        mandatory: bool,
        keyword: &str,
        detail: impl FnOnce() -> String,
    ) -> bool {
        if mandatory && self.departures.len() < limits::VIOLATIONS_MAX && self.spend(8) {
            let departure = Departure {
                pointer: self.pointer(),
                keyword: keyword.into(),
                detail: clipped(&detail()).into(),
            };
            // every element of an array may be wrong in the same way
            if !self.departures.contains(&departure) {
                self.departures.push(departure);
            }
        }
        false
    }

    /// Where the value at hand is.
    pub(super) fn pointer(&self) -> String {
        self.pointer_to(self.levels.len())
    }

    /// The pointer to what the first so many open containers lead to.
    pub(super) fn pointer_to(&self, depth: usize) -> String {
        let mut out = self.prefix.clone();
        for (index, level) in self.levels.iter().enumerate().take(depth) {
            let above = self.closing.unwrap_or(self.names.len());
            let end = self.levels.get(index + 1).map_or(above, |next| next.names);
            let name = end.checked_sub(1).filter(|last| *last >= level.names);
            match name.and_then(|last| self.names.get(last)) {
                Some(name) => push_name(&mut out, &self.name_text(*name)),
                None => out.push_str("/*"),
            }
        }
        out
    }
}

/// True for digits without a point and an exponent.
fn is_plain(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// Appends a name as a step of a JSON pointer (RFC 6901 section 3).
pub(super) fn push_name(pointer: &mut String, name: &str) {
    pointer.push('/');
    for character in name.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

impl Values {
    fn allow(&self, value: &Scalar<'_>, number: Option<&Number>) -> bool {
        match value {
            Scalar::Text(text) => {
                let text = text.decode();
                self.texts.binary_search_by(|known| (**known).cmp(&*text)).is_ok()
            }
            Scalar::Number(_) => number.is_some_and(|number| self.numbers.contains(number)),
            Scalar::Literal(Literal::Null) => self.null,
            Scalar::Literal(Literal::False) => self.booleans[0],
            Scalar::Literal(Literal::True) => self.booleans[1],
        }
    }
}

pub(super) const NO_ALTERNATIVE: &str = "expected one of the declared alternatives";

const TOO_COSTLY: &str = "the pattern takes too long on this";

pub(super) fn unmet(keyword: &str) -> String {
    format!("does not meet `{keyword}`")
}

/// The types as a violation names them.
fn words(types: Types) -> String {
    use super::node::{ARRAY, OBJECT};
    let types = if types & NUMBER == 0 { types } else { types & !INTEGER };
    let known = [
        (ARRAY, "array"),
        (BOOLEAN, "boolean"),
        (INTEGER, "integer"),
        (NULL, "null"),
        (NUMBER, "number"),
        (OBJECT, "object"),
        (STRING, "string"),
    ];
    let names = known.iter().filter(|(one, _)| types & one != 0).map(|(_, name)| *name);
    names.collect::<Vec<_>>().join(" or ")
}
