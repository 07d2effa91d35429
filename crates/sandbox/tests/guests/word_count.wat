;; Counts words of standard input; writes the count as 32 bits, little-endian.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 16)
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
    (local $length i32) (local $index i32) (local $words i32) (local $inside i32) (local $space i32)
    (local.set $length (call $slurp (i32.const 64) (i32.const 900000)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $index) (local.get $length)))
        (local.set $space
          (i32.le_u (i32.load8_u offset=64 (local.get $index)) (i32.const 32)))
        (if (i32.and (i32.eqz (local.get $space)) (i32.eqz (local.get $inside)))
          (then (local.set $words (i32.add (local.get $words) (i32.const 1)))))
        (local.set $inside (i32.eqz (local.get $space)))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (br $next)))
    (i32.store (i32.const 16) (local.get $words))
    (call $put (i32.const 16) (i32.const 4))))
