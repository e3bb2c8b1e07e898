//! The files of TLS: read where the settings name them, told about where they stand, watched for
//! changes.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway::metrics::Metrics;
use gateway::tls::{
    Connector, File, Material, MaterialError, Pair, Terminator, TlsSlot, UpstreamMaterial,
};
use policy::Placed;
use policy::document::Document;
use policy::document::tls::{CertificateFiles, CertificateSource, ListenerTls, UpstreamTls};
use policy::document::upstreams::{Scheme, Upstream};
use policy::error::SettingError;
use prometheus_client::metrics::gauge::Gauge;

use crate::acme::Shelf;
use crate::settings::Settings;

/// How often the files are looked at: new handshakes meet what changed within a second.
pub(crate) const POLL: Duration = Duration::from_millis(500);

/// What TLS is made of, checked.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    /// For each listener; `None` in the clear.
    pub(crate) listeners: Vec<Option<Terminator>>,
    /// For each service; `None` where all upstreams are reached in the clear.
    pub(crate) connectors: Vec<Option<Arc<Connector>>>,
}

/// Reads files, and remembers where the settings name them.
struct Reader<'a> {
    base: &'a Path,
    places: BTreeMap<String, (String, Range<usize>)>,
}

/// What a file looked like: it has changed when this has.
type Stamp = Option<(SystemTime, u64, u64)>;

/// The files of TLS, as they were last seen.
#[derive(Debug, Default, Eq, PartialEq)]
struct Stamps(Vec<(PathBuf, Stamp)>);

impl Certificates {
    /// Reads and checks every file of TLS that the settings name.
    pub(crate) fn read(document: &Document, base: &Path) -> Result<Self, Vec<SettingError>> {
        let mut errors = Vec::new();
        let listeners = terminators(document, base, &mut errors);
        let connectors = connectors(document, base, &mut errors);
        if errors.is_empty() { Ok(Self { listeners, connectors }) } else { Err(errors) }
    }
}

/// The TLS to the upstreams of each service.
fn connectors(
    document: &Document,
    base: &Path,
    errors: &mut Vec<SettingError>,
) -> Vec<Option<Arc<Connector>>> {
    let mut all = Vec::new();
    for service in &document.services {
        let mut reader = Reader { base, places: BTreeMap::new() };
        let setting = format!("services.{}.upstream_tls", service.name.value);
        let secure = |upstream: &Upstream| upstream.scheme == Scheme::Https;
        let default = UpstreamTls::default();
        let connector = match service.upstreams.targets.iter().any(secure) {
            false => Ok(None),
            true => reader
                .upstream(&setting, service.upstream_tls.as_ref().unwrap_or(&default))
                .and_then(|material| {
                    let connector = Connector::new(material);
                    connector
                        .map(|made| Some(Arc::new(made)))
                        .map_err(|e| reader.misfit(&setting, e))
                }),
        };
        match connector {
            Ok(connector) => all.push(connector),
            Err(error) => errors.push(error),
        }
    }
    all
}

/// The TLS of each listener.
fn terminators(
    document: &Document,
    base: &Path,
    errors: &mut Vec<SettingError>,
) -> Vec<Option<Terminator>> {
    let mut all = Vec::new();
    for (at, listener) in document.listeners.iter().enumerate() {
        let mut reader = Reader { base, places: BTreeMap::new() };
        let setting = format!("listeners[{at}].tls");
        let terminator = listener.tls.as_ref().map(|tls| {
            let material = reader.listener(at, tls)?;
            if let CertificateSource::Acme(acme) = &tls.source {
                let shelf = Shelf::of(document, base, acme);
                let made = ordered(&shelf, material);
                return made.map_err(|e| reader.misfit(&setting, e));
            }
            Terminator::new(material, SystemTime::now()).map_err(|e| reader.misfit(&setting, e))
        });
        match terminator.transpose() {
            Ok(terminator) => all.push(terminator),
            Err(error) => errors.push(error),
        }
    }
    all
}

