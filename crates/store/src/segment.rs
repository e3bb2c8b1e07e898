//! A batch of observations in its written form, and back.
//!
//! A segment is compressed lines. Exchanges of one endpoint differ in little: who, when, how long,
//! how large. So a line is either an observation as a JSON object, or a JSON array that names an
//! earlier line of this kind and holds what is different ([`Difference`]). Segments of format 1
//! have lines of the first kind only.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Write};

use exchange::endpoint::{SeenPath, SeenSegment};
use exchange::moment::Moment;
use exchange::observation::{BodySeen, Observation};
use exchange::principal::Principal;
use exchange::redact::Pseudonym;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::error::StoreError;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What an observation typically takes as a line, for the first guess at a buffer.
const LINE_BYTES: usize = 160;

/// Observations that later ones are compared with: one per slot, the newest.
const SLOTS: usize = 1 << 10;

/// A batch in its written form.
pub(crate) struct Segment {
    pub(crate) observations: u64,
    /// Days since the epoch of the newest observation.
    pub(crate) day: i64,
    pub(crate) body: Vec<u8>,
}

/// What is different from the observation of an earlier line: its number among the lines that are
/// objects, from 0; microseconds later (or earlier); duration; principal; client; bytes of the
/// request's body; of the response's; the values in the path.
type Difference = (u32, i64, u64, Option<Pseudonym>, Option<Pseudonym>, u64, u64, Vec<Pseudonym>);

impl Segment {
    /// `None` for an empty batch.
    pub(crate) fn pack(batch: &[Observation]) -> Result<Option<Self>, StoreError> {
        let Some(newest) = batch.iter().map(|observation| observation.at).max() else {
            return Ok(None);
        };
        // compressing token by token costs four times as much as compressing the lines at once
        let mut lines = Vec::with_capacity(batch.len() * LINE_BYTES);
        let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
        let body = write_lines(batch, &mut lines)
            .and_then(|()| {
                out.write_all(&lines).and_then(|()| out.finish()).map_err(serde_json::Error::io)
            })
            .map_err(|source| StoreError::Unwritable { what: "an observation", source })?;
        let day = newest.micros().div_euclid(MICROS_PER_DAY);
        Ok(Some(Self { observations: batch.len() as u64, day, body }))
    }
}

fn write_lines(batch: &[Observation], lines: &mut Vec<u8>) -> serde_json::Result<()> {
    let mut slots: Vec<Option<(u32, &Observation)>> = vec![None; SLOTS.min(batch.len())];
    let mut objects = 0;
    for observation in batch {
        let slot = slot_of(observation) % slots.len();
        match slots[slot] {
            Some((line, earlier)) if is_alike(earlier, observation) => {
                serde_json::to_writer(&mut *lines, &difference(line, earlier, observation))?;
            }
            _ => {
                serde_json::to_writer(&mut *lines, observation)?;
                slots[slot] = Some((objects, observation));
                objects += 1;
            }
        }
        lines.push(b'\n');
    }
    Ok(())
}

/// Where observations that are alike meet, and others seldom do.
fn slot_of(observation: &Observation) -> usize {
    let mut hasher = DefaultHasher::new();
    (observation.method, observation.status, observation.operation).hash(&mut hasher);
    (observation.principal.proof, observation.parameters.len()).hash(&mut hasher);
    for body in [&observation.request, &observation.response] {
        let shape = body.shape.as_ref();
        shape.map(|shape| (&shape.names, shape.nodes.len())).hash(&mut hasher);
    }
    for segment in &observation.path.0 {
        match segment {
            SeenSegment::Word(word) => word.hash(&mut hasher),
            SeenSegment::Value(kind, _) => kind.hash(&mut hasher),
        }
    }
    usize::try_from(hasher.finish() >> 32).unwrap_or_default()
}

