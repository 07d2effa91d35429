;; A tile of 64 by 48 points, one byte of iterations each.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $put (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $point (param $cx f64) (param $cy f64) (result i32)
    (local $x f64) (local $y f64) (local $t f64) (local $n i32)
    (loop $next
      (local.set $t
        (f64.add (local.get $cx)
          (f64.sub (f64.mul (local.get $x) (local.get $x))
            (f64.mul (local.get $y) (local.get $y)))))
      (local.set $y
        (f64.add (local.get $cy)
          (f64.mul (f64.const 2) (f64.mul (local.get $x) (local.get $y)))))
      (local.set $x (local.get $t))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next
        (i32.and (i32.lt_u (local.get $n) (i32.const 255))
          (f64.lt
            (f64.add (f64.mul (local.get $x) (local.get $x))
              (f64.mul (local.get $y) (local.get $y)))
            (f64.const 4)))))
    (local.get $n))
  (func (export "_start")
    (local $at i32)
    (loop $next
      (i32.store8 offset=64 (local.get $at)
        (call $point
          (f64.sub
            (f64.mul (f64.convert_i32_u (i32.rem_u (local.get $at) (i32.const 64)))
              (f64.const 0.046875))
            (f64.const 2))
          (f64.sub
            (f64.mul (f64.convert_i32_u (i32.div_u (local.get $at) (i32.const 64)))
              (f64.const 0.05))
            (f64.const 1.2))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 3072))))
    (call $put (i32.const 64) (i32.const 3072))))
