//! Licence expressions: `A OR (B AND C)`, `A WITH exception`, and the old form `A/B`.

/// Whether somebody who accepts the licences for which `accepts` says yes can satisfy the terms.
/// Terms that are no expression are satisfied by nobody.
pub(super) fn is_satisfied(terms: &str, accepts: impl Fn(&str) -> bool) -> bool {
    let spaced = terms.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, accepts: &accepts };
    reader.any() == Some(true) && reader.words.is_empty()
}

struct Reader<'a> {
    words: &'a [&'a str],
    accepts: &'a dyn Fn(&str) -> bool,
}

impl<'a> Reader<'a> {
    /// `all OR all OR …`
    fn any(&mut self) -> Option<bool> {
        let mut satisfied = self.all()?;
        while self.take("OR") {
            satisfied |= self.all()?;
        }
        Some(satisfied)
    }

    /// `one AND one AND …`
    fn all(&mut self) -> Option<bool> {
        let mut satisfied = self.one()?;
        while self.take("AND") {
            satisfied &= self.one()?;
        }
        Some(satisfied)
    }

    /// A licence, a licence WITH an exception, or an expression in parentheses.
    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let inner = self.any()?;
            return self.take(")").then_some(inner);
        }
        let licence = self.next()?;
        if self.take("WITH") {
            let exception = self.next()?;
            return Some((self.accepts)(&format!("{licence} WITH {exception}")));
        }
        Some((self.accepts)(licence))
    }

    fn take(&mut self, word: &str) -> bool {
        let matches = self.words.first() == Some(&word);
        if matches {
            self.words = self.words.get(1..).unwrap_or_default();
        }
        matches
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_with_their_precedence() {
        let accepts = |licence: &str| ["MIT", "ISC", "A WITH e"].contains(&licence);
        let cases = [
            ("MIT", true),
            ("GPL", false),
            ("GPL OR MIT", true),
            ("GPL/MIT", true),
            ("GPL AND MIT", false),
            ("GPL OR MIT AND ISC", true),
            ("(GPL OR MIT) AND ISC", true),
            ("(GPL OR MIT) AND LGPL", false),
            ("A", false),
            ("A WITH e", true),
            ("", false),
            ("MIT OR", false),
            ("(MIT", false),
            ("MIT ISC", false),
        ];
        for (terms, expected) in cases {
            assert_eq!(is_satisfied(terms, accepts), expected, "{terms}");
        }
    }
}
