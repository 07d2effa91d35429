//! The fuzzer's way in to `tallystick_fuzz::stored_notes`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tallystick_fuzz::stored_notes::read(bytes));
