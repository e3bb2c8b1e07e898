//! What workers count of upstreams, and its exposition: one series for each upstream in force.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use policy::document::Upstream;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::count::Cell;
use super::{Counted, Metrics, guard};
use crate::upstream::{Outcome, Probed};

/// What one worker counts of one upstream of a service.
#[derive(Debug)]
pub(crate) struct UpstreamCounts {
    service: Arc<str>,
    upstream: String,
    /// What its checks show; another thing after a reload that changes them.
    probed: Mutex<Weak<Probed>>,
    pub(crate) in_flight: Cell,
    pub(crate) retries: Cell,
    outcomes: [Cell; OUTCOMES.len()],
    ejections: Cell,
    openings: Cell,
}

/// In the order of [`Outcome`].
const OUTCOMES: [&str; 5] = ["answered", "failed", "unknown", "unable", "unreachable"];

impl UpstreamCounts {
    /// What its checks show from now on.
    pub(crate) fn watch(&self, probed: &Arc<Probed>) {
        *guard(&self.probed) = Arc::downgrade(probed);
    }

    /// What became of a request; whether that opened the circuit, or took the upstream out.
    pub(crate) fn settled(&self, outcome: Outcome, opened: bool, taken_out: bool) {
        self.outcomes[outcome as usize].add(1);
        self.openings.add(u64::from(opened));
        self.ejections.add(u64::from(taken_out));
    }
}

/// The sums of all workers.
#[derive(Debug, Default)]
struct Sums {
    well: bool,
    in_flight: u64,
    retries: u64,
    outcomes: [u64; OUTCOMES.len()],
    ejections: u64,
    openings: u64,
}

impl Metrics {
    /// The cells of one more worker for an upstream. They are told for as long as the worker, or a
    /// request under way, has them.
    pub(crate) fn upstream(&self, service: &Arc<str>, target: &Upstream) -> Arc<UpstreamCounts> {
        let counts = Arc::new(UpstreamCounts {
            service: Arc::clone(service),
            upstream: format!("{}:{}", target.host, target.port),
            probed: Mutex::default(),
            in_flight: Cell::default(),
            retries: Cell::default(),
            outcomes: Default::default(),
            ejections: Cell::default(),
            openings: Cell::default(),
        });
        let mut upstreams = guard(&self.counted.upstreams);
        upstreams.retain(|counts| counts.strong_count() > 0);
        upstreams.push(Arc::downgrade(&counts));
        counts
    }
}

impl Counted {
    pub(super) fn upstreams(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let counts: Vec<_> = guard(&self.upstreams).iter().filter_map(Weak::upgrade).collect();
        let mut all: BTreeMap<(&str, &str), Sums> = BTreeMap::new();
        for one in &counts {
            let sums = all.entry((&one.service, &one.upstream)).or_default();
            sums.well |= guard(&one.probed).upgrade().is_none_or(|probed| probed.is_well());
            sums.in_flight += one.in_flight.get();
            sums.retries += one.retries.get();
            sums.ejections += one.ejections.get();
            sums.openings += one.openings.get();
            for (sum, cell) in sums.outcomes.iter_mut().zip(&one.outcomes) {
                *sum += cell.get();
            }
        }
        let help = "Requests under way to an upstream";
        gauge(&all, "palisade_upstream_in_flight", help, |sums| sums.in_flight, encoder)?;
        let help = "1 unless the health checks of an upstream fail";
        gauge(&all, "palisade_upstream_healthy", help, |sums| u64::from(sums.well), encoder)?;
        let help = "Requests that were sent a second time for want of an answer of this upstream";
        counter(&all, "palisade_upstream_retries", help, |sums| sums.retries, encoder)?;
        let help = "How often an upstream was taken out because requests failed";
        counter(&all, "palisade_upstream_ejections", help, |sums| sums.ejections, encoder)?;
        let help = "How often the circuit of an upstream opened";
        counter(&all, "palisade_upstream_circuit_openings", help, |sums| sums.openings, encoder)?;
        let help = "Requests that were given to an upstream, by what became of them";
        let name = "palisade_upstream_requests";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for ((service, upstream), sums) in &all {
            for (outcome, count) in OUTCOMES.iter().zip(sums.outcomes) {
                let labels = [("service", *service), ("upstream", upstream), ("outcome", outcome)];
                family
                    .encode_family(&labels)?
                    .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
        Ok(())
    }
}

type All<'c> = BTreeMap<(&'c str, &'c str), Sums>;

fn gauge(
    all: &All<'_>,
    name: &str,
    help: &str,
    value: impl Fn(&Sums) -> u64,
    encoder: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for ((service, upstream), sums) in all {
        let value = i64::try_from(value(sums)).unwrap_or(i64::MAX);
        family
            .encode_family(&[("service", *service), ("upstream", *upstream)])?
            .encode_gauge(&value)?;
    }
    Ok(())
}

fn counter(
    all: &All<'_>,
    name: &str,
    help: &str,
    value: impl Fn(&Sums) -> u64,
    encoder: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for ((service, upstream), sums) in all {
        let labels = [("service", *service), ("upstream", *upstream)];
        let value = value(sums);
        family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
    }
    Ok(())
}
