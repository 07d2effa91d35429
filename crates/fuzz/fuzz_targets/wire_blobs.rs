//! The fuzzer's way in to `tallystick_fuzz::wire_blobs`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tallystick_fuzz::wire_blobs::read(bytes));
