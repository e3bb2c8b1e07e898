//! `palisade run` as a process: guards, reloads, survives, stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const CONTRACT: &str = r#"
openapi: 3.1.0
info: {title: shop, version: "1"}
paths:
  /v1/orders/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: one}}
"#;

/// A server that answers 200 to everything, and counts.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Origin {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || answer(stream, &counted));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn answer(stream: TcpStream, counted: &AtomicUsize) {
    let mut writer = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(_)) = lines.next() {
        // the rest of the head; these requests have no body
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        counted.fetch_add(1, Ordering::SeqCst);
        let body = r#"{"state":"open"}"#;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        if write!(writer, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).is_err() {
            return;
        }
    }
}

/// The process under test; killed when the test is over, however it ends.
pub(crate) struct Palisade {
    pub(crate) child: Child,
    pub(crate) gateway: String,
    pub(crate) telemetry: String,
    pub(crate) console: String,
}

impl Palisade {
    pub(crate) fn start(directory: &Path) -> Self {
        Self::start_with(directory, &["run"])
    }

    pub(crate) fn start_with(directory: &Path, arguments: &[&str]) -> Self {
        Self::start_as(directory, Command::new(env!("CARGO_BIN_EXE_palisade")).args(arguments))
    }

    pub(crate) fn start_as(directory: &Path, command: &mut Command) -> Self {
        let mut child = command.current_dir(directory).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut started = Self {
            child,
            gateway: String::new(),
            telemetry: String::new(),
            console: String::new(),
        };
        while started.console.is_empty() {
            let line = lines.next().expect("the process ended before it was up").unwrap();
            let value = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
            match line.split(' ').next() {
                Some("gateway") => started.gateway = value.replace("http://", ""),
                Some("telemetry") => {
                    started.telemetry = value.replace("http://", "").replace("/metrics", "");
                }
                Some("console") => started.console = value,
                _ => {}
            }
        }
        // whoever writes to a closed pipe is told so; this one is read to its end
        std::thread::spawn(move || lines.for_each(drop));
        started
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }
}

impl Drop for Palisade {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) fn write_settings(directory: &Path, origin: SocketAddr, mode: &str) {
    let text = format!(
        "mode = \"{mode}\"\n[[listeners]]\nbind = \"127.0.0.1:0\"\n[services.shop]\nupstreams = \
         [\"http://{origin}\"]\nspec = \"openapi.yaml\"\n[console]\nbind = \"127.0.0.1:0\"\n\
         [telemetry]\nbind = \"127.0.0.1:0\"\n"
    );
    std::fs::write(directory.join("palisade.toml"), text).unwrap();
    std::fs::write(directory.join("openapi.yaml"), CONTRACT).unwrap();
}

pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap_or_default().parse().unwrap_or(0);
    (status, answer)
}

pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_smallest_settings_guard_and_a_bad_file_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::start();
    write_settings(directory.path(), origin.address, "block");
    let palisade = Palisade::start(directory.path());
    assert_eq!(get(&palisade.telemetry, "/readyz").0, 200);

    assert_eq!(get(&palisade.gateway, "/v1/orders/17").0, 200);
    assert_eq!(origin.requests(), 1);
    for (path, status) in [("/v1/orders/abc", 400), ("/v1/unknown", 404), ("/v1/orders/1/..", 400)]
    {
        let (got, answer) = get(&palisade.gateway, path);
        assert_eq!(got, status, "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
        assert!(answer.contains("urn:palisade:exchange:"), "{answer}");
    }
    assert_eq!(origin.requests(), 1, "a refused request reached the application");

    write_settings(directory.path(), origin.address, "observe");
    palisade.signal("HUP");
    wait_until("the new mode is in force", || get(&palisade.gateway, "/v1/unknown").0 == 200);

    std::fs::write(directory.path().join("palisade.toml"), "mode = \"blok\"").unwrap();
    palisade.signal("HUP");
    let failed = "palisade_config_last_reload_successful 0";
    wait_until("the failed reload is told", || {
        get(&palisade.telemetry, "/metrics").1.contains(failed)
    });
    assert_eq!(get(&palisade.gateway, "/v1/unknown").0, 200, "the old file stays in force");
}

#[test]
fn what_was_seen_survives_a_restart_and_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::start();
    write_settings(directory.path(), origin.address, "observe");
    let seen = "palisade_endpoints{service=\"shop\",state=\"shadow\"} 1";
    {
        let palisade = Palisade::start(directory.path());
        for number in 0..20 {
            assert_eq!(get(&palisade.gateway, &format!("/v1/secret/{number}")).0, 200);
        }
        wait_until("the endpoint is known", || {
            get(&palisade.telemetry, "/metrics").1.contains(seen)
        });
        palisade.signal("KILL");
    }
    {
        let mut palisade = Palisade::start(directory.path());
        wait_until("it is known after a kill", || {
            get(&palisade.telemetry, "/metrics").1.contains(seen)
        });
        palisade.signal("TERM");
        assert!(palisade.child.wait().unwrap().success());
    }
    let palisade = Palisade::start(directory.path());
    wait_until("it is known after a stop", || {
        get(&palisade.telemetry, "/metrics").1.contains(seen)
    });
}

#[test]
fn the_console_opens_once_and_shows_what_was_seen() {
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::start();
    write_settings(directory.path(), origin.address, "observe");
    let palisade = Palisade::start(directory.path());
    for number in 0..20 {
        get(&palisade.gateway, &format!("/v1/secret/{number}"));
    }
    let link = palisade.console.replace("http://", "");
    let (address, path) = link.split_once('/').unwrap();
    let (_, first) = get(address, &format!("/{path}"));
    let cookie = first
        .lines()
        .find_map(|line| {
            line.to_lowercase().starts_with("set-cookie: ").then(|| line.get(12..)).flatten()
        })
        .and_then(|value| value.split(';').next())
        .expect("the link opens a session");
    let again = get(address, &format!("/{path}")).1;
    assert!(!again.to_lowercase().contains("set-cookie: "), "the link opened twice");
    wait_until("the inventory shows the endpoint", || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET /inventory HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nConnection: \
             close\r\n\r\n"
        )
        .unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page.contains("/v1/secret/")
    });
}
