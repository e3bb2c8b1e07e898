//! Heads to principals: on whose behalf an exchange happens, as its credential says.
//!
//! Nothing is verified here. A credential is a claim until an `[auth]` section checks it; the
//! claim is still what ties an exchange to a caller.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use exchange::json::{self, Container, Literal, Sink, Text};
use exchange::message::RequestHead;
use exchange::peer::Peer;
use exchange::principal::{Principal, Proof};
use exchange::redact::{Pseudonym, Pseudonymizer};
use wire::field::NameSet;

/// Header fields that carry a key of the caller's.
const KEY_HEADERS: [&str; 5] = ["x-api-key", "api-key", "apikey", "x-auth-token", "x-access-token"];

/// Cookies by whose name frameworks know a session; others count when their name says so.
static SESSION_COOKIES: NameSet = NameSet::new(&[
    "JSESSIONID",
    "PHPSESSID",
    "ASP.NET_SessionId",
    "connect.sid",
    "sid",
    "session",
    "sessionid",
    "session_id",
    "auth",
    "auth_token",
    "access_token",
    "token",
]);

/// Bytes of a JWT's payload that are decoded: real ones stay below 4 KiB.
const JWT_PAYLOAD_BYTES_MAX: usize = 16 << 10;

const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The principal of a request. `client` stands for the client's address and is the principal
/// where no credential is shown. A credential counts more than a certificate, which may be that of
/// a program that speaks for many; a name that an access log gives counts least.
pub(crate) fn identify(
    head: &RequestHead<'_>,
    client: Option<Pseudonym>,
    peer: &Peer,
    pseudonymizer: &Pseudonymizer,
) -> Principal {
    let carriers = Carriers::of(head);
    let claimed = authorization(&carriers, pseudonymizer)
        .or_else(|| key_header(&carriers, pseudonymizer))
        .or_else(|| session_cookie(head, &carriers, pseudonymizer))
        .or_else(|| query_key(head, pseudonymizer));
    if let Some((proof, id)) = claimed {
        return Principal { id: Some(id), proof };
    }
    if let Some(name) = &peer.certificate {
        let id = Some(pseudonymizer.of("certificate", name.as_bytes()));
        return Principal { id, proof: Proof::Certificate };
    }
    match &peer.user {
        Some(user) => Principal { id: Some(pseudonymizer.of("user", user)), proof: Proof::Basic },
        None => Principal { id: client, proof: Proof::None },
    }
}

type Claim = Option<(Proof, Pseudonym)>;

/// The fields of a head that may carry a credential, found in one pass: the first of each name.
#[derive(Default)]
struct Carriers<'h> {
    authorization: Option<&'h [u8]>,
    keys: [Option<&'h [u8]>; KEY_HEADERS.len()],
    has_cookies: bool,
}

impl<'h> Carriers<'h> {
    const NAMES: NameSet = NameSet::new(&[
        "authorization",
        "cookie",
        "x-api-key",
        "api-key",
        "apikey",
        "x-auth-token",
        "x-access-token",
    ]);

    fn of(head: &RequestHead<'h>) -> Self {
        let mut carriers = Self::default();
        for (name, value) in head.fields.iter().filter(|(name, _)| Self::NAMES.contains(name)) {
            if name.eq_ignore_ascii_case(b"authorization") {
                carriers.authorization.get_or_insert(value);
            } else if name.eq_ignore_ascii_case(b"cookie") {
                carriers.has_cookies = true;
            } else {
                let same = |known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
                if let Some(at) = KEY_HEADERS.iter().position(same) {
                    carriers.keys[at].get_or_insert(value);
                }
            }
        }
        carriers
    }
}

fn authorization(carriers: &Carriers<'_>, pseudonymizer: &Pseudonymizer) -> Claim {
    let value = carriers.authorization?.trim_ascii();
    let at = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at(at);
    let rest = rest.trim_ascii();
    if rest.is_empty() {
        return None;
    }
    if scheme.eq_ignore_ascii_case(b"basic") {
        let decoded = general_purpose::STANDARD.decode(rest).unwrap_or_else(|_| rest.to_vec());
        let user = decoded.split(|byte| *byte == b':').next().unwrap_or_default();
        return Some((Proof::Basic, pseudonymizer.of("user", user)));
    }
    if scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"token") {
        return Some(token(rest, pseudonymizer));
    }
    Some((Proof::Other, pseudonymizer.of("authorization", rest)))
}

fn key_header(carriers: &Carriers<'_>, pseudonymizer: &Pseudonymizer) -> Claim {
    let value = carriers.keys.iter().flatten().next()?;
    if value.is_empty() {
        return None;
    }
    match token(value, pseudonymizer) {
        (Proof::Jwt, id) => Some((Proof::Jwt, id)),
        _ => Some((Proof::ApiKey, pseudonymizer.of("key", value))),
    }
}

