//! The socket itself: where it lies, who may use it, and what becomes of one that was left behind.

use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

/// The owner and the group may ask; nobody else.
const MODE: u32 = 0o660;

/// Bytes that the address of a local socket has for its path (`sun_path` of unix(7), less the NUL).
const PATH_BYTES_MAX: usize = 107;

/// A control socket that is listening. Dropping it removes it, unless another has taken its place.
#[derive(Debug)]
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    identity: (u64, u64),
}

/// Whose place a new socket takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// Nobody's: where a process answers, that is an error.
    Free,
    /// That of the process that is being replaced.
    Predecessors,
}

impl ControlSocket {
    /// Listens at `path`. What a dead process left there is replaced.
    pub(crate) fn open(path: &Path, place: Place) -> anyhow::Result<Self> {
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(format!(".{}", std::process::id()));
        let fresh = PathBuf::from(fresh);
        let length = fresh.as_os_str().as_bytes().len();
        let shown = path.display();
        if length > PATH_BYTES_MAX {
            return Err(anyhow!(
                "the path of the control socket is too long: {shown}\n\
                 help: set [runtime] control to a path of at most {} bytes",
                PATH_BYTES_MAX.saturating_sub(".4194304".len())
            ));
        }
        if place == Place::Free && UnixStream::connect(path).is_ok() {
            return Err(anyhow!(
                "another process answers on the control socket {shown}\n\
                 help: stop it with `palisade stop`, replace it with `palisade run --upgrade`, or \
                 set [runtime] control to another path"
            ));
        }
        if fs::symlink_metadata(path).is_ok_and(|found| !found.file_type().is_socket()) {
            return Err(anyhow!(
                "{shown} is not a socket and is left as it is\n\
                 help: set [runtime] control to another path"
            ));
        }
        let failed = || {
            format!(
                "cannot open the control socket {shown}; does its directory exist, and may this \
                 user write there? Set [runtime] control to another path"
            )
        };
        // a socket of the same process id is a dead process's
        fs::remove_file(&fresh).ok();
        let listener = UnixListener::bind(&fresh).with_context(failed)?;
        fs::set_permissions(&fresh, Permissions::from_mode(MODE)).with_context(failed)?;
        let found = fs::metadata(&fresh).with_context(failed)?;
        // in one step, so that there is a socket at every moment of an upgrade
        fs::rename(&fresh, path).with_context(failed)?;
        Ok(Self { listener, path: path.to_owned(), identity: (found.dev(), found.ino()) })
    }

    /// The listening socket, for the runtime that is entered.
    pub(crate) fn listener(&self) -> anyhow::Result<tokio::net::UnixListener> {
        let listener = self.listener.try_clone()?;
        listener.set_nonblocking(true)?;
        Ok(tokio::net::UnixListener::from_std(listener)?)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let ours =
            fs::metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if ours {
            // one that stays behind is recognised as dead by the next process
            fs::remove_file(&self.path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_the_dead_give_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.sock");
        let first = ControlSocket::open(&path, Place::Free).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        let second = ControlSocket::open(&path, Place::Free).unwrap_err();
        assert!(second.to_string().contains("another process answers"), "{second}");
        let successor = ControlSocket::open(&path, Place::Predecessors).unwrap();
        drop(first);
        assert!(UnixStream::connect(&path).is_ok(), "the successor's socket was removed");
        drop(successor);
        assert!(!path.exists());

        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a dead process leaves its socket");
        ControlSocket::open(&path, Place::Free).unwrap();
        fs::write(&path, "notes").unwrap();
        let file = ControlSocket::open(&path, Place::Free).unwrap_err();
        assert!(file.to_string().contains("not a socket"), "{file}");
        let long = directory.path().join("x".repeat(PATH_BYTES_MAX));
        let long = ControlSocket::open(&long, Place::Free).unwrap_err();
        assert!(long.to_string().contains("too long"), "{long}");
    }
}
