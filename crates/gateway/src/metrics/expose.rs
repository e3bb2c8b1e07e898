//! Sums the workers' cells into metric families when they are asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use exchange::decision::Disposition;
use policy::Mode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::count::{BUCKETS_S, DIRECTIONS, Durations, PLACES, ServiceCounts, Skipped};
use super::{Counted, guard};
use crate::cache::Outcome;
use crate::outlet::LaneState;

/// Name, help, and which of bytes and entries.
type Gauge = (&'static str, &'static str, fn((usize, usize)) -> usize);

type Services = BTreeMap<Arc<str>, Vec<Arc<ServiceCounts>>>;

impl Collector for Counted {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let services = guard(&self.services).clone();
        exchanges(&services, &mut encoder)?;
        violations(&services, &mut encoder)?;
        durations(
            &services,
            "http_server_request_duration_seconds",
            "From the request's head to the end of its answer",
            |counts| &counts.durations,
            &mut encoder,
        )?;
        durations(
            &services,
            "palisade_upstream_request_duration_seconds",
            "From sending a request upstream to the end of its answer",
            |counts| &counts.upstream_durations,
            &mut encoder,
        )?;
        self.caches(&services, &mut encoder)?;
        self.upstreams(&mut encoder)?;
        self.refusals(&mut encoder)?;
        self.handshakes(&mut encoder)?;
        self.skipped(&mut encoder)?;
        self.outlet(&mut encoder)?;
        self.reloads(&mut encoder)?;
        let mut info = encoder.encode_descriptor(
            "palisade_build",
            "The program that runs",
            None,
            MetricType::Info,
        )?;
        info.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])
    }
}

