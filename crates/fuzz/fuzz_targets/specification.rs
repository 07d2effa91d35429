//! The fuzzer's way in to `tallystick_fuzz::specification`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tallystick_fuzz::specification::read(bytes));
