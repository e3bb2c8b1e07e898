//! The control socket of a running process: `reload`, `status`, `stop`, `upgrade`, `doctor`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::run::{Origin, Palisade, get, wait_until, write_settings};

/// Requests of each client of a [`Load`] per connection, so that connections come and go, too.
const PER_CONNECTION: usize = 25;

fn palisade(arguments: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_palisade"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn status(directory: &Path) -> Value {
    let output = palisade(&["status", "--format", "json"], directory);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Clients that ask one request after the other and count what was not answered with 200.
struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
    served: Arc<AtomicUsize>,
    failed: Arc<AtomicUsize>,
}

impl Load {
    fn start(address: &str, clients: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (served, failed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let clients = (0..clients)
            .map(|_| {
                let (stop, served, failed) = (stop.clone(), served.clone(), failed.clone());
                let address: SocketAddr = address.parse().unwrap();
                std::thread::spawn(move || {
                    while !stop.load(Ordering::SeqCst) {
                        if connection(address, &stop, &served).is_err() {
                            failed.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                })
            })
            .collect();
        Self { stop, clients, served, failed }
    }

    /// How many were served and how many not.
    fn end(self) -> (usize, usize) {
        self.stop.store(true, Ordering::SeqCst);
        self.clients.into_iter().for_each(|client| client.join().unwrap());
        (self.served.load(Ordering::SeqCst), self.failed.load(Ordering::SeqCst))
    }
}

/// Some requests on one connection, until the server says that it closes.
fn connection(address: SocketAddr, stop: &AtomicBool, served: &AtomicUsize) -> Result<(), ()> {
    let mut stream = TcpStream::connect(address).map_err(drop)?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    for _ in 0..PER_CONNECTION {
        stream.write_all(b"GET /v1/orders/7 HTTP/1.1\r\nHost: shop\r\n\r\n").map_err(drop)?;
        let mut answer = Vec::new();
        let mut chunk = [0; 1_024];
        // the origin's body ends with a brace, and nothing else does
        while !answer.ends_with(b"}") {
            match stream.read(&mut chunk) {
                Ok(count) if count > 0 => answer.extend_from_slice(&chunk[..count]),
                _ => return Err(()),
            }
        }
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            return Err(());
        }
        served.fetch_add(1, Ordering::SeqCst);
        let closes = text(&answer).to_lowercase().contains("connection: close");
        if closes || stop.load(Ordering::SeqCst) {
            break;
        }
    }
    Ok(())
}

/// Descriptors and resident KiB of a process.
fn footprint(pid: u32) -> (usize, usize) {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    (descriptors, resident.split_whitespace().nth(1).unwrap().parse().unwrap())
}

#[test]
fn status_reload_and_stop_speak_to_the_process_of_the_settings() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "block");
    let none = palisade(&["status"], at);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("no process answers"), "{}", text(&none.stderr));

    let mut running = Palisade::start(at);
    assert_eq!(get(&running.gateway, "/v1/orders/7").0, 200);
    wait_until("the exchange is counted", || status(at)["services"][0]["exchanges"] == 1);
    let told = status(at);
    assert_eq!(told["pid"], running.child.id());
    assert_eq!(told["ready"], true);
    assert_eq!(told["services"][0]["mode"], "block");
    assert_eq!(told["listeners"][0]["address"], running.gateway.as_str());
    let shown = text(&palisade(&["status"], at).stdout);
    assert!(shown.contains("service    shop (block), 1 exchanges, http://127.0.0.1:"), "{shown}");

    write_settings(at, origin.address, "observe");
    let reloaded = palisade(&["reload"], at);
    assert_eq!(reloaded.status.code(), Some(0), "{}", text(&reloaded.stderr));
    assert_eq!(get(&running.gateway, "/v1/unknown").0, 200);

    let other = tempfile::tempdir().unwrap();
    write_settings(other.path(), origin.address, "block");
    let socket = at.join("palisade.db.sock");
    let aliased = std::fs::read_to_string(other.path().join("palisade.toml")).unwrap();
    let aliased = format!("{aliased}[runtime]\ncontrol = \"{}\"\n", socket.display());
    std::fs::write(other.path().join("palisade.toml"), aliased).unwrap();
    let wrong = palisade(&["stop"], other.path());
    assert_eq!(wrong.status.code(), Some(2), "another process was stopped");
    assert!(text(&wrong.stderr).contains("the process that answers here keeps"));

    let stopped = palisade(&["stop", "--timeout", "5s"], at);
    assert_eq!(stopped.status.code(), Some(0), "{}", text(&stopped.stderr));
    assert!(running.child.wait().unwrap().success());
    assert!(!socket.exists(), "a stopped process leaves no socket");
}

