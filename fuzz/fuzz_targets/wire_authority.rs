//! libFuzzer's way into [`properties::authority`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::authority::check(bytes));
