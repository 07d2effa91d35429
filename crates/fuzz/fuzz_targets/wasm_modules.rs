//! The fuzzer's way in to `tallystick_fuzz::wasm_modules`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tallystick_fuzz::wasm_modules::read(bytes));
