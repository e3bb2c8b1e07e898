//! Everybody who comes by within twenty simulated minutes, and what they do: over real sockets,
//! with think time, each with a stream of random numbers of its own.

mod caller;
mod intruders;
mod machines;
mod shoppers;
mod visitor;

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

pub(super) use self::intruders::PROBES;
use self::visitor::Visitor;
use super::random::Random;
use super::world::World;

/// How long the play lasts for those who act in it, in seconds.
pub(super) const MINUTES: usize = 20;
pub(super) const END: usize = MINUTES * 60;

/// How much faster than life it is played.
const SPEED: f64 = 40.0;

/// A part in the play.
#[derive(Clone, Copy, Debug)]
enum Part {
    App,
    Browser,
    Crawler,
    Insider,
    LinkFollower,
    Monitor,
    OldApp,
    Partner,
    PartnerWithKeyInUrl,
    Scanner,
    Spreadsheet,
}

/// Who plays a part, and when.
struct Role {
    part: Part,
    count: usize,
    /// The second byte of its addresses: 127.x.0.0/16.
    network: u8,
    /// Seconds of the play within which it comes in.
    enters: Range<usize>,
    /// The first of the customers that it speaks for, one each, where it has an account.
    customers: usize,
}

const fn role(
    part: Part,
    count: usize,
    network: u8,
    enters: Range<usize>,
    customers: usize,
) -> Role {
    Role { part, count, network, enters, customers }
}

const CAST: &[Role] = &[
    role(Part::Browser, 800, 16, 0..1_000, 0),
    role(Part::App, 330, 17, 0..1_000, 800),
    role(Part::OldApp, 9, 18, 60..900, 1_130),
    role(Part::LinkFollower, 110, 19, 20..1_150, 0),
    role(Part::Partner, 1, 20, 5..6, 0),
    role(Part::PartnerWithKeyInUrl, 1, 21, 90..91, 0),
    role(Part::Spreadsheet, 6, 22, 100..700, 0),
    role(Part::Crawler, 2, 23, 30..90, 0),
    role(Part::Monitor, 2, 24, 0..10, 0),
    role(Part::Scanner, 3, 25, 200..900, 0),
    role(Part::Insider, 3, 26, 300..800, 0),
];

impl Part {
    /// What it calls itself.
    const fn agent(self) -> &'static str {
        match self {
            Self::App => "ShopApp/5.2 (Android 16)",
            Self::Browser | Self::LinkFollower => {
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
            }
            Self::Crawler => "FindBot/2.1 (+https://find.example/bot)",
            Self::Insider => "Wget/1.21",
            Self::Monitor => "probe/1.4",
            Self::OldApp => "ShopApp/2.8 (Android 9)",
            Self::Partner => "northwind-sync/3.1",
            Self::PartnerWithKeyInUrl => "curl/7.68.0",
            Self::Scanner => "python-requests/2.31",
            Self::Spreadsheet => "Mozilla/4.0 (compatible; ms-office)",
        }
    }
}

/// What all visitors share while it is played.
#[derive(Debug)]
pub(super) struct Play {
    world: Arc<World>,
    gateway: SocketAddr,
    begun: Instant,
    asked: AtomicU64,
}

impl Play {
    /// Exchanges so far.
    pub(super) fn exchanges(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Seconds of the play that have passed, at most all of them.
    pub(super) fn seconds(&self) -> usize {
        (played(self.begun.elapsed()).as_secs() as usize).min(END)
    }

    /// Waits for a second of the play.
    async fn reach(&self, second: usize) {
        let wait = Duration::from_secs_f64(second as f64 / SPEED);
        tokio::time::sleep_until(self.begun + wait).await;
    }
}

/// How many come by.
pub(super) fn visitors() -> usize {
    CAST.iter().map(|role| role.count).sum()
}

/// How much of the play a span of real time was.
pub(super) fn played(real: Duration) -> Duration {
    real.mul_f64(SPEED)
}

/// Plays it. `watch` is called a few times a second.
pub(super) async fn perform(
    world: Arc<World>,
    gateway: SocketAddr,
    mut watch: impl FnMut(&Play),
) -> anyhow::Result<Arc<Play>> {
    let play = Arc::new(Play { world, gateway, begun: Instant::now(), asked: AtomicU64::new(0) });
    let mut visits = JoinSet::new();
    for role in CAST {
        for number in 0..role.count {
            visits.spawn(visit(Arc::clone(&play), role, number));
        }
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            visit = visits.join_next() => match visit {
                Some(outcome) => outcome??,
                None => return Ok(play),
            },
            _ = ticks.tick() => watch(&play),
        }
    }
}

async fn visit(play: Arc<Play>, role: &'static Role, number: usize) -> anyhow::Result<()> {
    let [high, low] = (number as u16 + 1).to_be_bytes();
    let from = Ipv4Addr::new(127, role.network, high, low);
    let customer = role.customers + number;
    let random = Random::stream(play.world.seed, &format!("{:?}", role.part), number);
    let mut visitor = Visitor::new(Arc::clone(&play), random, from, role.part.agent());
    visitor.pause(role.enters.clone()).await;
    match role.part {
        Part::App => shoppers::app(&mut visitor, customer).await,
        Part::Browser => shoppers::browser(&mut visitor, customer).await,
        Part::Crawler => machines::crawler(&mut visitor).await,
        Part::Insider => intruders::insider(&mut visitor).await,
        Part::LinkFollower => shoppers::link_follower(&mut visitor).await,
        Part::Monitor => machines::monitor(&mut visitor).await,
        Part::OldApp => shoppers::old_app(&mut visitor, customer).await,
        Part::Partner => machines::partner(&mut visitor).await,
        Part::PartnerWithKeyInUrl => machines::partner_with_key_in_url(&mut visitor).await,
        Part::Scanner => intruders::scanner(&mut visitor).await,
        Part::Spreadsheet => intruders::spreadsheet(&mut visitor).await,
    }
}
