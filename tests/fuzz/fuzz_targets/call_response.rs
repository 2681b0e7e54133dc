#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| postern_fuzz::host_parsers::call_response(bytes));
