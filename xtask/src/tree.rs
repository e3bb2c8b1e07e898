//! The files of the repository, read once, and the workspace's own description of itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Every file that git tracks or would track, by its path from the root, with `/` between parts.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    /// Reads the repository at `root`. Files that git ignores are left out; deleted ones too.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let listing = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(root)
            .output()
            .context("git ls-files did not start")?;
        if !listing.status.success() {
            bail!("git ls-files failed: {}", String::from_utf8_lossy(&listing.stderr).trim());
        }
        let mut files = BTreeMap::new();
        for path in String::from_utf8(listing.stdout)?.split_terminator('\0') {
            let place = root.join(path);
            if place.is_file() {
                let bytes = std::fs::read(&place).with_context(|| format!("reading {path}"))?;
                files.insert(path.to_owned(), bytes);
            }
        }
        Ok(Self { files })
    }

    /// The text of a file; nothing when there is no such file or it is not UTF-8.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// Every file that is UTF-8 text and not a vendored asset.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter(|(path, _)| !path.contains("/vendor/"))
            .filter_map(|(path, bytes)| Some((path.as_str(), std::str::from_utf8(bytes).ok()?)))
    }

    /// A tree of these texts, for the tests of the checks.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        Self { files: files.iter().map(owned).collect() }
    }
}

/// The root of the repository: the nearest directory upward that holds `xtask/Cargo.toml`.
pub(crate) fn root() -> Result<PathBuf> {
    let here = std::env::current_dir()?;
    let found = here.ancestors().find(|place| place.join("xtask/Cargo.toml").is_file());
    found
        .map(Path::to_path_buf)
        .context("run this inside the repository: no xtask/Cargo.toml found")
}

/// What `cargo metadata` says for this machine's platform; other platforms' crates are left out,
/// so that nothing has to be downloaded for them.
pub(crate) fn metadata(root: &Path) -> Result<Value> {
    let version = Command::new("rustc").arg("-vV").output().context("rustc did not start")?;
    let version = String::from_utf8(version.stdout)?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc -vV names no host")?;
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--filter-platform", host])
        .current_dir(root)
        .output()
        .context("cargo metadata did not start")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory(root: &Path) -> Result<PathBuf> {
    let metadata = metadata(root)?;
    Ok(metadata["target_directory"].as_str().context("no target_directory")?.into())
}
