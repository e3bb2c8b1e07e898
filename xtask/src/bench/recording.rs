//! Recordings to feed to `analyze`: a shop's traffic, the same bytes every time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;

/// Lines of the access log.
pub(super) const LOG_LINES: u64 = 2_000_000;
/// Entries of the HAR file; about 1.9 KB each.
pub(super) const HAR_ENTRIES: u64 = 120_000;

const METHODS: &[&str] = &["GET", "GET", "GET", "GET", "POST", "PUT", "DELETE"];
const AREAS: &[&str] = &["orders", "customers", "products", "invoices", "carts", "payments"];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
];

/// A linear congruential generator (Knuth, MMIX): quick, and equal on every machine.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let index = self.below(list.len() as u64);
        usize::try_from(index).ok().and_then(|index| list.get(index)).copied().unwrap_or_default()
    }

    /// One of the shop's paths: an area, mostly with an id, sometimes with a part of it.
    fn path(&mut self) -> String {
        let area = self.of(AREAS);
        match self.below(4) {
            0 => format!("/v1/{area}?page={}&limit=50", self.below(40)),
            1 => format!("/v1/{area}/{:08x}-0b7c-4a49-9c4e-5b1f0a6c2d11", self.below(1 << 31)),
            2 => format!("/v1/{area}/{}/items", self.below(100_000)),
            _ => format!("/v1/{area}/{}", self.below(100_000)),
        }
    }
}

/// Writes an access log in the combined format.
pub(super) fn write_access_log(place: &Path, lines: u64) -> Result<()> {
    let mut out = BufWriter::new(File::create(place)?);
    let mut draw = Draw(1);
    for line in 0..lines {
        let (hour, minute, second) = (line / 90_000 % 24, line / 1500 % 60, line / 25 % 60);
        let address = draw.below(4000);
        writeln!(
            out,
            "10.1.{}.{} - - [15/Jan/2026:{hour:02}:{minute:02}:{second:02} +0000] \
             \"{} {} HTTP/1.1\" {} {} \"-\" \"{}\"",
            address / 250,
            address % 250 + 1,
            draw.of(METHODS),
            draw.path(),
            if draw.below(12) == 0 { 404 } else { 200 },
            200 + draw.below(4000),
            draw.of(AGENTS),
        )?;
    }
    Ok(out.flush()?)
}

/// Writes HAR 1.2, one entry per line inside the document.
pub(super) fn write_har(place: &Path, entries: u64) -> Result<()> {
    let mut out = BufWriter::new(File::create(place)?);
    write!(
        out,
        r#"{{"log":{{"version":"1.2","creator":{{"name":"bench","version":"1"}},"entries":["#
    )?;
    let mut draw = Draw(2);
    for entry in 0..entries {
        out.write_all(if entry == 0 { b"\n" } else { b",\n" })?;
        write_entry(&mut out, &mut draw, entry)?;
    }
    out.write_all(b"\n]}}\n")?;
    Ok(out.flush()?)
}

fn write_entry(out: &mut impl Write, draw: &mut Draw, entry: u64) -> Result<()> {
    let (hour, minute, second) = (entry / 3600 % 24, entry / 60 % 60, entry % 60);
    let (method, path, agent) = (draw.of(METHODS), draw.path(), draw.of(AGENTS));
    let address = draw.below(250) + 1;
    let body = body(draw).replace('"', "\\\"");
    write!(
        out,
        concat!(
            r#"{{"startedDateTime":"2026-01-15T{:02}:{:02}:{:02}.000Z","time":12,"request":"#,
            r#"{{"method":"{}","url":"https://shop.example{}","httpVersion":"HTTP/1.1","#,
            r#""cookies":[],"queryString":[],"headersSize":-1,"bodySize":0,"headers":["#,
            r#"{{"name":"Host","value":"shop.example"}},{{"name":"User-Agent","value":"{}"}},"#,
            r#"{{"name":"Accept","value":"application/json"}},"#,
            r#"{{"name":"X-Api-Key","value":"key-{:04}-0123456789abcdef"}},"#,
            r#"{{"name":"X-Forwarded-For","value":"10.1.0.{}"}}]}},"response":{{"status":200,"#,
            r#""statusText":"OK","httpVersion":"HTTP/1.1","cookies":[],"redirectURL":"","#,
            r#""headersSize":-1,"bodySize":{},"headers":[{{"name":"Content-Type","#,
            r#""value":"application/json"}},{{"name":"Server","value":"shop"}}],"content":"#,
            r#"{{"size":{},"mimeType":"application/json","text":"{}"}}}},"cache":{{}},"#,
            r#""timings":{{"send":0,"wait":12,"receive":0}}}}"#
        ),
        hour,
        minute,
        second,
        method,
        path,
        agent,
        address,
        address,
        body.len(),
        body.len(),
        body
    )?;
    Ok(())
}

/// An answer: an order with a few lines, its customer, its address.
fn body(draw: &mut Draw) -> String {
    let items: Vec<String> = (0..3 + draw.below(4))
        .map(|line| {
            let (price, stock) = (draw.below(90_000), draw.below(500));
            format!(r#"{{"line":{line},"sku":"SKU-{stock:05}","price":{price},"taxed":true}}"#)
        })
        .collect();
    format!(
        concat!(
            r#"{{"id":{},"status":"paid","customer":{{"id":{},"name":"Customer {}","#,
            r#""segment":"retail"}},"shipping":{{"street":"Long Road {}","city":"Aberdeen","#,
            r#""country":"GB"}},"total":{},"items":[{}],"note":null,"tags":["a","b"]}}"#
        ),
        draw.below(100_000),
        draw.below(4000),
        draw.below(4000),
        draw.below(300),
        draw.below(1_000_000),
        items.join(",")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recordings_are_well_formed_and_repeatable() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        write_har(&place("a.har"), 50).unwrap();
        write_har(&place("b.har"), 50).unwrap();
        let bytes = std::fs::read(place("a.har")).unwrap();
        assert_eq!(bytes, std::fs::read(place("b.har")).unwrap());
        let har: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let entries = har["log"]["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 50);
        let text = entries[7]["response"]["content"]["text"].as_str().unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        write_access_log(&place("a.log"), 30).unwrap();
        let log = std::fs::read_to_string(place("a.log")).unwrap();
        assert_eq!(log.lines().filter(|line| line.split('"').count() == 7).count(), 30);
    }
}
