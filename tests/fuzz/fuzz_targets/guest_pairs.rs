#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postern_fuzz::host_parsers::guest_pairs(bytes));
