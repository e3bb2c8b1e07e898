//! Sign-in: start links that open once, and the sessions they open. All of it in memory.
//!
//! Codes and session identifiers are 256 random bits. Only their SHA-256 is kept, so that a copy
//! of this process's memory or a log of it opens nothing. There is no password to guess.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use crate::error::ConsoleError;

/// How long a start link opens.
const START_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// How long a session lasts without a request, and at most.
const IDLE_LIFETIME: Duration = Duration::from_secs(12 * 3_600);
const SESSION_LIFETIME: Duration = Duration::from_secs(7 * 86_400);

/// Start links that are open at once; the oldest gives way.
const STARTS_MAX: usize = 8;

/// Sessions at once; the one unused for longest gives way.
const SESSIONS_MAX: usize = 64;

/// The cookie that carries a session's identifier. (No `__Host-` prefix: it demands TLS.)
const COOKIE: &str = "palisade_session";

type Hash = [u8; 32];

/// Open start links and sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    starts: Vec<(Hash, Instant)>,
    sessions: BTreeMap<Hash, Times>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    opened: Instant,
    used: Instant,
}

impl Times {
    fn is_over(self, now: Instant) -> bool {
        now.duration_since(self.opened) > SESSION_LIFETIME
            || now.duration_since(self.used) > IDLE_LIFETIME
    }
}

/// A session that a request showed.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    hash: Hash,
    /// Proves that a form came from a page of this session.
    pub(crate) form_token: String,
}

impl Sessions {
    /// A new code for a start link.
    pub(crate) fn start(&self, now: Instant) -> Result<String, ConsoleError> {
        let code = random()?;
        let mut tables = self.lock();
        if tables.starts.len() == STARTS_MAX {
            tables.starts.remove(0);
        }
        tables.starts.push((hash(&code), now));
        Ok(code)
    }

    /// Exchanges a code for a session, once: the value of the cookie. `None`: the code is unknown,
    /// used or too old.
    pub(crate) fn open(&self, code: &str, now: Instant) -> Result<Option<String>, ConsoleError> {
        let identifier = random()?;
        let code = hash(code);
        let mut tables = self.lock();
        tables.starts.retain(|(_, made)| now.duration_since(*made) <= START_LIFETIME);
        let Some(at) = tables.starts.iter().position(|(known, _)| *known == code) else {
            return Ok(None);
        };
        tables.starts.remove(at);
        tables.sessions.retain(|_, times| !times.is_over(now));
        if tables.sessions.len() == SESSIONS_MAX {
            let idlest = tables.sessions.iter().min_by_key(|(_, times)| times.used);
            if let Some(idlest) = idlest.map(|(hash, _)| *hash) {
                tables.sessions.remove(&idlest);
            }
        }
        tables.sessions.insert(hash(&identifier), Times { opened: now, used: now });
        Ok(Some(cookie(&identifier)))
    }

    /// The session that a request shows, if it is open.
    pub(crate) fn find(&self, headers: &HeaderMap, now: Instant) -> Option<Session> {
        let identifier = identifier(headers)?;
        let hash = hash(identifier);
        let mut tables = self.lock();
        let times = tables.sessions.get_mut(&hash).filter(|times| !times.is_over(now))?;
        times.used = now;
        Some(Session { hash, form_token: form_token(identifier) })
    }

    /// True while the session is open; does not count as using it.
    pub(crate) fn is_open(&self, session: &Session, now: Instant) -> bool {
        self.lock().sessions.get(&session.hash).is_some_and(|times| !times.is_over(now))
    }

    /// Ends a session.
    pub(crate) fn close(&self, session: &Session) {
        self.lock().sessions.remove(&session.hash);
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // no code that holds the lock can panic half-way through a change
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cookie that ends a session in the browser.
pub(crate) fn expired_cookie() -> String {
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

fn cookie(identifier: &str) -> String {
    let seconds = SESSION_LIFETIME.as_secs();
    format!("{COOKIE}={identifier}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}")
}

/// The value of the cookie of this name.
pub(crate) fn cookie_value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

fn identifier(headers: &HeaderMap) -> Option<&str> {
    cookie_value(headers, COOKIE).filter(|value| value.len() == 64)
}

/// Derived from the identifier, so that nothing more is kept; it does not lead back to it.
fn form_token(identifier: &str) -> String {
    hex(&Sha256::digest(format!("palisade form {identifier}")))
}

fn hash(secret: &str) -> Hash {
    Sha256::digest(secret).into()
}

fn random() -> Result<String, ConsoleError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(ConsoleError::Random)?;
    Ok(hex(&bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(cookie: &str) -> HeaderMap {
        let pair = cookie.split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, pair.parse().unwrap())])
    }

    #[test]
    fn a_start_link_opens_once_and_not_for_long() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let code = sessions.start(now).unwrap();
        assert!(sessions.open(&code, now).unwrap().is_some());
        assert!(sessions.open(&code, now).unwrap().is_none(), "used");
        let code = sessions.start(now).unwrap();
        let late = now + START_LIFETIME + Duration::from_secs(1);
        assert!(sessions.open(&code, late).unwrap().is_none(), "too old");
    }

    #[test]
    fn a_session_ends_when_idle_old_or_closed() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let open = || sessions.open(&sessions.start(now).unwrap(), now).unwrap().unwrap();
        let (first, second) = (shows(&open()), shows(&open()));
        let session = sessions.find(&first, now).unwrap();
        let hours = |hours: u64| now + Duration::from_secs(hours * 3_600);
        assert!(sessions.find(&first, hours(11)).is_some());
        assert!(sessions.find(&second, hours(13)).is_none(), "idle");
        assert!(sessions.find(&first, hours(22)).is_some());
        sessions.close(&session);
        assert!(sessions.find(&first, hours(22)).is_none(), "closed");
    }

    #[test]
    fn tables_do_not_grow() {
        let sessions = Sessions::default();
        let now = Instant::now();
        for _ in 0..SESSIONS_MAX + 20 {
            let code = sessions.start(now).unwrap();
            sessions.open(&code, now).unwrap().unwrap();
        }
        (0..20).for_each(|_| drop(sessions.start(now).unwrap()));
        let tables = sessions.lock();
        assert_eq!((tables.sessions.len(), tables.starts.len()), (SESSIONS_MAX, STARTS_MAX));
    }
}
