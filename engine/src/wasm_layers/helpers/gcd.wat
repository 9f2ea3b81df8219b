;; Greatest common divisor of two whole numbers, each at most 2^53 in size; 0 of 0 and 0; NaN for others.
(func $gcd (param $x f64) (param $y f64) (result f64)
  (local $a i64) (local $b i64) (local $rest i64)
  (local.set $x (f64.abs (local.get $x)))
  (local.set $y (f64.abs (local.get $y)))
  (if (i32.eqz (i32.and
        (i32.and (f64.eq (f64.floor (local.get $x)) (local.get $x)) (f64.eq (f64.floor (local.get $y)) (local.get $y)))
        (f64.le (f64.max (local.get $x) (local.get $y)) (f64.const 0x1p+53))))
    (then (return (f64.const nan))))
  (local.set $a (i64.trunc_f64_s (local.get $x)))
  (local.set $b (i64.trunc_f64_s (local.get $y)))
  ;; Euclid's steps: 78 at most, as the numbers shrink at least like Fibonacci's.
  (block $done (loop $next
    (br_if $done (i64.eqz (local.get $b)))
    (local.set $rest (i64.rem_u (local.get $a) (local.get $b)))
    (local.set $a (local.get $b))
    (local.set $b (local.get $rest))
    (br $next)))
  (f64.convert_i64_u (local.get $a)))
