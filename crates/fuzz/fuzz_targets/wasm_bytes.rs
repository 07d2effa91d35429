//! The fuzzer's way in to `tallystick_fuzz::wasm_bytes`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tallystick_fuzz::wasm_bytes::read(bytes));