/// True when a [`Difference`] can tell the two apart.
fn is_alike(a: &Observation, b: &Observation) -> bool {
    let Observation {
        at: _,
        duration_us: _,
        service,
        host,
        method,
        path,
        operation,
        principal: Principal { id: _, proof },
        client: _,
        parameters,
        status,
        request,
        response,
        signals,
        disposition,
    } = a;
    (*method, *operation, *status) == (b.method, b.operation, b.status)
        && (*proof, *disposition) == (b.principal.proof, b.disposition)
        && (service, host) == (&b.service, &b.host)
        && is_alike_path(path, &b.path)
        && is_alike_body(request, &b.request)
        && is_alike_body(response, &b.response)
        && *parameters == b.parameters
        && *signals == b.signals
}

fn is_alike_path(a: &SeenPath, b: &SeenPath) -> bool {
    let alike = |(a, b): (&SeenSegment, &SeenSegment)| match (a, b) {
        (SeenSegment::Word(mine), SeenSegment::Word(theirs)) => mine == theirs,
        (SeenSegment::Value(mine, _), SeenSegment::Value(theirs, _)) => mine == theirs,
        _ => false,
    };
    a.0.len() == b.0.len() && a.0.iter().zip(&b.0).all(alike)
}

fn is_alike_body(a: &BodySeen, b: &BodySeen) -> bool {
    let BodySeen { bytes: _, media, shape, missing, data } = a;
    *media == b.media && *missing == b.missing && *data == b.data && *shape == b.shape
}

fn difference(line: u32, earlier: &Observation, observation: &Observation) -> Difference {
    let value = |segment: &SeenSegment| match segment {
        SeenSegment::Word(_) => None,
        SeenSegment::Value(_, pseudonym) => Some(*pseudonym),
    };
    (
        line,
        observation.at.micros_since(earlier.at),
        observation.duration_us,
        observation.principal.id,
        observation.client,
        observation.request.bytes,
        observation.response.bytes,
        observation.path.0.iter().filter_map(value).collect(),
    )
}

/// Hands over the observations of a segment's body in their order; `Err` says what is wrong.
pub(crate) fn unpack(body: &[u8], mut visit: impl FnMut(Observation)) -> Result<(), String> {
    let mut objects: Vec<Observation> = Vec::new();
    for line in BufReader::new(ZlibDecoder::new(body)).split(b'\n') {
        let line = line.map_err(|error| error.to_string())?;
        if line.starts_with(b"[") {
            let difference = serde_json::from_slice(&line).map_err(|error| error.to_string())?;
            visit(apply(difference, &objects)?);
        } else {
            let observation: Observation =
                serde_json::from_slice(&line).map_err(|error| error.to_string())?;
            visit(observation.clone());
            objects.push(observation);
        }
    }
    Ok(())
}

