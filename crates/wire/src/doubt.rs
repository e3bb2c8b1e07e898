//! What a profile refuses of a request whose framing and Host are beyond doubt: the one rule that
//! the parser, the gateway and the readers of recordings follow.

use crate::field::Fields;
use crate::framing::Options;
use crate::oddity::{PathOddities, PathOddity};
use crate::query::Query;
use crate::refusal::Refusal;
use crate::target::Profile;

/// The first thing that `profile` refuses; `names_fields` is what [`names_fields`] says of the
/// request's fields.
///
/// Looks at what has been parsed once and parses nothing again, so that a head that was read under
/// [`Profile::Observe`] can be held to another profile as soon as its service is known.
pub fn doubt(
    profile: Profile,
    path: PathOddities,
    query: Query<'_>,
    names_fields: bool,
) -> Option<Refusal> {
    let strict = match profile {
        Profile::Strict => true,
        Profile::Compat => false,
        Profile::Observe => return None,
    };
    if strict && names_fields {
        return Some(Refusal::ConnectionOption);
    }
    let raw = query.raw();
    if path.contains(PathOddity::RawDelimiter) || memchr::memchr(b'#', raw).is_some() {
        return Some(Refusal::TargetFragment);
    }
    if let Some(oddity) = path.refused_by(profile) {
        return Some(Refusal::Path(oddity));
    }
    let odd = !raw.is_ascii() || (strict && memchr::memchr(b'\\', raw).is_some());
    odd.then_some(Refusal::TargetByte)
}

/// Whether `Connection` names a field beside the usual options, so that a proxy would strip it.
pub fn names_fields(fields: &Fields) -> bool {
    let mut options = Options::default();
    fields.get_all("connection").for_each(|value| options.add(value));
    options.names_field
}
