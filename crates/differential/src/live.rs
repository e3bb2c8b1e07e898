//! The same connections through a running gateway: what its upstream sees must be what the
//! forwarding code by itself makes of them, and nothing more.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use contract::{Contract, SourceDocument};
use exchange::redact::Pseudonymizer;
use gateway::metrics::Metrics;
use gateway::outlet::outlet;
use gateway::reload::Arrangement;
use gateway::{Gateway, GatewayConfig, Running};
use inspect::Inspector;
use policy::document::Document;
use policy::{Mode, Policy, Revision};
use wire::{Profile, Refusal};

use crate::grammar::Corpus;
use crate::passage::{Passage, Setting};
use crate::question::{Connection, Reply};
use crate::random::Random;

/// A contract that declares nothing of what is asked, so that only bytes are judged.
const CONTRACT: &str = "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {}\n";

/// Puts connections to a gateway until `requests` have come through; returns how many connections
/// that took.
pub(crate) fn check(
    requests: usize,
    seed: u64,
    corpus: &Corpus,
    recorder: u16,
) -> Result<(usize, usize)> {
    let blocks = start(Mode::Block, recorder)?;
    let observes = start(Mode::Observe, recorder)?;
    let mut random = Random::new(seed);
    let (mut through, mut connections) = (0, 0);
    while through < requests {
        let enforced = !random.once_in(4);
        let (running, setting) = if enforced {
            (&blocks, Setting { mode: Mode::Block, profile: Profile::Strict })
        } else {
            (&observes, Setting { mode: Mode::Observe, profile: Profile::Observe })
        };
        let bytes = corpus.connection(&mut random);
        let passage = Passage::of(&bytes, usize::MAX, setting);
        // behind a switch of protocols, bytes are no longer HTTP
        if passage.switches > 0 {
            continue;
        }
        let address = *running.local_addrs().first().context("a gateway listens")?;
        let same = compare(&bytes, &passage, address);
        same.with_context(|| format!("{}: {}", setting.mode.as_str(), bytes.escape_ascii()))?;
        through += passage.messages.len();
        connections += 1;
    }
    Ok((through, connections))
}

fn compare(bytes: &[u8], passage: &Passage, address: SocketAddr) -> Result<()> {
    let mut connection = Connection::open(address)?;
    connection.send(bytes);
    for message in &passage.messages {
        match connection.reply(message.method == "HEAD") {
            // it is about the gateway, which answers it without a word of the upstream
            Reply::Seen(seen) if message.meaning.starts_with(b"OPTIONS * ") => {
                ensure!(seen.is_empty(), "{} came for OPTIONS *", seen.escape_ascii());
            }
            Reply::Seen(seen) => {
                let (seen, meant) = (seen.escape_ascii(), message.meaning.escape_ascii());
                ensure!(seen.to_string() == meant.to_string(), "{seen} came for {meant}");
            }
            other => anyhow::bail!("{other:?} for {}", message.meaning.escape_ascii()),
        }
    }
    // the gateway bounds bodies by what it holds, not by what they declare
    if let Some(refusal) = passage.refusal.filter(|refusal| *refusal != Refusal::BodyTooLarge) {
        let reply = connection.reply(false);
        let refused = matches!(reply, Reply::Status(400..) | Reply::Closed);
        ensure!(refused, "{reply:?} where {} refuses", refusal.code());
    }
    Ok(())
}

fn start(mode: Mode, recorder: u16) -> Result<Running> {
    let settings = format!(
        "mode = \"{}\"\n[services.all]\nupstreams = [\"http://127.0.0.1:{recorder}\"]\n\
         spec = \"openapi.yaml\"\nundocumented = \"observe\"\n",
        mode.as_str()
    );
    let wrong = |errors: Vec<policy::error::SettingError>| anyhow::anyhow!("{errors:?}");
    let document = Document::read(&settings).map_err(wrong)?;
    let source = SourceDocument { name: "openapi.yaml".to_owned(), text: CONTRACT.to_owned() };
    let contract =
        Contract::from_documents(&[source]).ok().context("the contract above is sound")?;
    let contracts = BTreeMap::from([("all".to_owned(), Arc::new(contract))]);
    let policy = Policy::resolve(&document, &contracts, Revision::of([settings.as_str()]));
    let upstreams = document.services.iter().map(|service| service.upstreams.clone()).collect();
    let policy = Arc::new(policy.map_err(wrong)?);
    let inspector = Inspector::compile(policy, Pseudonymizer::new(&[7; 16]));
    let arrangement = Arrangement::new(Arc::new(inspector), upstreams)?;
    // what is observed is nobody's concern here: the reader may go away
    let (outlet, _) = outlet();
    let metrics = Arc::new(Metrics::new(outlet.clone()));
    let config = GatewayConfig::new([SocketAddr::from(([127, 0, 0, 1], 0))], 1);
    Ok(Gateway::start(&config, arrangement, &outlet, &metrics)?)
}
