//! Templates as files: nothing in them can undo the escaping, run a script or write a style.

use std::path::Path;

#[test]
fn templates_escape_everything_and_run_nothing() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut files = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let squeezed: String = text.split_whitespace().collect();
        for banned in ["|safe", "|escape(\"none\")", "{%autoescape", "<style", "style=\"", "hx-on"]
        {
            assert!(!squeezed.contains(banned), "{banned} in {}", path.display());
        }
        for banned in [" onclick", " onload", "hx-vals", "javascript:", "hx-eval"] {
            assert!(!text.contains(banned), "{banned} in {}", path.display());
        }
        for (at, _) in text.match_indices("={{") {
            let line = text.get(..at).unwrap().lines().last().unwrap();
            let quotes = line.matches('"').count();
            assert!(quotes % 2 == 1, "a value without quotes in {}: {line}", path.display());
        }
        let scripts = text.matches("<script").count();
        assert_eq!(scripts, text.matches("<script src=\"/asset/").count(), "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 8);
}