#[test]
fn fa_16_settings_that_cannot_be_used_change_nothing_and_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "block");
    let good = std::fs::read_to_string(at.join("palisade.toml")).unwrap();
    let running = Palisade::start(at);
    let revision = status(at)["revision"].clone();
    let settings = at.join("palisade.toml");
    let write = |text: &str| std::fs::write(&settings, text).unwrap();
    let contract = at.join("openapi.yaml");
    let specified = std::fs::read_to_string(&contract).unwrap();
    let large = format!("{good}{}", "#\n".repeat(50 << 20));
    let spoil: [(&str, &dyn Fn(), &str); 7] = [
        ("a syntax error", &|| write("mode = \n"), "palisade.toml:1:"),
        ("an unknown key", &|| write(&good.replace("spec", "spek")), "did you mean `spec`?"),
        ("a contradiction", &|| write(&good.replace("spec = \"openapi.yaml\"", "")), "block"),
        ("100 MiB", &|| write(&large), "larger than 4 MiB"),
        (
            "no settings file",
            &|| std::fs::remove_file(&settings).unwrap(),
            "cannot read the settings",
        ),
        ("no contract", &|| std::fs::remove_file(&contract).unwrap(), "openapi.yaml"),
        ("a broken contract", &|| std::fs::write(&contract, "openapi: [").unwrap(), "openapi.yaml"),
    ];
    let mut ran = 0;
    for (name, spoil, expected) in spoil {
        spoil();
        // the file may have gone, so the socket is named
        let output = palisade(&["reload", "--control", "palisade.db.sock"], at);
        let shown = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {shown}");
        assert!(shown.contains(expected), "{name}: {shown}");
        assert!(shown.contains("the old ones stay in force"), "{name}: {shown}");
        assert_eq!(get(&running.gateway, "/v1/orders/7").0, 200, "{name}");
        assert_eq!(get(&running.gateway, "/v1/unknown").0, 404, "{name}: block is not in force");
        write(&good);
        std::fs::write(&contract, &specified).unwrap();
        let told = status(at);
        assert_eq!(told["revision"], revision, "{name}");
        let error = told["last_reload"]["error"].as_str().unwrap();
        assert!(error.contains(expected), "{name}: {error}");
        ran += 1;
    }
    assert_eq!(ran, 7);
    assert_eq!(palisade(&["reload"], at).status.code(), Some(0));
    assert_eq!(status(at)["last_reload"]["error"], Value::Null);
}

#[test]
fn fa_17_reloads_under_load_fail_no_request_and_leak_nothing() {
    const RELOADS: usize = 50;
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "block");
    let running = Palisade::start(at);
    let load = Load::start(&running.gateway, 4);
    let reload = |count: usize| {
        for number in 0..count {
            write_settings(at, origin.address, ["observe", "block"][number % 2]);
            let output = palisade(&["reload"], at);
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            // each arrangement is to carry traffic
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // what is allocated once is allocated by now
    reload(RELOADS / 5);
    let (descriptors, resident) = footprint(running.child.id());
    reload(RELOADS - RELOADS / 5);
    let (descriptors_after, resident_after) = footprint(running.child.id());
    let (served, failed) = load.end();
    assert!(served > RELOADS, "{served} requests");
    assert_eq!(failed, 0, "of {served}");
    // connections come and go; forty leaked ones would show
    assert!(descriptors_after < descriptors + 20, "{descriptors} → {descriptors_after}");
    assert!(resident_after < resident + (16 << 10), "{resident} KiB → {resident_after} KiB");
}

#[test]
fn fa_31_a_second_process_refuses_and_a_dead_one_does_not_stand_in_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "observe");
    let mut first = Palisade::start(at);
    let second = palisade(&["run"], at);
    assert_eq!(second.status.code(), Some(2));
    let shown = text(&second.stderr);
    assert!(shown.contains("another process answers on the control socket"), "{shown}");

    let elsewhere = std::fs::read_to_string(at.join("palisade.toml")).unwrap();
    std::fs::write(at.join("b.toml"), format!("{elsewhere}[runtime]\ncontrol = \"b.sock\"\n"))
        .unwrap();
    let second = palisade(&["run", "-c", "b.toml"], at);
    assert_eq!(second.status.code(), Some(2));
    assert!(text(&second.stderr).contains("in use by another process"), "{}", text(&second.stderr));
    assert_eq!(get(&first.gateway, "/v1/orders/7").0, 200);

    first.signal("KILL");
    first.child.wait().unwrap();
    assert!(at.join("palisade.db.sock").exists());
    let third = Palisade::start(at);
    assert_eq!(status(at)["pid"], third.child.id());
}

