//! libFuzzer's way into [`properties::proxy_protocol`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::proxy_protocol::check(bytes));
