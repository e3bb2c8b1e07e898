//! libFuzzer's way into [`properties::contract_document`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::contract_document::check(bytes));