/// TLS with the ordered certificate. While there is none that can be served, every handshake is
/// refused: there is nothing to show, and the clear is no substitute.
fn ordered(shelf: &Shelf, material: Material) -> Result<Terminator, MaterialError> {
    let now = SystemTime::now();
    let name = shelf.certificate().display().to_string();
    let Ok(bytes) = std::fs::read(shelf.certificate()) else {
        return Terminator::new(material, now);
    };
    let file = File { name, bytes };
    let pair = Pair { certificate: file.clone(), key: file };
    let whole = Material { certificates: vec![pair], ..material.clone() };
    Terminator::new(whole, now).or_else(|error| {
        tracing::warn!("an ordered certificate is not used: {error}");
        Terminator::new(material, now)
    })
}

/// The listeners' TLS while they run: looks at the files and replaces what has changed.
pub(crate) struct Renewal {
    slots: Vec<TlsSlot>,
    seen: Stamps,
    /// 1 while the files that were read last are in force.
    sound: Gauge,
}

impl Renewal {
    /// For listeners with this TLS, whose files have just been read.
    pub(crate) fn new(settings: &mut Settings, metrics: &Metrics) -> Self {
        let read = std::mem::take(&mut settings.certificates.listeners);
        let sound = Gauge::default();
        sound.set(1);
        metrics.register(|registry| {
            let help = "1 if the certificates, keys and revocation lists read last are in force";
            registry.register("palisade_certificates_last_reload_successful", help, sound.clone());
        });
        Self {
            slots: read.into_iter().map(TlsSlot::new).collect(),
            seen: Stamps::take(&settings.document, &settings.base),
            sound,
        }
    }

    /// The places of the listeners' TLS, in the order of the settings.
    pub(crate) fn slots(&self) -> &[TlsSlot] {
        &self.slots
    }

    /// Puts what new settings name into its place; listeners without TLS stay without it.
    pub(crate) fn take(&mut self, settings: &mut Settings) {
        let read = std::mem::take(&mut settings.certificates.listeners);
        self.seen = Stamps::take(&settings.document, &settings.base);
        self.sound.set(1);
        self.replace(read);
    }

    fn replace(&self, read: Vec<Option<Terminator>>) -> usize {
        let mut renewed = 0;
        for (slot, new) in self.slots.iter().zip(read) {
            let Some(new) = new else { continue };
            // what was served stays until there is something else
            let served = |one: &Terminator| !one.material().certificates.is_empty();
            if !served(&new) && slot.get().is_some_and(|old| served(&old)) {
                continue;
            }
            // the same files are left alone, so that clients' sessions stay good
            if slot.get().is_some_and(|old| old.material() != new.material()) {
                slot.replace(new);
                renewed += 1;
            }
        }
        renewed
    }

    /// Reads the files again if one of them has changed. A bad one leaves all as they are. Returns
    /// the ways to upstreams, if those are others now.
    pub(crate) fn look(&mut self, settings: &Settings) -> Option<Vec<Option<Arc<Connector>>>> {
        let now = Stamps::take(&settings.document, &settings.base);
        if now == self.seen {
            return None;
        }
        self.seen = now;
        let mut errors = Vec::new();
        let read = terminators(&settings.document, &settings.base, &mut errors);
        let ways = connectors(&settings.document, &settings.base, &mut errors);
        if errors.is_empty() {
            self.sound.set(1);
            let renewed = self.replace(read);
            tracing::info!("certificates were read again; listeners with new ones: {renewed}");
            let material = |all: &[Option<Arc<Connector>>]| -> Vec<_> {
                all.iter().map(|one| one.as_ref().map(|it| it.material().clone())).collect()
            };
            let others = material(&ways) != material(&settings.certificates.connectors);
            return others.then_some(ways);
        }
        self.sound.set(0);
        tracing::error!(
            "changed certificates are not used, the old ones stay in force\n{}",
            settings.trouble(errors)
        );
        None
    }
}

