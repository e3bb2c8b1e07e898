//! Ordered certificates and the account they are ordered with, on disk, for this user only.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway::tls::{CertificateFacts, File};
use policy::document::Document;
use policy::document::acme::Acme;

/// The files of one order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Shelf {
    directory: PathBuf,
    certificate: PathBuf,
}

impl Shelf {
    /// The place of an order: below the authority's name, so that what one has issued for a trial
    /// is not taken for what another is to issue.
    pub(crate) fn of(document: &Document, base: &Path, acme: &Acme) -> Self {
        let authority = acme.directory.trim_start_matches("https://");
        let authority = authority.split('/').next().unwrap_or_default();
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let authority: String = authority.chars().map(plain).collect();
        let directory = super::directory(document, base).join(authority);
        let first = acme.domains.first().map_or("none", String::as_str);
        let certificate = directory.join(format!("{first}.pem"));
        Self { directory, certificate }
    }

    /// The file with the chain and its key.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The account's credentials, if there are any.
    pub(super) fn account(&self) -> Option<Vec<u8>> {
        std::fs::read(self.directory.join("account.json")).ok()
    }

    /// Keeps an account's credentials; none: forgets them.
    pub(super) fn keep_account(&self, credentials: Option<&[u8]>) -> io::Result<()> {
        let file = self.directory.join("account.json");
        match credentials {
            Some(credentials) => self.write(&file, credentials),
            None => std::fs::remove_file(file),
        }
    }

    /// Keeps a certificate with its key.
    pub(super) fn keep(&self, pem: &str) -> io::Result<()> {
        self.write(&self.certificate, pem.as_bytes())
    }

    /// Puts a file in place as a whole, readable by nobody else.
    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        // made with mode 0600
        let mut fresh = tempfile::NamedTempFile::new_in(&self.directory)?;
        fresh.write_all(bytes)?;
        fresh.as_file().sync_all()?;
        fresh.persist(file).map_err(|error| error.error)?;
        Ok(())
    }

    /// In how long the certificate is to be ordered; at once if there is none for these names. It
    /// is renewed when two thirds of its life are over, and a little later by a measure of its
    /// own, so that not all gateways come at once.
    pub(super) fn due_in(&self, domains: &[String], now: SystemTime) -> Duration {
        let Ok(bytes) = std::fs::read(&self.certificate) else { return Duration::ZERO };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let measure = hasher.finish() % 1_024;
        let file = File { name: self.certificate.display().to_string(), bytes };
        let Ok(facts) = CertificateFacts::of(&file) else { return Duration::ZERO };
        if !domains.iter().all(|domain| facts.names.contains(domain)) {
            return Duration::ZERO;
        }
        let due_s = due_at(&facts, measure);
        let now_s = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let left = due_s.saturating_sub(i64::try_from(now_s).unwrap_or(i64::MAX));
        Duration::from_secs(u64::try_from(left).unwrap_or(0))
    }
}

/// Two thirds of a certificate's life, and up to a thirtieth more by `measure` of 1,024.
fn due_at(facts: &CertificateFacts, measure: u64) -> i64 {
    let life = facts.not_after_s.saturating_sub(facts.not_before_s).max(0);
    let measure = i64::try_from(measure).unwrap_or(0);
    facts.not_before_s + life / 3 * 2 + life / 30 * measure / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_is_due_after_two_thirds() {
        const DAY: i64 = 86_400;
        let facts = |days: i64| CertificateFacts {
            names: Vec::new(),
            not_before_s: 1_000 * DAY,
            not_after_s: (1_000 + days) * DAY,
        };
        assert_eq!(due_at(&facts(90), 0), 1_060 * DAY);
        assert_eq!(due_at(&facts(90), 1_024), 1_063 * DAY);
        assert_eq!(due_at(&facts(6), 0), 1_004 * DAY);
        // a certificate that ends before it begins is due at once
        assert_eq!(due_at(&facts(-5), 512), 1_000 * DAY);
    }
}
