//! tmp
use exchange::redact::Pseudonymizer;
use gateway::metrics::Metrics;
use gateway::reload::Arrangement;
use gateway::{Gateway, GatewayConfig};
use policy::document::Document;
use policy::{Policy, Revision};
use std::sync::Arc;
fn main() {
    let up = std::env::args().nth(1).unwrap();
    let text = format!("[services.shop]\nupstreams = [\"http://{up}\"]");
    let document = Document::read(&text).unwrap();
    let policy = Policy::resolve(&document, &Default::default(), Revision::of(["t"])).unwrap();
    let mode = std::env::args().nth(2);
    let mut policy = policy;
    if mode.as_deref() == Some("disabled") {
        for s in &mut policy.services {
            s.mode = policy::Mode::Disabled;
        }
    }
    let inspector = inspect::Inspector::compile(Arc::new(policy), Pseudonymizer::new(&[0; 16]));
    let upstreams = document.services.iter().map(|s| s.upstreams.clone()).collect();
    let (outlet, mut reader) = gateway::outlet::outlet();
    let metrics = Arc::new(Metrics::new(outlet.clone()));
    let config = GatewayConfig::new(vec!["127.0.0.1:18080".parse().unwrap()], 1);
    let _running = Gateway::start(
        &config,
        Arrangement::new(Arc::new(inspector), upstreams).unwrap(),
        &outlet,
        &metrics,
    )
    .unwrap();
    let rt = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    rt.block_on(async {
        let mut batch = Vec::new();
        loop {
            reader.recv_batch(4096, &mut batch).await;
            batch.clear();
        }
    });
}
