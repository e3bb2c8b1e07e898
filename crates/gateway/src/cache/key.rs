//! What a stored answer is found by: its target, the caller to whom it belongs, and the fields that
//! its `Vary` names.
//!
//! Each part is the SHA-256 of what it stands for, length before content, so that no two different
//! requests can be made to share a key, and no credential lies in memory.

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use exchange::message::Scheme;
use exchange::peer::Peer;
use wire::field::{ADDRESSES, OWNED, ROUTES};
use wire::{Fields, NameSet, RequestHead};

/// The SHA-256 of one part of a key.
pub(crate) type Hash = [u8; SHA256_OUTPUT_LEN];

/// A target and a caller. Targets come first, so that all callers' answers lie side by side.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    /// Scheme, host, path and query. Only answers to GET are stored, so the method is no part.
    pub(crate) target: Hash,
    /// Who asks.
    pub(crate) tenant: Hash,
}

/// Fields by which an API knows its caller.
static CREDENTIALS: NameSet = NameSet::new(&[
    "Authorization",
    "Cookie",
    "X-Api-Key",
    "Api-Key",
    "Apikey",
    "X-Auth-Token",
    "X-Access-Token",
]);

impl Key {
    /// The key of a request, and whether it shows who the caller is. `enforced`: the target goes
    /// upstream in its canonical form; else as it came, and then so does the key.
    ///
    /// The caller is the whole credential and not the principal in it: nothing has verified the
    /// name that a token claims, and a claim must not open somebody else's answers.
    pub(crate) fn of(
        head: &RequestHead,
        scheme: Scheme,
        enforced: bool,
        peer: &Peer,
        identity: &NameSet,
    ) -> (Self, bool) {
        let (tenant, credentials) = tenant(head.fields(), peer, identity);
        (Self { target: target(head, scheme, enforced), tenant }, credentials)
    }

    /// The first and the last key with this target.
    pub(crate) const fn range(target: Hash) -> (Self, Self) {
        let (first, last) = ([0; SHA256_OUTPUT_LEN], [u8::MAX; SHA256_OUTPUT_LEN]);
        (Self { target, tenant: first }, Self { target, tenant: last })
    }
}

/// The hash of a request's target.
pub(crate) fn target(head: &RequestHead, scheme: Scheme, enforced: bool) -> Hash {
    let mut hasher = Hasher::new();
    hasher.part(match scheme {
        Scheme::Https => b"https",
        _ => b"http",
    });
    if enforced {
        let authority = head.authority().map(ToString::to_string).unwrap_or_default();
        hasher.part(authority.as_bytes());
        hasher.part(head.path().as_str().as_bytes());
        hasher.option(head.query().map(wire::Query::raw));
    } else {
        hasher.option(head.fields().get("host"));
        hasher.part(head.raw_target());
    }
    hasher.finish()
}

fn tenant(fields: &Fields, peer: &Peer, identity: &NameSet) -> (Hash, bool) {
    let mut hasher = Hasher::new();
    let mut credentials = peer.user.is_some();
    hasher.option(peer.user.as_deref());
    for (name, value) in fields.iter() {
        // addresses differ from client to client, and whoever answers by them must say so; from
        // anyone else what a trusted proxy vouches for does not reach the upstream
        let named = || OWNED.contains(name) || identity.contains(name);
        let vouched = peer.trusted && named() && !ADDRESSES.contains(name);
        let shows = CREDENTIALS.contains(name) || vouched && !ROUTES.contains(name);
        if shows || vouched {
            hasher.part(&name.to_ascii_lowercase());
            hasher.part(value);
            credentials |= shows;
        }
    }
    (hasher.finish(), credentials)
}

/// The hash of what a request says in the fields that `vary` names.
pub(crate) fn variant(vary: &[Box<str>], fields: &Fields) -> Hash {
    let mut hasher = Hasher::new();
    for name in vary {
        hasher.part(name.as_bytes());
        let mut count: u32 = 0;
        for value in fields.get_all(name) {
            hasher.part(value);
            count += 1;
        }
        hasher.0.update(&count.to_le_bytes());
    }
    hasher.finish()
}

struct Hasher(Context);

impl Hasher {
    fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn option(&mut self, bytes: Option<&[u8]>) {
        self.0.update(&[u8::from(bytes.is_some())]);
        self.part(bytes.unwrap_or_default());
    }

