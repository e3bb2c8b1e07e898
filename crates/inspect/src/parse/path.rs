//! A concrete path to the form in which it may be remembered.

use exchange::endpoint::{SeenPath, SeenSegment};
use exchange::kind::ValueKind;
use exchange::limits;
use exchange::redact::Pseudonymizer;
use wire::CanonicalPath;
use wire::target::percent_decode;

/// Words stay, values become their class and a pseudonym.
pub(crate) fn seen(path: &CanonicalPath, pseudonymizer: &Pseudonymizer) -> SeenPath {
    let segments = path.segments().take(limits::PATH_SEGMENTS_MAX);
    SeenPath(segments.map(|segment| seen_segment(segment, pseudonymizer)).collect())
}

fn seen_segment(segment: &str, pseudonymizer: &Pseudonymizer) -> SeenSegment {
    let plain = percent_decode(segment.as_bytes());
    let kind = ValueKind::of(&plain);
    let word = !kind.is_value()
        && segment.len() <= limits::SEGMENT_LITERAL_BYTES_MAX
        && std::str::from_utf8(&plain).is_ok();
    if word {
        SeenSegment::Word(segment.into())
    } else {
        // a long word is a value of no class that we know
        let kind = if kind.is_value() { kind } else { ValueKind::Token };
        SeenSegment::Value(kind, pseudonymizer.of("path", &plain))
    }
}