impl Counted {
    fn caches(&self, services: &Services, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let caches = guard(&self.caches).clone();
        let help = "Requests for cacheable answers, by how they ended";
        let mut family = counter(encoder, "palisade_cache_requests", help)?;
        for (service, cells) in services.iter().filter(|(name, _)| caches.contains_key(*name)) {
            for outcome in Outcome::ALL {
                let count = cells.iter().map(|cell| cell.cached_so(outcome)).sum();
                add(&mut family, &[("service", service), ("outcome", outcome.as_str())], count)?;
            }
        }
        let mut family = counter(encoder, "palisade_cache_stores", "Answers that were stored")?;
        for (service, cells) in services.iter().filter(|(name, _)| caches.contains_key(*name)) {
            let count = cells.iter().map(|cell| cell.stored.get()).sum();
            add(&mut family, &[("service", service)], count)?;
        }
        let usages: Vec<(&Arc<str>, (usize, usize))> = caches
            .iter()
            .filter_map(|(name, cache)| Some((name, cache.upgrade()?.usage())))
            .collect();
        let gauges: [Gauge; 2] = [
            ("palisade_cache_bytes", "Memory of stored answers and those being stored", |u| u.0),
            ("palisade_cache_entries", "Stored answers", |u| u.1),
        ];
        for (name, help, which) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (service, usage) in &usages {
                let value = i64::try_from(which(*usage)).unwrap_or(i64::MAX);
                family.encode_family(&[("service", service.as_ref())])?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn refusals(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        let mut overloads = 0;
        for worker in guard(&self.workers).iter() {
            for (reason, count) in worker.refusals() {
                *sums.entry(reason).or_default() += count;
            }
            overloads += worker.overloads.get();
        }
        let help = "Messages that were refused before there was an exchange, or within one";
        let mut family = counter(encoder, "palisade_wire_refusals", help)?;
        for (reason, count) in sums.into_iter().filter(|(_, count)| *count > 0) {
            add(&mut family, &[("reason", reason)], count)?;
        }
        let help = "Connections that were turned away because there were too many";
        let mut family = counter(encoder, "palisade_overloads", help)?;
        family.encode_counter::<NoLabelSet, _, u64>(&overloads, None)
    }

    fn handshakes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for worker in guard(&self.workers).iter() {
            for (result, count) in worker.handshakes.all() {
                *sums.entry(result).or_default() += count;
            }
        }
        let help = "TLS handshakes with clients, by how they ended";
        let mut family = counter(encoder, "palisade_tls_handshakes", help)?;
        for (result, count) in sums.into_iter().filter(|(_, count)| *count > 0) {
            add(&mut family, &[("result", result)], count)?;
        }
        Ok(())
    }

    fn skipped(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Exchanges of which something was not inspected";
        let mut family = counter(encoder, "palisade_inspection_skipped", help)?;
        let workers = guard(&self.workers);
        for why in Skipped::ALL {
            let count = workers.iter().map(|worker| worker.skipped(why)).sum();
            add(&mut family, &[("reason", why.as_str())], count)?;
        }
        Ok(())
    }

    fn outlet(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let access_log = LaneState {
            dropped: self.access_log.dropped.load(Ordering::Relaxed),
            length: self.access_log.waiting.load(Ordering::Relaxed),
        };
        let lanes = [
            ("access_log", access_log),
            ("outlet_plain", self.outlet.plain()),
            ("outlet_signalled", self.outlet.signalled()),
        ];
        let help = "What was dropped because a queue was full";
        let mut family = counter(encoder, "palisade_events_dropped", help)?;
        for (name, state) in lanes {
            add(&mut family, &[("sink", name)], state.dropped)?;
        }
        let help = "Entries that wait in a queue";
        let mut family =
            encoder.encode_descriptor("palisade_queue_length", help, None, MetricType::Gauge)?;
        for (name, state) in lanes {
            let length = i64::try_from(state.length).unwrap_or(i64::MAX);
            family.encode_family(&[("queue", name)])?.encode_gauge(&length)?;
        }
        Ok(())
    }

    fn reloads(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let gauges = [
            (
                "palisade_config_last_reload_successful",
                "1 if the settings that were read last are in force",
                i64::from(self.reloaded.load(Ordering::Relaxed)),
            ),
            (
                "palisade_config_last_reload_success_timestamp_seconds",
                "When the settings in force were taken",
                self.reloaded_at_s.load(Ordering::Relaxed),
            ),
        ];
        for (name, help, value) in gauges {
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

fn exchanges(services: &Services, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut family = counter(encoder, "palisade_exchanges", "Exchanges, by how they ended")?;
    for (service, cells) in services {
        for mode in Mode::ALL {
            for disposition in Disposition::ALL {
                let count = cells.iter().map(|cell| cell.exchanges(mode, disposition)).sum();
                if count == 0 {
                    continue;
                }
                let labels = [
                    ("service", service.as_ref()),
                    ("disposition", disposition.as_str()),
                    ("mode", mode.as_str()),
                ];
                add(&mut family, &labels, count)?;
            }
        }
    }
    Ok(())
}

fn violations(services: &Services, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Violations of a service's contract";
    let mut family = counter(encoder, "palisade_contract_violations", help)?;
    for (service, cells) in services {
        for (direction, word) in DIRECTIONS.into_iter().enumerate() {
            for (place, location) in PLACES.into_iter().enumerate() {
                let count = cells.iter().map(|cell| cell.violations(direction, place)).sum();
                if count == 0 {
                    continue;
                }
                let labels =
                    [("service", service.as_ref()), ("direction", word), ("location", location)];
                add(&mut family, &labels, count)?;
            }
        }
    }
    Ok(())
}

fn durations(
    services: &Services,
    name: &str,
    help: &str,
    which: impl Fn(&ServiceCounts) -> &Durations,
    encoder: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (service, cells) in services {
        let bounds = BUCKETS_S.into_iter().chain([f64::INFINITY]);
        let mut buckets: Vec<(f64, u64)> = bounds.map(|bound| (bound, 0)).collect();
        let sum: f64 = cells.iter().map(|cell| which(cell).add_to(&mut buckets)).sum();
        let count: u64 = buckets.iter().map(|(_, count)| count).sum();
        if count == 0 {
            continue;
        }
        family
            .encode_family(&[("service", service.as_ref())])?
            .encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
    }
    Ok(())
}

/// A family of counters; the format adds `_total` to the name.
fn counter<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    name: &'e str,
    help: &str,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Counter)
}

fn add(family: &mut MetricEncoder<'_>, labels: &[(&str, &str)], count: u64) -> fmt::Result {
    family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)
}
