//! libFuzzer's way into [`properties::json`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::json::check(bytes));