fn apply(difference: Difference, objects: &[Observation]) -> Result<Observation, String> {
    let (line, later, duration_us, id, client, request, response, values) = difference;
    let earlier = objects
        .get(line as usize)
        .ok_or_else(|| format!("refers to line {line} of {}", objects.len()))?;
    let mut observation = earlier.clone();
    observation.at = Moment::from_micros(earlier.at.micros().saturating_add(later));
    observation.duration_us = duration_us;
    observation.principal.id = id;
    observation.client = client;
    observation.request.bytes = request;
    observation.response.bytes = response;
    let mut values = values.into_iter();
    for segment in &mut observation.path.0 {
        if let SeenSegment::Value(_, pseudonym) = segment {
            *pseudonym = values.next().ok_or("has too few values for its path")?;
        }
    }
    match values.next() {
        None => Ok(observation),
        Some(_) => Err("has too many values for its path".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An observation of the `number`th exchange of one of three endpoints.
    fn observation(number: u64) -> Observation {
        let path = match number % 3 {
            0 => json!([{"word": "orders"}, {"value": ["uuid", number * 7]}]),
            1 => json!([{"word": "orders"}, {"value": ["integer", number * 7]}, {"word": "items"}]),
            _ => json!([{"word": "orders"}]),
        };
        let name = if number.is_multiple_of(5) { "total" } else { "state" };
        let node = |parent: u16, length: usize, types: u8| json!({"p": parent, "n": [0, length], "t": types, "c": 1});
        let shape = json!({
            "nodes": [node(0, 0, 32), node(0, name.len(), 64)], "names": name, "cut": false
        });
        serde_json::from_value(json!({
            "at": 1_000_000 - 13 * number as i64,
            "duration_us": number,
            "service": "shop",
            "host": "shop.test",
            "method": "GET",
            "path": path,
            "principal": {"id": number % 4, "proof": "bearer"},
            "client": if number.is_multiple_of(2) { Some(u64::MAX - number) } else { None },
            "status": if number.is_multiple_of(11) { 404 } else { 200 },
            "response": {
                "bytes": number * 3, "media": "application/json", "shape": shape, "missing": null
            },
            "disposition": "allowed",
        }))
        .unwrap()
    }

    fn round_trip(batch: &[Observation]) -> (Vec<Observation>, usize) {
        let mut lines = Vec::new();
        write_lines(batch, &mut lines).unwrap();
        let packed = Segment::pack(batch).unwrap().unwrap();
        assert_eq!(packed.observations, batch.len() as u64);
        let mut back = Vec::new();
        unpack(&packed.body, |observation| back.push(observation)).unwrap();
        let lines = lines.split(|byte| *byte == b'\n');
        (back, lines.filter(|line| line.starts_with(b"{")).count())
    }

    #[test]
    fn what_is_packed_comes_back() {
        let batch: Vec<Observation> = (0..500).map(observation).collect();
        let (back, objects) = round_trip(&batch);
        assert_eq!(back, batch);
        // three paths, two shapes and two statuses; a slot that two share is written anew
        assert!((12..60).contains(&objects), "{objects} of 500 lines are objects");
        for number in 0..40 {
            let (back, objects) = round_trip(&[observation(number)]);
            assert_eq!((back, objects), (vec![observation(number)], 1));
        }
        assert!(Segment::pack(&[]).unwrap().is_none());
    }

    #[test]
    fn every_field_that_a_difference_does_not_hold_makes_a_line_of_its_own() {
        type Change = fn(&mut Observation);
        let changes: [Change; 11] = [
            |one| one.service = "other".into(),
            |one| one.host = "other".into(),
            |one| one.method = exchange::endpoint::Method::Put,
            |one| one.path.0.clear(),
            |one| one.path.0[0] = SeenSegment::Word("carts".into()),
            |one| one.operation = Some(exchange::observation::OperationIndex(1)),
            |one| one.principal.proof = exchange::principal::Proof::Jwt,
            |one| one.status = None,
            |one| one.response.missing = Some(exchange::body::Why::Malformed),
            |one| one.request.media = "text/plain".into(),
            |one| one.disposition = exchange::decision::Disposition::Dropped,
        ];
        let mut changed = 0;
        for change in changes {
            let (first, mut second) = (observation(3), observation(6));
            assert_eq!(round_trip(&[first.clone(), second.clone()]).1, 1);
            change(&mut second);
            let (back, objects) = round_trip(&[first.clone(), second.clone()]);
            assert_eq!((back, objects), (vec![first, second], 2));
            changed += 1;
        }
        assert_eq!(changed, 11);
    }

    #[test]
    fn a_difference_that_fits_nothing_is_damage() {
        let whole = serde_json::to_string(&observation(3)).unwrap();
        let cases = [
            ("[0,0,0,null,null,0,0,[1]]".to_owned(), "refers to line 0 of 0"),
            (format!("{whole}\n[1,0,0,null,null,0,0,[1]]"), "refers to line 1 of 1"),
            (format!("{whole}\n[0,0,0,null,null,0,0,[]]"), "too few values"),
            (format!("{whole}\n[0,0,0,null,null,0,0,[1,2]]"), "too many values"),
            (format!("{whole}\n[0,0]"), "invalid length 2"),
        ];
        let mut refused = 0;
        for (text, why) in cases {
            let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
            out.write_all(text.as_bytes()).unwrap();
            let told = unpack(&out.finish().unwrap(), |_| {}).unwrap_err();
            assert!(told.contains(why), "{told}");
            refused += 1;
        }
        assert_eq!(refused, 5);
    }
}