#[test]
fn fa_20_an_upgrade_refuses_and_cuts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "block");
    let mut old = Palisade::start(at);
    let address = old.gateway.clone();
    let load = Load::start(&address, 4);
    // an upload that is in the middle of its head when the process is replaced
    let mut slow = TcpStream::connect(&address).unwrap();
    slow.write_all(b"GET /v1/orders/8 HTTP/1.1\r\nHost: shop\r\n").unwrap();
    wait_until("there is load", || load.served.load(Ordering::SeqCst) > 50);

    // the new one says that it is up when the old one has let go, which waits for the slow client
    let new = std::thread::scope(|scope| {
        let new = scope.spawn(|| Palisade::start_with(at, &["run", "--upgrade"]));
        std::thread::sleep(Duration::from_secs(3));
        let before = load.served.load(Ordering::SeqCst);
        wait_until("load goes on", || load.served.load(Ordering::SeqCst) > before + 50);
        slow.write_all(b"\r\n").unwrap();
        let mut answer = [0; 12];
        slow.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        new.join().unwrap()
    });
    assert_eq!(new.gateway, address, "the new process listens where the old one did");
    assert_eq!(new.telemetry, old.telemetry);
    let deadline = Instant::now() + Duration::from_secs(20);
    while old.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the old process does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(old.child.wait().unwrap().success());
    let (served, failed) = load.end();
    assert_eq!(failed, 0, "of {served}");
    assert_eq!(status(at)["pid"], new.child.id());
    // what both have seen is in one database
    wait_until("nothing is dropped", || status(at)["dropped"]["observations"] == 0);
}

#[test]
fn fa_21_a_successor_that_fails_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "block");
    let running = Palisade::start(at);
    let load = Load::start(&running.gateway, 2);
    let good = std::fs::read_to_string(at.join("palisade.toml")).unwrap();

    // it crashes on its settings, before it asks for anything
    std::fs::write(at.join("palisade.toml"), "mode = \"blok\"").unwrap();
    assert_eq!(palisade(&["run", "--upgrade"], at).status.code(), Some(2));
    let upgrade = palisade(&["upgrade"], at);
    assert_eq!(upgrade.status.code(), Some(2));
    let shown = text(&upgrade.stderr);
    assert!(shown.contains("ended before it was ready"), "{shown}");
    std::fs::write(at.join("palisade.toml"), good).unwrap();

    // it dies with the sockets in its hands
    let ask = || {
        let mut stream = UnixStream::connect(at.join("palisade.db.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(b"{\"command\":\"handover\"}\n").unwrap();
        let mut first = [0; 1];
        stream.read_exact(&mut first).unwrap();
        stream
    };
    drop(ask());
    // it hangs: nobody else can take over meanwhile, and everything goes on
    let hanging = std::cell::RefCell::new(None);
    wait_until("the dead one is forgotten", || {
        let mut stream = ask();
        let mut line = [0; 8];
        stream.read_exact(&mut line).unwrap();
        let taken = !line.starts_with(b"\"error\"");
        hanging.replace(taken.then_some(stream));
        taken
    });
    let third = palisade(&["run", "--upgrade"], at);
    assert_eq!(third.status.code(), Some(2));
    assert!(text(&third.stderr).contains("taking over already"), "{}", text(&third.stderr));
    assert_eq!(get(&running.gateway, "/v1/orders/7").0, 200);
    drop(hanging);
    assert_eq!(status(at)["pid"], running.child.id());
    let (served, failed) = load.end();
    assert!(served > 0);
    assert_eq!(failed, 0, "of {served}");
}

#[test]
fn upgrade_starts_the_installed_program_in_place_of_the_running_one() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "observe");
    let mut old = Palisade::start(at);
    let upgraded = palisade(&["upgrade"], at);
    assert_eq!(upgraded.status.code(), Some(0), "{}", text(&upgraded.stderr));
    assert!(old.child.wait().unwrap().success());
    wait_until("the new process answers", || palisade(&["status"], at).status.code() == Some(0));
    assert_ne!(status(at)["pid"], old.child.id());
    assert_eq!(get(&old.gateway, "/v1/orders/7").0, 200);
    assert_eq!(palisade(&["stop"], at).status.code(), Some(0));
}

