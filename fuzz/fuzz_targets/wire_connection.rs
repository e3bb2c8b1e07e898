//! libFuzzer's way into [`properties::connection`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::connection::check(bytes));
