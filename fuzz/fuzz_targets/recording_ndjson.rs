//! libFuzzer's way into [`properties::ndjson`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::ndjson::check(bytes));
