//! `palisade demo`: the real gateway, analyser and console before a fake shop, with traffic whose
//! truth is known, so that it can say at its end what it has found and what it has missed.
//!
//! The [`world`] is drawn from the seed. The [`shop`] answers from it, flaws included. [`people`]
//! come by over real sockets, each from an address of its own within 127.0.0.0/8. Who they are,
//! what they ask and when depends on the seed alone: no visitor's luck depends on another's, and
//! none shares an account with another. The [`truth`] says what was planted and is compared with
//! the findings; nothing in here tells the analyser what to look for.

mod people;
mod random;
mod shop;
mod tell;
mod truth;
mod world;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use analysis::snapshot::Snapshot;
use anyhow::{Context, anyhow};

use self::people::Play;
use self::shop::OpenShop;
use self::tell::{Bar, Outcome};
use self::truth::Score;
use self::world::World;
use crate::args::Demo;
use crate::settings::Settings;
use crate::{report, run, terminal};

/// What the shop's owner declares.
const CONTRACT: &str = include_str!("openapi.yaml");

/// How long the analyser may take for what has been sent.
const SETTLING: Duration = Duration::from_secs(15);

/// What shells say of a command that Ctrl-C ended: 128 and the number of the signal.
const EXIT_INTERRUPTED: u8 = 130;

/// Runs the demo. The exit code is 1 when `--check` was asked for and something planted was
/// missed or something innocent alarmed.
pub(crate) fn run(options: &Demo) -> anyhow::Result<u8> {
    let world = Arc::new(World::new(options.seed));
    let shop = OpenShop::open(Arc::clone(&world))?;
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let settings = settings(directory.path(), shop.address)?;
    let running = run::start(settings)?;
    let gateway = *running.traffic_addrs().first().ok_or_else(|| anyhow!("no listener came up"))?;
    terminal::result(&tell::places(gateway, &running.console_link()?))?;
    let play = traffic(world, gateway).context("the demo's own traffic failed")?;
    let Some(play) = play else {
        running.shutdown()?;
        return Ok(EXIT_INTERRUPTED);
    };
    if !running.settle(SETTLING) {
        terminal::note("the analyser is late: what follows is as of now");
    }
    let snapshot = running.snapshot();
    let outcome = Outcome {
        score: Score::of(report::open(&snapshot)),
        sent: play.exchanges(),
        seen: snapshot.totals.exchanges,
        visitors: people::visitors(),
        span: snapshot.totals.first.zip(snapshot.totals.last),
    };
    terminal::result(&tell::outcome(&outcome))?;
    if let Some(file) = &options.report {
        write_report(file, &snapshot)?;
        terminal::note(&format!("report   {}", file.display()));
    }
    if !options.check {
        terminal::result(tell::NEXT)?;
        runtime()?.block_on(tokio::signal::ctrl_c()).context("cannot wait for Ctrl-C")?;
    }
    running.shutdown()?;
    Ok(u8::from(options.check && !outcome.score.is_perfect()))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Lets everybody come by. `None`: Ctrl-C came first, and with the runtime all visitors are gone.
fn traffic(world: Arc<World>, gateway: SocketAddr) -> anyhow::Result<Option<Arc<Play>>> {
    let bar = Bar::new();
    let play = runtime()?.block_on(async {
        tokio::select! {
            play = people::perform(world, gateway, |play| bar.at(play)) => play.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
        }
    });
    bar.finish();
    play
}

/// Settings and contract, in a directory that is gone when the demo is.
fn settings(directory: &Path, shop: SocketAddr) -> anyhow::Result<Settings> {
    let contract = directory.join("openapi.yaml");
    std::fs::write(&contract, CONTRACT)
        .with_context(|| format!("cannot write {}", contract.display()))?;
    let text = format!(
        "mode = \"observe\"\n\
         [[listeners]]\n\
         bind = \"127.0.0.1:0\"\n\
         [services.shop]\n\
         upstreams = [\"http://{shop}\"]\n\
         spec = \"openapi.yaml\"\n\
         [console]\n\
         bind = \"127.0.0.1:0\"\n\
         [telemetry]\n\
         bind = \"127.0.0.1:0\"\n\
         [storage]\n\
         store = \"sqlite:demo.db\"\n"
    );
    Settings::from_text(&text, directory)
}

fn write_report(path: &Path, snapshot: &Snapshot) -> anyhow::Result<()> {
    let page = report::html::render(snapshot, None)?;
    std::fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}
