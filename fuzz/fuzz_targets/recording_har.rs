//! libFuzzer's way into [`properties::har`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::har::check(bytes));
