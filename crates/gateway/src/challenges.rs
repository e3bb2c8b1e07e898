//! Proof that a name is ours: what an authority asks for over plain HTTP before it issues a
//! certificate (ACME, RFC 8555 §8.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use wire::RequestHead;

use crate::refuse::Answer;

/// Where authorities ask.
const PATH: &[u8] = b"/.well-known/acme-challenge/";

/// What is answered below `/.well-known/acme-challenge/`, over plain HTTP and for the names that
/// certificates are ordered for; everything else there belongs to the services.
#[derive(Debug, Default)]
pub struct Challenges(ArcSwapOption<Answers>);

#[derive(Clone, Debug, Default)]
struct Answers {
    domains: Vec<String>,
    tokens: BTreeMap<String, String>,
}

impl Challenges {
    /// From now on, answers for these names and no others.
    pub fn serve(&self, domains: Vec<String>) {
        self.0.rcu(|before| {
            let tokens = before.as_ref().map(|answers| answers.tokens.clone()).unwrap_or_default();
            let answers = Answers { domains: domains.clone(), tokens };
            (!domains.is_empty()).then(|| Arc::new(answers))
        });
    }

    /// Answers a token, or with `None` no longer does.
    pub fn set(&self, token: &str, answer: Option<&str>) {
        self.0.rcu(|before| {
            let mut answers = before.as_deref().cloned()?;
            match answer {
                Some(answer) => answers.tokens.insert(token.to_owned(), answer.to_owned()),
                None => answers.tokens.remove(token),
            };
            Some(Arc::new(answers))
        });
    }

    /// The answer to a request over plain HTTP, if it is for us.
    pub(crate) fn answer(&self, head: &RequestHead) -> Option<Answer> {
        let answers = self.0.load();
        let answers = answers.as_ref()?;
        let token = head.raw_target().strip_prefix(PATH)?;
        let host = head.authority()?.host();
        if !answers.domains.iter().any(|domain| domain == host) {
            return None;
        }
        let asks = matches!(head.method(), "GET" | "HEAD");
        let known = std::str::from_utf8(token).ok().and_then(|token| answers.tokens.get(token));
        Some(known.filter(|_| asks).map_or_else(Answer::unknown_token, |it| Answer::token(it)))
    }
}
