//! libFuzzer's way into [`properties::access_log`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::access_log::check(bytes));
