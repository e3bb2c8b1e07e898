//! The other readers: real programs on the loopback, each of which answers a request with what it
//! understood of it.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a program may take to listen; the machine may be busy.
const START: Duration = Duration::from_secs(60);

/// The programs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Node,
    H11,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Nginx, Self::Haproxy, Self::Node, Self::H11];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Node => "Node.js",
            Self::H11 => "Python h11",
        }
    }
}

/// One of them, running. It ends with this value.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Reader {
    /// Starts it with its files in `directory`; proxies send on to `recorder`.
    pub(crate) fn start(kind: Kind, directory: &Path, recorder: u16) -> Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let port = address.port().to_string();
        let place = directory.join(kind.name().replace(' ', "-"));
        fs::create_dir_all(&place)?;
        let write = |name: &str, text: &str| -> Result<String> {
            let text = text.replace("PORT", &port).replace("RECORDER", &recorder.to_string());
            fs::write(place.join(name), text)?;
            Ok(place.join(name).display().to_string())
        };
        let mut command = match kind {
            Kind::Nginx => {
                let file = write("nginx.conf", include_str!("../readers/nginx.conf"))?;
                let sbin = Path::new("/usr/sbin/nginx");
                let mut command =
                    Command::new(if sbin.is_file() { sbin } else { Path::new("nginx") });
                command.args(["-e", "stderr", "-p"]).arg(&place).args(["-c", &file]);
                command
            }
            Kind::Haproxy => {
                let file = write("haproxy.cfg", include_str!("../readers/haproxy.cfg"))?;
                let sbin = Path::new("/usr/sbin/haproxy");
                let mut command =
                    Command::new(if sbin.is_file() { sbin } else { Path::new("haproxy") });
                command.args(["-q", "-db", "-f", &file]);
                command
            }
            Kind::Node => {
                let file = write("echo.js", include_str!("../readers/echo.js"))?;
                let mut command = Command::new("node");
                command.args([&file, &port]);
                command
            }
            Kind::H11 => {
                let file = write("echo.py", include_str!("../readers/echo.py"))?;
                let mut command = Command::new(python());
                command.args([&file, &port]);
                command
            }
        };
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.with_context(|| format!("{} did not start", kind.name()))?;
        let mut reader = Self { kind, address, child };
        reader.wait()?;
        Ok(reader)
    }

    fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} has ended: {status}", self.kind.name());
            }
            if begun.elapsed() > START {
                bail!("{} does not listen", self.kind.name());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// The first Python that has h11: the one in the path, or Debian's, whose package it is.
fn python() -> &'static str {
    let knows = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import h11"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(knows).unwrap_or("python3")
}

impl Drop for Reader {
    fn drop(&mut self) {
        // a program that has already ended is as good as one that is ended here
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
