//! The fuzzer's way in to `tallystick_fuzz::wire_worker`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tallystick_fuzz::wire_worker::read(bytes));
