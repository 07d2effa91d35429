;; Insertion sort of the bytes of standard input.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func $put (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $slurp (param $at i32) (param $room i32) (result i32)
    (local $total i32)
    (loop $more
      (i32.store (i32.const 0) (i32.add (local.get $at) (local.get $total)))
      (i32.store (i32.const 4) (i32.sub (local.get $room) (local.get $total)))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $total (i32.add (local.get $total) (i32.load (i32.const 8))))
      (br_if $more (i32.gt_u (i32.load (i32.const 8)) (i32.const 0))))
    (local.get $total))
  (func (export "_start")
    (local $length i32) (local $outer i32) (local $inner i32) (local $key i32)
    (local.set $length (call $slurp (i32.const 64) (i32.const 60000)))
    (local.set $outer (i32.const 1))
    (block $done
      (loop $next
        (br_if $done (i32.ge_s (local.get $outer) (local.get $length)))
        (local.set $key (i32.load8_u offset=64 (local.get $outer)))
        (local.set $inner (local.get $outer))
        (block $placed
          (loop $shift
            (br_if $placed (i32.eqz (local.get $inner)))
            (br_if $placed
              (i32.le_u (i32.load8_u offset=63 (local.get $inner)) (local.get $key)))
            (i32.store8 offset=64 (local.get $inner)
              (i32.load8_u offset=63 (local.get $inner)))
            (local.set $inner (i32.sub (local.get $inner) (i32.const 1)))
            (br $shift)))
        (i32.store8 offset=64 (local.get $inner) (local.get $key))
        (local.set $outer (i32.add (local.get $outer) (i32.const 1)))
        (br $next)))
    (call $put (i32.const 64) (local.get $length))))
