//! Recordings and test suites that others have made. They lie beside the repository, under
//! `../shared/data`; where they do not, only our own tables are tested.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::seen;

/// Every file below this folder of the corpus, in order of their names, decompressed.
pub(crate) fn files(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found.into_iter().map(|path| (path.clone(), content(&path))).collect()
}

#[expect(clippy::disallowed_methods, reason = "a test reads its corpus")]
fn content(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return bytes;
    }
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
    text
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// The number of HAR entries by the judgement of another parser; by counting a member that each
/// has, where that parser refuses the half surrogate pairs that a fuzzer sent.
fn entries(bytes: &[u8]) -> u64 {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(document) => document["log"]["entries"].as_array().unwrap().len() as u64,
        Err(_) => memchr::memmem::find_iter(text, "\"startedDateTime\"").count() as u64,
    }
}

#[test]
fn every_entry_of_real_hars_is_read_or_counted() {
    let mut tried = 0;
    for folder in ["har-samples", "recorded-traffic", "vampi-capture"] {
        for (path, bytes) in files(folder) {
            let name = name(&path);
            if !name.contains(".har") {
                continue;
            }
            tried += 1;
            let (seen, tally) = seen::read(&name, &bytes);
            let expected = entries(&bytes);
            assert_eq!(tally.exchanges + tally.skipped, expected, "{name}: {tally:?}");
            assert!(tally.places.is_empty(), "{name}: {tally:?}");
            let known = ["no response", "websocket", "not http"];
            assert!(tally.reasons.keys().all(|reason| known.contains(reason)), "{name}");
            assert!(seen.iter().all(|seen| seen.status >= 100), "{name}");
        }
    }
    assert!(tried == 0 || tried >= 29, "{tried} recordings");
}

#[test]
fn small_real_hars_read_alike_however_they_are_cut() {
    let mut tried = 0;
    for (path, bytes) in files("har-samples") {
        let name = name(&path);
        if name.ends_with(".har") && bytes.len() < 2_500 {
            seen::read_every_way(&name, &bytes);
            tried += 1;
        } else if name.ends_with(".har") {
            let whole = seen::read(&name, &bytes);
            for size in [4_099, 65_537] {
                let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
                assert_eq!(seen::read_chunks(&name, &chunks), whole, "{name} in {size}");
            }
            tried += 1;
        }
    }
    assert!(tried == 0 || tried >= 17, "{tried} recordings");
}

#[test]
fn real_access_logs_are_read_or_counted_line_by_line() {
    let mut tried = 0;
    for (path, bytes) in files("access-logs") {
        let name = name(&path);
        if !name.ends_with(".log") {
            continue;
        }
        tried += 1;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let (seen, tally) = seen::read(&name, &bytes);
        assert_eq!(tally.exchanges + tally.skipped, lines.count() as u64, "{name}");
        if name.starts_with("OpenStack") {
            // the lines that log a request; the others are notes of other kinds
            let requests = bytes.split(|byte| *byte == b'\n').filter(|line| {
                let text = String::from_utf8_lossy(line);
                text.contains(" HTTP/1.1\" status: ")
            });
            assert_eq!(seen.len(), requests.count());
            assert_eq!(seen[0].client.as_deref(), Some("10.11.10.1"));
            assert_eq!(seen[0].at, "2017-05-16T00:00:00.008Z");
            assert_eq!(seen[0].duration_us, 247_782);
        } else {
            assert_eq!(tally.reasons["broken line"], tally.skipped);
        }
    }
    assert!(tried == 0 || tried == 2, "{tried} logs");
}

#[test]
fn other_files_are_no_recordings_and_do_no_harm() {
    let mut tried = 0;
    for folder in ["har-samples", "vampi-capture", "naughty-strings", "openapi-examples"] {
        for (path, bytes) in files(folder) {
            let name = name(&path);
            if name.contains(".har") {
                continue;
            }
            tried += 1;
            let (seen, tally) = seen::read(&name, &bytes);
            assert_eq!(seen.len(), 0, "{}: {tally:?}", path.display());
        }
    }
    assert!(tried == 0 || tried > 50, "{tried} files");
}
