;; What is left of x after whole y's, with the sign of y; NaN for y = 0 and for an infinity. Exact for whole numbers of any
;; size. Others stand for decimals that were rounded: a rest within that rounding of 0 or of y is 0 (5.5 and 1.1).
(func $remainder (param $x f64) (param $y f64) (result f64)
  (local $a f64) (local $b f64) (local $step f64) (local $slack f64)
  ;; The difference with itself is 0 but for an infinity and NaN.
  (if (f64.ne (f64.add (f64.sub (local.get $x) (local.get $x)) (f64.sub (local.get $y) (local.get $y))) (f64.const 0))
    (then (return (f64.const nan))))
  (if (f64.eq (local.get $y) (f64.const 0)) (then (return (f64.const nan))))
  (local.set $a (f64.abs (local.get $x)))
  (local.set $b (f64.abs (local.get $y)))
  (if (i32.or (f64.ne (f64.floor (local.get $a)) (local.get $a)) (f64.ne (f64.floor (local.get $b)) (local.get $b)))
    (then (local.set $slack (f64.mul (local.get $a) (f64.const 0x1p-51)))))
  ;; With so many y's in x, the rounding of y alone can make any rest.
  (if (f64.gt (local.get $slack) (f64.mul (local.get $b) (f64.const 0x1p-10)))
    (then (local.set $slack (f64.const 0))))
  ;; Long division in binary. Each difference is exact; each loop runs at most 2,098 times.
  (local.set $step (local.get $b))
  (block $done (loop $next
    (br_if $done (f64.gt (f64.add (local.get $step) (local.get $step)) (local.get $a)))
    (local.set $step (f64.add (local.get $step) (local.get $step)))
    (br $next)))
  (block $done (loop $next
    (br_if $done (f64.lt (local.get $step) (local.get $b)))
    (if (f64.ge (local.get $a) (local.get $step))
      (then (local.set $a (f64.sub (local.get $a) (local.get $step)))))
    (local.set $step (f64.mul (local.get $step) (f64.const 0.5)))
    (br $next)))
  (if (i32.or (f64.le (local.get $a) (local.get $slack))
              (f64.le (f64.sub (local.get $b) (local.get $a)) (local.get $slack)))
    (then (return (f64.const 0))))
  (if (f64.lt (f64.mul (f64.copysign (f64.const 1) (local.get $x)) (local.get $y)) (f64.const 0))
    (then (local.set $a (f64.sub (local.get $b) (local.get $a)))))
  (f64.copysign (local.get $a) (local.get $y)))
