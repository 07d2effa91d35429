//! The fuzzer's way in to `tallystick_fuzz::json`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tallystick_fuzz::json::read(bytes));
