//! libFuzzer's way into [`properties::response`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::response::check(bytes));
