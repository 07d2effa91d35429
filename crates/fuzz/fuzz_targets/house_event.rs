//! The fuzzer's way in to `tallystick_fuzz::house_event`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tallystick_fuzz::house_event::read(bytes));
