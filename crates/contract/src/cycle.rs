//! Schemas that refer to themselves without ever getting to a part of the instance. Checking one
//! would never end, so they are found and cut before anything is compiled.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{Place, Report, Unreadable};

/// A lowered schema whose references have not been followed yet.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) text: Box<str>,
    pub(crate) refs: BTreeSet<u32>,
    /// Those of `refs` that apply to the same instance.
    pub(crate) in_place: BTreeSet<u32>,
    pub(crate) file: Arc<str>,
    pub(crate) place: Place,
}

/// A schema that applies to an instance only if it applies to that instance can never be decided:
/// such references accept everything, and say so.
pub(crate) fn cut(drafts: &mut [Draft], report: &mut Report) {
    // 0 is not visited, 1 is on the path, 2 is done
    let mut state = vec![0_u8; drafts.len()];
    let mut cut = Vec::new();
    for start in 0..drafts.len() {
        let mut path = vec![start];
        while let Some(&at) = path.last() {
            if state[at] == 2 {
                path.pop();
                continue;
            }
            state[at] = 1;
            let targets = drafts[at].in_place.iter().map(|target| *target as usize);
            if targets.clone().any(|target| state[target] == 1) {
                cut.push(at);
            }
            let before = path.len();
            path.extend(targets.filter(|target| state[*target] == 0));
            if path.len() == before || cut.last() == Some(&at) {
                path.truncate(before - 1);
                state[at] = 2;
            }
        }
    }
    for index in cut {
        let draft = &mut drafts[index];
        let warning = Unreadable {
            place: draft.place,
            found: "a schema that refers to itself without an end".to_owned(),
            expected: "a schema that describes something".to_owned(),
            remedy: "remove the reference; until then the schema is not enforced".to_owned(),
        };
        report.warn("cycle", warning.in_file(&draft.file));
        *draft = Draft { text: "true".into(), ..std::mem::take(draft) };
        draft.refs.clear();
    }
}
