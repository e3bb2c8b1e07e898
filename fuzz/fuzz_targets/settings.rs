//! libFuzzer's way into [`properties::settings`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::settings::check(bytes));
