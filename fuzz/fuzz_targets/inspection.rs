//! libFuzzer's way into [`properties::inspection`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::inspection::check(bytes));