#[test]
fn doctor_names_what_is_wrong_and_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "block");
    let before = palisade(&["doctor"], at);
    let shown = text(&before.stdout);
    assert_eq!(before.status.code(), Some(0), "{shown}");
    for good in ["ok   settings", "ok   contract", "ok   database", "ok   upstream", "ok   clock"] {
        assert!(shown.contains(good), "{good}: {shown}");
    }
    assert!(shown.contains("warn process"), "{shown}");

    let running = Palisade::start(at);
    let shown = text(&palisade(&["doctor"], at).stdout);
    for good in ["ok   process", "ok   telemetry"] {
        assert!(shown.contains(good), "{good}: {shown}");
    }
    // a port that nobody listens on: it was free a moment ago
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    write_settings(at, free, "block");
    let ill = palisade(&["doctor"], at);
    let shown = text(&ill.stdout);
    assert_eq!(ill.status.code(), Some(2), "{shown}");
    assert!(shown.contains("fail upstream") && shown.contains("→ start it"), "{shown}");
    assert!(shown.contains("warn reload"), "the files have changed since: {shown}");
    std::fs::write(at.join("palisade.toml"), "mode = \"blok\"").unwrap();
    let ill = palisade(&["doctor"], at);
    let shown = text(&ill.stdout);
    assert_eq!(ill.status.code(), Some(2), "{shown}");
    assert!(shown.contains("fail settings") && shown.contains("is not a mode"), "{shown}");
    drop(running);
}

/// A process that gets little of the processors is slow, and neither dead nor taken for it.
#[test]
fn fa_25_a_starved_process_still_answers() {
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::start();
    write_settings(directory.path(), origin.address, "block");
    let running = Palisade::start(directory.path());
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let stop = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..processors * 4)
        .map(|_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let begun = Instant::now();
        assert_eq!(get(&running.gateway, "/v1/orders/7").0, 200);
        assert_eq!(get(&running.telemetry, "/livez").0, 200);
        assert_eq!(get(&running.telemetry, "/readyz").0, 200);
        slowest = slowest.max(begun.elapsed());
    }
    stop.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
}

#[test]
fn fa_24_and_sl_08_connections_leave_descriptors_for_the_operator() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "observe");
    let limited = format!("ulimit -n 400; exec {} run", env!("CARGO_BIN_EXE_palisade"));
    let running = Palisade::start_as(at, Command::new("sh").args(["-c", &limited]));
    assert_eq!(status(at)["budgets"]["connections"], 72, "(400 - 256) / 2");
    let (mut served, mut turned_away) = (Vec::new(), 0);
    for _ in 0..200 {
        let mut stream = TcpStream::connect(&running.gateway).unwrap();
        // who is turned away is told before asking
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut answer = [0; 2_048];
        match stream.read(&mut answer) {
            Ok(count) => {
                let answer = text(&answer[..count]).to_lowercase();
                assert!(answer.starts_with("http/1.1 503 "), "{answer}");
                assert!(answer.contains("retry-after: 1"), "{answer}");
                turned_away += 1;
            }
            Err(_) => served.push(stream),
        }
    }
    assert!(turned_away > 0 && served.len() <= 74, "{} served", served.len());
    assert_eq!(get(&running.telemetry, "/livez").0, 200);
    assert_eq!(status(at)["ready"], true, "the control socket answers");
    let console = running.console.replace("http://", "");
    let (address, _) = console.split_once('/').unwrap();
    assert!(TcpStream::connect(address).is_ok());
    drop(served);
    wait_until("there is room again", || get(&running.gateway, "/v1/orders/7").0 == 200);
}

#[test]
fn fa_23_a_process_over_its_memory_refuses_and_lives() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let origin = Origin::start();
    write_settings(at, origin.address, "observe");
    let settings = std::fs::read_to_string(at.join("palisade.toml")).unwrap();
    std::fs::write(at.join("palisade.toml"), format!("{settings}[runtime]\nmemory = \"1MiB\"\n"))
        .unwrap();
    let running = Palisade::start(at);
    wait_until("it notices", || status(at)["budgets"]["memory_pressure"] == "refusing");
    let mut stream = TcpStream::connect(&running.gateway).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(get(&running.telemetry, "/livez").0, 200);
}