impl Stamps {
    /// What the files look like now.
    fn take(document: &Document, base: &Path) -> Self {
        let mut paths = Vec::new();
        let mut name = |name: &Placed<String>| paths.push(base.join(&name.value));
        let mut shelves = Vec::new();
        for tls in document.listeners.iter().filter_map(|listener| listener.tls.as_ref()) {
            tls.client_ca.iter().chain(&tls.crl).for_each(&mut name);
            match &tls.source {
                CertificateSource::Acme(acme) => {
                    shelves.push(Shelf::of(document, base, acme).certificate().to_owned());
                }
                CertificateSource::Files(pairs) => {
                    pairs.iter().flat_map(|pair| [&pair.cert, &pair.key]).for_each(&mut name);
                }
            }
        }
        for tls in document.services.iter().filter_map(|service| service.upstream_tls.as_ref()) {
            tls.ca.iter().for_each(&mut name);
            tls.client.iter().flat_map(|pair| [&pair.cert, &pair.key]).for_each(&mut name);
        }
        paths.extend(shelves);
        let stamp = |path: PathBuf| {
            let stamp = std::fs::metadata(&path)
                .and_then(|data| Ok((data.modified()?, data.len(), data.ino())));
            (path, stamp.ok())
        };
        Self(paths.into_iter().map(stamp).collect())
    }
}

impl Reader<'_> {
    fn file(&mut self, setting: String, name: &Placed<String>) -> Result<File, SettingError> {
        let path = self.base.join(&name.value);
        let shown = path.display().to_string();
        self.places.insert(shown.clone(), (setting.clone(), name.span.clone()));
        match std::fs::read(&path) {
            Ok(bytes) => Ok(File { name: shown, bytes }),
            Err(error) => Err(SettingError {
                code: "tls::unreadable",
                span: Some(name.span.clone()),
                setting,
                message: format!("cannot read {shown}: {error}"),
                remedy: match error.kind() {
                    io::ErrorKind::NotFound => "paths are relative to the settings file",
                    _ => "let the account that runs palisade read it",
                }
                .to_owned(),
            }),
        }
    }

    fn pair(
        &mut self,
        setting: &str,
        (cert, key): (&str, &str),
        files: &CertificateFiles,
    ) -> Result<Pair, SettingError> {
        Ok(Pair {
            certificate: self.file(format!("{setting}.{cert}"), &files.cert)?,
            key: self.file(format!("{setting}.{key}"), &files.key)?,
        })
    }

    fn listener(&mut self, at: usize, tls: &ListenerTls) -> Result<Material, SettingError> {
        let mut material = Material::default();
        let setting = format!("listeners[{at}]");
        let pairs = match &tls.source {
            CertificateSource::Acme(_) => &[],
            CertificateSource::Files(pairs) => pairs.as_slice(),
        };
        for files in pairs {
            let pair = self.pair(&format!("{setting}.tls"), ("cert", "key"), files)?;
            material.certificates.push(pair);
        }
        if let Some(name) = &tls.client_ca {
            material.client_ca = Some(self.file(format!("{setting}.client_ca"), name)?);
        }
        for name in &tls.crl {
            material.crls.push(self.file(format!("{setting}.crl"), name)?);
        }
        Ok(material)
    }

    fn upstream(
        &mut self,
        setting: &str,
        tls: &UpstreamTls,
    ) -> Result<UpstreamMaterial, SettingError> {
        let mut material = UpstreamMaterial::default();
        if let Some(name) = &tls.ca {
            material.ca = Some(self.file(format!("{setting}.ca"), name)?);
        }
        if let Some(files) = &tls.client {
            material.client = Some(self.pair(setting, ("client_cert", "client_key"), files)?);
        }
        material.server_name = tls.server_name.as_ref().map(|name| name.value.clone());
        Ok(material)
    }

    /// What is wrong with a file, told where the settings name it.
    fn misfit(&self, setting: &str, error: MaterialError) -> SettingError {
        let place = self.places.get(&error.file).cloned();
        let (setting, span) = match place {
            Some((setting, span)) => (setting, Some(span)),
            None => (setting.to_owned(), None),
        };
        SettingError {
            code: "tls::unusable",
            span,
            setting,
            message: format!("{}: {}, expected {}", error.file, error.found, error.expected),
            remedy: error.remedy.to_owned(),
        }
    }
}
