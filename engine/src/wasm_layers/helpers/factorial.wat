;; n! for whole n from 0 to 170, rounded once; NaN for others. The product is kept as h + l.
(func $factorial (param $n f64) (result f64)
  (local $k f64) (local $h f64) (local $l f64) (local $p f64) (local $e f64) (local $top f64)
  (if (i32.eqz (i32.and
        (i32.and (f64.ge (local.get $n) (f64.const 0)) (f64.le (local.get $n) (f64.const 170)))
        (f64.eq (f64.floor (local.get $n)) (local.get $n))))
    (then (return (f64.const nan))))
  (local.set $k (f64.const 1))
  (local.set $h (f64.const 1))
  (block $done (loop $next
    (br_if $done (f64.ge (local.get $k) (local.get $n)))
    (local.set $k (f64.add (local.get $k) (f64.const 1)))
    ;; Half of h's digits at a time, so that what rounding takes from h * k is known.
    (local.set $p (f64.mul (local.get $h) (local.get $k)))
    (local.set $top (f64.reinterpret_i64
      (i64.and (i64.reinterpret_f64 (local.get $h)) (i64.const 0xfffffffff8000000))))
    (local.set $e (f64.add
      (f64.add (f64.sub (f64.mul (local.get $top) (local.get $k)) (local.get $p))
               (f64.mul (f64.sub (local.get $h) (local.get $top)) (local.get $k)))
      (f64.mul (local.get $l) (local.get $k))))
    (local.set $h (f64.add (local.get $p) (local.get $e)))
    (local.set $l (f64.sub (local.get $e) (f64.sub (local.get $h) (local.get $p))))
    (br $next)))
  (local.get $h))
