//! The fuzzer's way in to `tallystick_fuzz::keystore`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tallystick_fuzz::keystore::read(bytes));