    fn finish(self) -> Hash {
        let mut hash = [0; SHA256_OUTPUT_LEN];
        hash.copy_from_slice(self.0.finish().as_ref());
        hash
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wire::{HeadLimits, Profile};

    use super::*;

    pub(super) fn head(bytes: &str) -> RequestHead {
        let mut head = RequestHead::new();
        let limits = HeadLimits::request();
        wire::request::parse_head(bytes.as_bytes(), &limits, Profile::Observe, &mut head).unwrap();
        head
    }

    static OURS: NameSet = NameSet::new(&["X-Our-User"]);

    fn key(line: &str, fields: &str, peer: &Peer) -> Key {
        Key::of(&head(&format!("{line} HTTP/1.1\r\n{fields}\r\n")), Scheme::Http, true, peer, &OURS)
            .0
    }

    /// CA-01 and CA-03: whatever may change the answer changes the key.
    #[test]
    fn no_two_different_requests_share_a_key() {
        let nobody = Peer::default();
        let user = Peer { user: Some(Box::from(b"alice".as_slice())), ..Peer::default() };
        let trusted = Peer { trusted: true, ..Peer::default() };
        let cases: &[(&str, &str, &Peer)] = &[
            ("GET /a", "Host: one\r\n", &nobody),
            ("GET /a", "Host: two\r\n", &nobody),
            ("GET /a", "Host: one:81\r\n", &nobody),
            ("GET /A", "Host: one\r\n", &nobody),
            ("GET /a/", "Host: one\r\n", &nobody),
            ("GET /a?", "Host: one\r\n", &nobody),
            ("GET /a?b", "Host: one\r\n", &nobody),
            ("GET /a?b=", "Host: one\r\n", &nobody),
            ("GET /a", "Host: one\r\nAuthorization: Bearer t\r\n", &nobody),
            ("GET /a", "Host: one\r\nAuthorization: Bearer to\r\n", &nobody),
            ("GET /a", "Host: one\r\nAuthorization: Bearer t\r\nCookie: o\r\n", &nobody),
            ("GET /a", "Host: one\r\nCookie: s=1\r\n", &nobody),
            ("GET /a", "Host: one\r\nCookie: s=2\r\n", &nobody),
            ("GET /a", "Host: one\r\nX_Api_Key: k\r\n", &nobody),
            ("GET /a", "Host: one\r\n", &user),
            ("GET /a", "Host: one\r\nX-Forwarded-Proto: https\r\n", &trusted),
            ("GET /a", "Host: one\r\nX-Remote-User: bob\r\n", &trusted),
            ("GET /a", "Host: one\r\nX-Our-User: bob\r\n", &trusted),
        ];
        let keys: BTreeSet<Key> =
            cases.iter().map(|(line, fields, peer)| key(line, fields, peer)).collect();
        assert_eq!((keys.len(), cases.len()), (18, 18));
        let https = Key::of(
            &head("GET /a HTTP/1.1\r\nHost: one\r\n\r\n"),
            Scheme::Https,
            true,
            &nobody,
            &OURS,
        );
        assert!(!keys.contains(&https.0));
    }

    #[test]
    fn what_cannot_reach_the_upstream_is_no_part_of_the_key() {
        let nobody = Peer::default();
        let plain = key("GET /a", "Host: one\r\n", &nobody);
        let same = [
            key("GET /x/../a", "Host: ONE\r\n", &nobody),
            key("HEAD /a", "Host: one\r\nUser-Agent: x\r\n", &nobody),
            key("GET /a", "Host: one\r\nX-Forwarded-Host: evil\r\n", &nobody),
            key("GET /a", "Host: one\r\nX-Our-User: evil\r\n", &nobody),
            key(
                "GET /a",
                "Host: one\r\nX-Forwarded-For: 1.2.3.4\r\n",
                &Peer { trusted: true, ..Peer::default() },
            ),
        ];
        assert_eq!(same, [plain; 5]);
    }

    #[test]
    fn variants_are_told_apart_by_all_values_of_a_field() {
        let vary = [Box::from("accept"), Box::from("x")];
        let of = |fields: &str| {
            variant(&vary, head(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).fields())
        };
        let different: BTreeSet<Hash> = [
            of(""),
            of("Accept: \r\n"),
            of("Accept: a\r\n"),
            of("Accept: a\r\nAccept: b\r\n"),
            of("X: a\r\n"),
            of("Accept: a\r\nX: b\r\n"),
        ]
        .into();
        assert_eq!(different.len(), 6);
        assert_eq!(of("Accept: a\r\n"), of("ACCEPT:  a\r\nOther: 1\r\n"));
    }
}
