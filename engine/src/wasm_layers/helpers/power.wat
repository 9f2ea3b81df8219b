;; x to the power of y, rounded once. 0^0 is 1; 0 to a negative power is infinite; a negative x has whole powers only, and
;; an infinity none. A y that is the double nearest to p/q, q at most 100, is taken for p/q, so that 27^(1/3) is 3.
;; Numbers are kept as (high + low) * 2^exponent, 1 <= high < 2: about 105 bits, and no overflow on the way.
(func $power (param $x f64) (param $y f64) (result f64)
  (local $n f64) (local $whole f64) (local $rest f64) (local $q f64) (local $half f64) (local $sign f64)
  (local $m f64) (local $k f64) (local $bits i64) (local $steps i32)
  (local $rh f64) (local $rl f64) (local $re f64)
  (local $bh f64) (local $bl f64) (local $be f64)
  ;; The difference with itself is 0 but for an infinity and NaN.
  (if (f64.ne (f64.add (f64.sub (local.get $x) (local.get $x)) (f64.sub (local.get $y) (local.get $y))) (f64.const 0))
    (then (return (f64.const nan))))
  (if (f64.eq (local.get $y) (f64.const 0)) (then (return (f64.const 1))))
  (if (f64.eq (local.get $x) (f64.const 0))
    (then (return (select (f64.const 0) (f64.const inf) (f64.gt (local.get $y) (f64.const 0))))))
  (local.set $n (f64.abs (local.get $y)))
  (local.set $whole (f64.floor (local.get $n)))
  (local.set $rest (f64.sub (local.get $n) (local.get $whole)))
  (local.set $sign (f64.const 1))
  (if (f64.lt (local.get $x) (f64.const 0)) (then
    (if (f64.ne (local.get $rest) (f64.const 0)) (then (return (f64.const nan))))
    (local.set $half (f64.mul (local.get $whole) (f64.const 0.5)))
    (if (f64.ne (f64.floor (local.get $half)) (local.get $half)) (then (local.set $sign (f64.const -1))))))
  ;; The part of y after the point, as rest / q.
  (local.set $q (f64.const 1))
  (if (i32.and (f64.ne (local.get $rest) (f64.const 0)) (f64.lt (local.get $n) (f64.const 0x1p+45))) (then
    (block $found (loop $next
      (local.set $q (f64.add (local.get $q) (f64.const 1)))
      (if (f64.eq (f64.div (f64.nearest (f64.mul (local.get $n) (local.get $q))) (local.get $q)) (local.get $n)) (then
        (local.set $rest (f64.sub (f64.nearest (f64.mul (local.get $n) (local.get $q)))
                                  (f64.mul (local.get $whole) (local.get $q))))
        (br $found)))
      (br_if $next (f64.lt (local.get $q) (f64.const 100)))
      (local.set $q (f64.const 1))))))
  ;; |x| = m * 2^k
  (local.set $m (f64.abs (local.get $x)))
  (if (f64.lt (local.get $m) (f64.const 0x1p-1022)) (then
    (local.set $m (f64.mul (local.get $m) (f64.const 0x1p+54)))
    (local.set $k (f64.const -54))))
  (local.set $bits (i64.reinterpret_f64 (local.get $m)))
  (local.set $k (f64.add (local.get $k)
    (f64.convert_i64_s (i64.sub (i64.shr_u (local.get $bits) (i64.const 52)) (i64.const 1023)))))
  (local.set $m (f64.reinterpret_i64
    (i64.or (i64.and (local.get $bits) (i64.const 0xfffffffffffff)) (i64.const 0x3ff0000000000000))))
  (local.set $rh (f64.const 1))
  ;; The whole part of y by squaring, from its last binary digit to its first. From 2^75 on it makes no difference: only 1 is
  ;; so near to 1 that its power is neither 0 nor infinite by then.
  (local.set $whole (f64.min (local.get $whole) (f64.const 0x1p+75)))
  (local.set $bh (local.get $m))
  (local.set $be (local.get $k))
  (block $done (loop $next
    (br_if $done (f64.eq (local.get $whole) (f64.const 0)))
    (local.set $half (f64.floor (f64.mul (local.get $whole) (f64.const 0.5))))
    (if (f64.ne (f64.add (local.get $half) (local.get $half)) (local.get $whole)) (then
      (call $power.product (local.get $rh) (local.get $rl) (local.get $re)
                           (local.get $bh) (local.get $bl) (local.get $be))
      (local.set $re) (local.set $rl) (local.set $rh)))
    (call $power.product (local.get $bh) (local.get $bl) (local.get $be)
                         (local.get $bh) (local.get $bl) (local.get $be))
    (local.set $be) (local.set $bl) (local.set $bh)
    (local.set $whole (local.get $half))
    (br $next)))
  ;; The rest by square roots, one a binary digit after the point; further ones are too near to 1 to count.
  (local.set $bh (local.get $m))
  (local.set $bl (f64.const 0))
  (local.set $be (local.get $k))
  (local.set $steps (i32.const 120))
  (block $done (loop $next
    (br_if $done (f64.eq (local.get $rest) (f64.const 0)))
    (br_if $done (i32.eqz (local.get $steps)))
    (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
    (call $power.root (local.get $bh) (local.get $bl) (local.get $be))
    (local.set $be) (local.set $bl) (local.set $bh)
    (local.set $rest (f64.add (local.get $rest) (local.get $rest)))
    (if (f64.ge (local.get $rest) (local.get $q)) (then
      (local.set $rest (f64.sub (local.get $rest) (local.get $q)))
      (call $power.product (local.get $rh) (local.get $rl) (local.get $re)
                           (local.get $bh) (local.get $bl) (local.get $be))
      (local.set $re) (local.set $rl) (local.set $rh)))
    (br $next)))
  (if (f64.lt (local.get $y) (f64.const 0)) (then
    (local.set $rh (call $power.inverse (local.get $rh) (local.get $rl)))
    (local.set $re (f64.neg (local.get $re)))))
  ;; In two steps, each within the exponents that there are.
  (local.set $re (f64.max (f64.const -2000) (f64.min (f64.const 2000) (local.get $re))))
  (local.set $half (f64.floor (f64.mul (local.get $re) (f64.const 0.5))))
  (f64.mul (f64.mul (f64.mul (local.get $sign) (local.get $rh)) (call $power.two (local.get $half)))
           (call $power.two (f64.sub (local.get $re) (local.get $half)))))
;; a * b, and what rounding took from it (Dekker's product)
(func $power.exact (param $a f64) (param $b f64) (result f64 f64)
  (local $p f64) (local $t f64) (local $ah f64) (local $al f64) (local $bh f64) (local $bl f64)
  (local.set $p (f64.mul (local.get $a) (local.get $b)))
  (local.set $t (f64.mul (local.get $a) (f64.const 0x8000001)))
  (local.set $ah (f64.sub (local.get $t) (f64.sub (local.get $t) (local.get $a))))
  (local.set $al (f64.sub (local.get $a) (local.get $ah)))
  (local.set $t (f64.mul (local.get $b) (f64.const 0x8000001)))
  (local.set $bh (f64.sub (local.get $t) (f64.sub (local.get $t) (local.get $b))))
  (local.set $bl (f64.sub (local.get $b) (local.get $bh)))
  (local.get $p)
  (f64.add
    (f64.add
      (f64.add (f64.sub (f64.mul (local.get $ah) (local.get $bh)) (local.get $p))
               (f64.mul (local.get $ah) (local.get $bl)))
      (f64.mul (local.get $al) (local.get $bh)))
    (f64.mul (local.get $al) (local.get $bl))))
(func $power.product (param $ah f64) (param $al f64) (param $ae f64) (param $bh f64) (param $bl f64) (param $be f64)
  (result f64 f64 f64)
  (local $p f64) (local $e f64) (local $h f64) (local $l f64) (local $scale f64) (local $shift f64)
  (call $power.exact (local.get $ah) (local.get $bh))
  (local.set $e) (local.set $p)
  (local.set $e (f64.add (local.get $e)
    (f64.add (f64.mul (local.get $ah) (local.get $bl)) (f64.mul (local.get $al) (local.get $bh)))))
  (local.set $h (f64.add (local.get $p) (local.get $e)))
  (local.set $l (f64.sub (local.get $e) (f64.sub (local.get $h) (local.get $p))))
  (local.set $scale (f64.const 1))
  (if (f64.ge (local.get $h) (f64.const 2)) (then
    (local.set $scale (f64.const 0.5))
    (local.set $shift (f64.const 1))))
  (if (f64.lt (local.get $h) (f64.const 1)) (then
    (local.set $scale (f64.const 2))
    (local.set $shift (f64.const -1))))
  (f64.mul (local.get $h) (local.get $scale))
  (f64.mul (local.get $l) (local.get $scale))
  (f64.add (f64.add (local.get $ae) (local.get $be)) (local.get $shift)))
(func $power.root (param $h f64) (param $l f64) (param $e f64) (result f64 f64 f64)
  (local $s f64) (local $p f64) (local $lost f64) (local $c f64) (local $half f64)
  (local.set $half (f64.mul (local.get $e) (f64.const 0.5)))
  (if (f64.ne (f64.floor (local.get $half)) (local.get $half)) (then
    (local.set $h (f64.add (local.get $h) (local.get $h)))
    (local.set $l (f64.add (local.get $l) (local.get $l)))
    (local.set $half (f64.floor (local.get $half)))))
  (local.set $s (f64.sqrt (local.get $h)))
  (call $power.exact (local.get $s) (local.get $s))
  (local.set $lost) (local.set $p)
  ;; One step of Newton's method.
  (local.set $c (f64.div
    (f64.add (f64.sub (f64.sub (local.get $h) (local.get $p)) (local.get $lost)) (local.get $l))
    (f64.add (local.get $s) (local.get $s))))
  (local.tee $h (f64.add (local.get $s) (local.get $c)))
  (f64.sub (local.get $c) (f64.sub (local.get $h) (local.get $s)))
  (local.get $half))
;; 1 / (h + l), rounded
(func $power.inverse (param $h f64) (param $l f64) (result f64)
  (local $t f64) (local $p f64) (local $lost f64)
  (local.set $t (f64.div (f64.const 1) (local.get $h)))
  (call $power.exact (local.get $t) (local.get $h))
  (local.set $lost) (local.set $p)
  (f64.add (local.get $t) (f64.mul (local.get $t)
    (f64.sub (f64.sub (f64.sub (f64.const 1) (local.get $p)) (local.get $lost))
             (f64.mul (local.get $t) (local.get $l))))))
;; 2^k for whole k from -1022 to 1023
(func $power.two (param $k f64) (result f64)
  (f64.reinterpret_i64
    (i64.shl (i64.add (i64.trunc_f64_s (local.get $k)) (i64.const 1023)) (i64.const 52))))
