//! Queries and form-encoded bodies to the parameters that were sent.

use exchange::data_class::DataClasses;
use exchange::kind::ValueKind;
use exchange::limits;
use exchange::observation::{ParameterPlace, ParameterSeen};
use wire::Query;

use crate::recognize;

/// The parameters of a query or form: names, classes of values, sensitive data. Repeated names
/// count once; more than [`limits::PARAMETERS_MAX`] are cut.
pub(crate) fn parameters(query: Query<'_>, place: ParameterPlace, out: &mut Vec<ParameterSeen>) {
    let before = out.len();
    for (name, value) in query.pairs().take(limits::PARAMETERS_MAX) {
        let name = Query::decode(name);
        let Ok(name) = std::str::from_utf8(&name) else { continue };
        if name.is_empty() || name.len() > limits::SHAPE_KEY_BYTES_MAX {
            continue;
        }
        let value = Query::decode(value);
        let kind = ValueKind::of(&value);
        let data: DataClasses = std::str::from_utf8(&value)
            .ok()
            .and_then(|value| recognize::classify(name, value))
            .into_iter()
            .collect();
        match out[before..].iter_mut().find(|seen| *seen.name == *name) {
            Some(seen) => {
                if seen.kind != kind {
                    seen.kind = ValueKind::Word;
                }
                seen.data = seen.data.with(data);
            }
            // a name that looks like a value is a value in the wrong place
            None if ValueKind::of(name.as_bytes()).is_value() => {}
            None => out.push(ParameterSeen { place, name: name.into(), kind, data }),
        }
    }
}
