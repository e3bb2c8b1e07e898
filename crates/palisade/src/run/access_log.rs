//! The access log of a running process: opened at the start, opened anew by every reload.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use gateway::access_log::{AccessLog, LogSettings};
use gateway::metrics::Metrics;

use crate::settings::Settings;

/// How long the end of a process waits for the last lines.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

fn wanted(settings: &Settings) -> Option<LogSettings> {
    settings.document.access_log.as_ref().map(|log| LogSettings {
        file: settings.base.join(&log.file),
        format: log.format,
        paths: log.paths,
    })
}

/// Opens the log that the settings name, if they name one.
pub(super) fn open(
    settings: &Settings,
    metrics: &Metrics,
) -> anyhow::Result<Option<Arc<AccessLog>>> {
    let Some(wanted) = wanted(settings) else { return Ok(None) };
    let file = wanted.file.display().to_string();
    let log = AccessLog::start(wanted, metrics)
        .with_context(|| format!("cannot write the access log {file}; set [access_log] file"))?;
    Ok(Some(Arc::new(log)))
}

/// The log of new settings: the same one with its file opened anew, or another.
pub(super) fn renew(
    before: Option<&Arc<AccessLog>>,
    settings: &Settings,
    metrics: &Metrics,
) -> anyhow::Result<Option<Arc<AccessLog>>> {
    match before {
        Some(log) if wanted(settings).as_ref() == Some(log.settings()) => {
            log.reopen();
            Ok(Some(Arc::clone(log)))
        }
        _ => open(settings, metrics),
    }
}