fn session_cookie(
    head: &RequestHead<'_>,
    carriers: &Carriers<'_>,
    pseudonymizer: &Pseudonymizer,
) -> Claim {
    if !carriers.has_cookies {
        return None;
    }
    for line in head.fields.get_all("cookie") {
        for pair in line.split(|byte| *byte == b';') {
            let Some(at) = pair.iter().position(|byte| *byte == b'=') else { continue };
            let (name, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
            if value.is_empty() || !names_session(name) {
                continue;
            }
            return Some(match token(value, pseudonymizer) {
                (Proof::Jwt, id) => (Proof::Jwt, id),
                _ => (Proof::Session, pseudonymizer.of("session", value)),
            });
        }
    }
    None
}

fn names_session(name: &[u8]) -> bool {
    let bare = name.strip_prefix(b"__Host-").or_else(|| name.strip_prefix(b"__Secure-"));
    let bare = bare.unwrap_or(name);
    SESSION_COOKIES.contains(bare)
        || bare.windows(7).any(|part| part.eq_ignore_ascii_case(b"session"))
}

fn query_key(head: &RequestHead<'_>, pseudonymizer: &Pseudonymizer) -> Claim {
    head.query
        .pairs()
        .take(exchange::limits::PARAMETERS_MAX)
        .find(|(name, value)| !value.is_empty() && is_credential_parameter(name))
        .map(|(_, value)| match token(value, pseudonymizer) {
            (Proof::Jwt, id) => (Proof::Jwt, id),
            _ => (Proof::ApiKey, pseudonymizer.of("key", value)),
        })
}

/// True for the names under which credentials travel in queries.
pub(crate) fn is_credential_parameter(name: &[u8]) -> bool {
    const NAMES: NameSet = NameSet::new(&[
        "api_key",
        "apikey",
        "x-api-key",
        "access_token",
        "accesstoken",
        "auth_token",
        "authtoken",
        "id_token",
        "refresh_token",
        "session_token",
        "sessionid",
        "session_id",
        "jsessionid",
        "password",
        "passwd",
        "pwd",
        "secret",
        "client_secret",
        "private_key",
        "secret_key",
        "bearer",
        "jwt",
    ]);
    NAMES.contains(name)
}

/// A bearer token: by its subject when it is a JWT that names one, else by itself.
fn token(token: &[u8], pseudonymizer: &Pseudonymizer) -> (Proof, Pseudonym) {
    match jwt_subject(token) {
        None => (Proof::Bearer, pseudonymizer.of("token", token)),
        Some(None) => (Proof::Jwt, pseudonymizer.of("token", token)),
        Some(Some(subject)) => (Proof::Jwt, pseudonymizer.of("user", subject.as_bytes())),
    }
}

/// `None`: not a JWT. `Some(None)`: one without a subject.
fn jwt_subject(token: &[u8]) -> Option<Option<String>> {
    // every JWT's header is a JSON object, so it begins with `{"` or `{ `
    if !token.starts_with(b"eyJ") && !token.starts_with(b"ewo") && !token.starts_with(b"eyA") {
        return None;
    }
    let mut parts = token.split(|byte| *byte == b'.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || payload.len() > JWT_PAYLOAD_BYTES_MAX {
        return None;
    }
    let payload = URL_SAFE.decode(payload).ok()?;
    let mut claims = Claims::default();
    json::read(&payload, &mut claims).ok()?;
    Some(claims.best())
}

/// Listens for the top-level claims that name a subject.
#[derive(Default)]
struct Claims {
    depth: usize,
    wanted: Option<usize>,
    found: [Option<String>; Self::NAMES.len()],
}

impl Claims {
    /// Best first: `sub` is the standard's claim for it, the others stand in where it is missing.
    const NAMES: [&str; 6] = ["sub", "user_id", "uid", "email", "username", "client_id"];

    fn best(self) -> Option<String> {
        self.found.into_iter().flatten().next()
    }

    fn take(&mut self, value: String) {
        if let Some(slot) = self.wanted.take().and_then(|at| self.found.get_mut(at)) {
            *slot = Some(value);
        }
    }
}

impl Sink for Claims {
    fn open(&mut self, _: Container) {
        self.depth += 1;
        self.wanted = None;
    }

    fn close(&mut self, _: Container) {
        self.depth -= 1;
    }

    fn name(&mut self, name: Text<'_>) {
        self.wanted = match self.depth {
            1 => Self::NAMES.iter().position(|wanted| *wanted == name.raw()),
            _ => None,
        };
    }

    fn string(&mut self, text: Text<'_>) {
        if self.wanted.is_some() {
            self.take(text.decode().into_owned());
        }
    }

    fn number(&mut self, digits: &str) {
        if self.wanted.is_some() {
            self.take(digits.to_owned());
        }
    }

    fn literal(&mut self, _: Literal) {
        self.wanted = None;
    }
}
