;; Product of two 32 by 32 matrices of 32-bit integers; the entries follow from their places.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $put (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $entry (param $n i32) (result i32)
    (i32.xor (i32.mul (local.get $n) (i32.const 0x9e3779b1)) (local.get $n)))
  (func (export "_start")
    (local $i i32) (local $j i32) (local $k i32) (local $sum i32)
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $k (i32.const 0))
        (local.set $sum (i32.const 0))
        (loop $terms
          (local.set $sum
            (i32.add (local.get $sum)
              (i32.mul
                (call $entry (i32.add (i32.mul (local.get $i) (i32.const 32)) (local.get $k)))
                (call $entry (i32.add (i32.mul (local.get $k) (i32.const 32)) (local.get $j))))))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br_if $terms (i32.lt_u (local.get $k) (i32.const 32))))
        (i32.store offset=64
          (i32.shl (i32.add (i32.mul (local.get $i) (i32.const 32)) (local.get $j)) (i32.const 2))
          (local.get $sum))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $columns (i32.lt_u (local.get $j) (i32.const 32))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $rows (i32.lt_u (local.get $i) (i32.const 32))))
    (call $put (i32.const 64) (i32.const 4096))))
