//! The commands that speak to a running process: `reload`, `status`, `stop`, `upgrade`.

use std::fmt::Write as _;
use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::Value;

use super::{Request, hear, say};
use crate::EXIT_TROUBLE;
use crate::args::{Global, StatusFormat, Target};
use crate::settings::Whereabouts;
use crate::terminal;

/// How long a reload may take: the largest contracts take seconds.
const RELOAD: Duration = Duration::from_secs(60);

/// How long a status may take, while a reload is under way.
const STATUS: Duration = Duration::from_secs(60);

/// How long an upgrade may take until the new process serves.
const UPGRADE: Duration = Duration::from_secs(90);

/// What ending takes in addition to the exchanges in flight: saving what was learned.
const SAVING: Duration = Duration::from_secs(60);

/// Reads the settings again; exit code 2 with what is wrong with them.
pub(crate) fn reload(target: &Target, global: &Global) -> anyhow::Result<u8> {
    let (_, reply) = ask(target, global, Request::Reload, RELOAD)?;
    match reply["error"].as_str() {
        None => {
            let revision = reply["revision"].as_str().unwrap_or_default();
            terminal::result(&format!("reloaded: revision {revision} is in force\n"))?;
            Ok(0)
        }
        Some(error) => {
            terminal::note(error);
            terminal::note("the new settings are not used; the old ones stay in force");
            Ok(EXIT_TROUBLE)
        }
    }
}

/// Says how the process is doing.
pub(crate) fn status(target: &Target, format: StatusFormat, global: &Global) -> anyhow::Result<u8> {
    let (_, reply) = ask(target, global, Request::Status, STATUS)?;
    let reply = sound(reply)?;
    let status = &reply["status"];
    terminal::result(&match format {
        StatusFormat::Json => format!("{status:#}\n"),
        StatusFormat::Text => text(status),
    })?;
    Ok(0)
}

/// Ends the process and waits until it has ended.
pub(crate) fn stop(target: &Target, within: Duration, global: &Global) -> anyhow::Result<u8> {
    let patience = within.saturating_add(SAVING);
    let (mut stream, reply) = ask(target, global, Request::Stop(within), patience)?;
    let reply = sound(reply)?;
    // the system closes the other end when the process has really gone
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).context("the process does not end")?;
    let cut = reply["cut"].as_u64().unwrap_or_default();
    let tail = if cut > 0 { format!("; {cut} connections were cut") } else { String::new() };
    terminal::result(&format!("stopped{tail}\n"))?;
    Ok(0)
}

/// Has the installed program take the place of the one that runs.
pub(crate) fn upgrade(target: &Target, global: &Global) -> anyhow::Result<u8> {
    let (_, reply) = ask(target, global, Request::Upgrade, UPGRADE)?;
    let reply = sound(reply)?;
    terminal::result(&format!("upgraded: process {} is serving\n", reply["pid"]))?;
    Ok(0)
}

fn sound(reply: Value) -> anyhow::Result<Value> {
    match reply["error"].as_str() {
        Some(error) => Err(anyhow!("{error}")),
        None => Ok(reply),
    }
}

/// Asks the process that the settings file belongs to.
pub(crate) fn ask(
    target: &Target,
    global: &Global,
    request: Request,
    patience: Duration,
) -> anyhow::Result<(UnixStream, Value)> {
    let found = Whereabouts::find(target.control.as_deref(), global)?;
    let (stream, path) = connect(&found)?;
    let shown = path.display();
    say(&stream, &request.to_json(found.database.as_deref()))
        .with_context(|| format!("the process on {shown} does not listen"))?;
    let reply = hear(&stream, patience)
        .with_context(|| format!("the process on {shown} does not answer"))?
        .ok_or_else(|| anyhow!("the process on {shown} ended before it answered"))?;
    Ok((stream, reply))
}

fn connect(found: &Whereabouts) -> anyhow::Result<(UnixStream, PathBuf)> {
    let mut tried = Vec::new();
    for path in &found.sockets {
        match UnixStream::connect(path) {
            Ok(stream) => return Ok((stream, path.clone())),
            Err(error) => tried.push(format!("{}: {error}", path.display())),
        }
    }
    Err(anyhow!(
        "no process answers ({})\nhelp: start one with `palisade run`, or name its socket with \
         --control PATH",
        tried.join("; ")
    ))
}

/// The status for people.
fn text(status: &Value) -> String {
    let mut out = String::new();
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut line = |name: &str, rest: String| {
        // writing to a String cannot fail
        writeln!(out, "{name:<11}{rest}").ok();
    };
    let state = if status["ready"] == true { "accepting traffic" } else { "not accepting" };
    line(
        "palisade",
        format!(
            "{} as process {}, up {}, {state}",
            word(&status["version"]),
            status["pid"],
            duration(status["uptime_s"].as_u64().unwrap_or_default())
        ),
    );
    for listener in status["listeners"].as_array().into_iter().flatten() {
        line(&word(&listener["role"]), word(&listener["address"]));
    }
    for certificate in status["certificates"].as_array().into_iter().flatten() {
        let names: Vec<_> =
            certificate["names"].as_array().into_iter().flatten().map(word).collect();
        let said = match certificate["not_after"].as_str() {
            Some(until) => format!("{} until {until}", names.join(" ")),
            None => format!("none yet at {}", word(&certificate["listener"])),
        };
        line("tls", said);
    }
    for service in status["services"].as_array().into_iter().flatten() {
        let upstreams: Vec<_> =
            service["upstreams"].as_array().into_iter().flatten().map(word).collect();
        line(
            "service",
            format!(
                "{} ({}), {} exchanges, {}",
                word(&service["name"]),
                word(&service["mode"]),
                service["exchanges"],
                upstreams.join(" ")
            ),
        );
    }
    line("revision", word(&status["revision"]));
    let reload = &status["last_reload"];
    let said = match reload["error"].as_str() {
        Some(error) => format!("at {}: not taken; {error}", word(&reload["at"])),
        None => format!("at {}: in force", word(&reload["at"])),
    };
    line("settings", said);
    for (number, worker) in status["workers"].as_array().into_iter().flatten().enumerate() {
        line("worker", format!("{number}: {} connections", worker["connections"]));
    }
    let budgets = &status["budgets"];
    let memory = match budgets["memory_bytes"].as_u64() {
        Some(limit) => format!("{} MiB of memory", limit >> 20),
        None => "any memory".to_owned(),
    };
    let (connections, pressure) = (&budgets["connections"], word(&budgets["memory_pressure"]));
    line("budgets", format!("{connections} connections, {memory} (pressure: {pressure})"));
    let dropped = &status["dropped"];
    let counts =
        format!("{} observations, {} connections", dropped["observations"], dropped["connections"]);
    line("dropped", counts);
    line("store", status["store"]["trouble"].as_str().unwrap_or("ok").to_owned());
    out
}

/// Seconds as people say them: the two largest units.
fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut said = Vec::new();
    for (length, unit) in UNITS {
        if rest >= length {
            said.push(format!("{} {unit}", rest / length));
        }
        rest %= length;
    }
    said.truncate(2);
    if said.is_empty() { "0 s".to_owned() } else { said.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_in_two_units() {
        let cases =
            [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7_200, "2 h"), (90_061, "1 d 1 h")];
        for (seconds, said) in cases {
            assert_eq!(duration(seconds), said);
        }
    }
}
