//! Every crate we build with may be used under terms that a product can live with.

use serde_json::Value;

use super::Complaint;
use super::spdx;

/// Terms that ask for no more than a notice.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// A crate under other terms: its name, the terms, and why it may stay.
type Exception = (&'static str, &'static str, &'static str);

const EXCEPTIONS: &[Exception] = &[];

pub(super) fn check(metadata: &Value) -> Vec<Complaint> {
    check_with(metadata, EXCEPTIONS)
}

fn check_with(metadata: &Value, exceptions: &[Exception]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let terms = package["license"].as_str().unwrap_or("no licence named");
        let own = |licence: &str| {
            ALLOWED.contains(&licence)
                || exceptions.iter().any(|(one, terms, _)| *one == name && *terms == licence)
        };
        if !spdx::is_satisfied(terms, own) {
            let what = format!("{name}: `{terms}` is not among the licences allowed (xtask tidy)");
            complaints.push(Complaint::new("Cargo.lock", 0, what));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn copyleft_and_silence_are_refused_unless_excepted() {
        let metadata = json!({"packages": [
            {"name": "a", "license": "MIT OR GPL-3.0-only"},
            {"name": "b", "license": "MIT AND GPL-3.0-only"},
            {"name": "c", "license": null},
            {"name": "d", "license": "MPL-2.0"},
        ]});
        let named = |exceptions| {
            let complaints = check_with(&metadata, exceptions);
            complaints.iter().map(|c| c.what.chars().next().unwrap()).collect::<String>()
        };
        assert_eq!(named(&[]), "bcd");
        assert_eq!(named(&[("d", "MPL-2.0", "used unchanged, from its own files")]), "bc");
    }
}
