;; Recurses 5,000 deep and comes back.
(module
  (func $down (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0))
      (then (return (i32.const 0)))
      (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))))
  (func (export "_start")
    (if (i32.ne (call $down (i32.const 5000)) (i32.const 5000)) (then unreachable))))
