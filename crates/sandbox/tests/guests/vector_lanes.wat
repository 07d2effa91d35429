;; Stores lanes at offsets past 2^16: compiled code does it, the second engine is not asked.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\00\00\01\00\04\00\00\00")
  (func $store (param i32 v128)
    (v128.store8_lane offset=65536 3 (local.get 0) (local.get 1))
    (v128.store16_lane offset=65538 1 (local.get 0) (local.get 1)))
  (func (export "_start")
    (call $store (i32.const 0) (v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
