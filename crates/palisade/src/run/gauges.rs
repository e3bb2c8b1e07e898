//! What is known, as metrics: findings and endpoints by closed sets of labels.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use console::View;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

/// Adds the gauges to a registry.
pub(crate) fn register(registry: &mut Registry, view: watch::Receiver<Arc<View>>) {
    registry.register_collector(Box::new(Known(view)));
}

#[derive(Debug)]
struct Known(watch::Receiver<Arc<View>>);

impl Collector for Known {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let view = Arc::clone(&self.0.borrow());
        let mut findings: BTreeMap<[(&str, &str); 2], i64> = BTreeMap::new();
        for finding in &view.snapshot.findings {
            let labels =
                [("severity", finding.severity.as_str()), ("status", finding.status.as_str())];
            *findings.entry(labels).or_default() += 1;
        }
        let mut family = encoder.encode_descriptor(
            "palisade_findings",
            "Findings by severity and status",
            None,
            prometheus_client::metrics::MetricType::Gauge,
        )?;
        for (labels, count) in &findings {
            ConstGauge::new(*count).encode(family.encode_family(labels)?)?;
        }
        let mut endpoints: BTreeMap<[(&str, &str); 2], i64> = BTreeMap::new();
        for endpoint in &view.snapshot.endpoints {
            let labels = [("service", &*endpoint.service), ("state", endpoint.state.as_str())];
            *endpoints.entry(labels).or_default() += 1;
        }
        let mut family = encoder.encode_descriptor(
            "palisade_endpoints",
            "Endpoints by service and state",
            None,
            prometheus_client::metrics::MetricType::Gauge,
        )?;
        for (labels, count) in &endpoints {
            ConstGauge::new(*count).encode(family.encode_family(labels)?)?;
        }
        Ok(())
    }
}
