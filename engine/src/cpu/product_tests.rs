use half::f16;

use super::*;

/// Numbers that look random, in -1 to 1.
struct Noise(u64);

impl Noise {
    fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    fn float(&mut self) -> f32 {
        self.word() as i32 as f32 / 2f32.powi(31)
    }

    fn half(&mut self) -> u32 {
        u32::from(f16::from_f32(self.float()).to_bits())
    }
}

/// Planes of random values; scales of ordinary size.
fn planes(dtype: DType, blocks32: usize, noise: &mut Noise) -> (Vec<u32>, Vec<u32>) {
    let sizes = plane_sizes(dtype, blocks32);
    let quants = (0..sizes.quants / 4)
        .map(|_| match dtype {
            DType::F32 => noise.float().to_bits(),
            DType::F16 => noise.half() | (noise.half() << 16),
            DType::BF16 => (noise.float().to_bits() >> 16) | (noise.float().to_bits() & 0xffff_0000),
            _ => noise.word(),
        })
        .collect();
    let period = scale_words(dtype).max(1);
    let scales = (0..sizes.scales / 4)
        .map(|i| match i % period {
            0 => noise.half() | (noise.half() << 16),
            _ => noise.word(),
        })
        .collect();
    (quants, scales)
}

/// The largest difference from sums in f64 over the values that `unpack` gives, as a share of the sum of magnitudes.
fn worst(
    dtype: DType,
    rows: usize,
    blocks: usize,
    tokens: usize,
    times: impl Fn(Planes<'_>, &[f32], &mut [f32]),
) -> f64 {
    let mut noise = Noise((rows * 1000 + blocks * 10 + tokens) as u64);
    let (quants, scales) = planes(dtype, rows * blocks, &mut noise);
    let x: Vec<f32> = (0..tokens * blocks * 32).map(|i| noise.float() * (1.0 + (i % 7) as f32)).collect();
    let planes = Planes { dtype, quants: &quants, scales: &scales, blocks };
    assert!(planes.hold(rows) && !planes.hold(rows + 8));
    let mut products = vec![f32::NAN; rows * tokens];
    times(planes, &x, &mut products);
    let mut worst = 0f64;
    for row in 0..rows {
        let w: Vec<f32> = (0..blocks).flat_map(|b| unpack(dtype, &quants, &scales, row * blocks + b)).collect();
        for token in 0..tokens {
            let terms = || w.iter().zip(&x[token * blocks * 32..]).map(|(w, x)| f64::from(*w) * f64::from(*x));
            let magnitude: f64 = terms().map(f64::abs).sum();
            let piece = row / ROWS;
            let count = ROWS.min(rows - piece * ROWS);
            let found = products[piece * ROWS * tokens + token * count + row % ROWS];
            worst = worst.max((f64::from(found) - terms().sum::<f64>()).abs() / magnitude);
            assert!(found.is_finite(), "{dtype:?} row {row} token {token}");
        }
    }
    worst
}

/// Rows, blocks a row and tokens: odd ones, more than one piece of rows, more than one chunk of blocks, partly full tiles.
fn shapes(dtype: DType) -> Vec<(usize, usize, usize)> {
    let group = if group_blocks(dtype) == 8 { 8 } else { 1 };
    let mut shapes = Vec::new();
    for (rows, blocks) in [(1, 1), (3, 2), (35, 3), (33, 5), (2, 41)] {
        shapes.extend([1, 2, 8, 11].map(|tokens| (rows, blocks * group, tokens)));
    }
    shapes
}

/// Activations have 15 bits: half a unit in the last place of a block's largest value, on values about a third of it; the
/// offsets of unsigned formats make the terms up to twice the weights' magnitude. Floats only round.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F32 | DType::F16 | DType::BF16 => 1e-6,
        _ => 6e-5,
    }
}

#[test]
fn products_are_those_of_the_definition() {
    for dtype in DType::ALL {
        for (rows, blocks, tokens) in shapes(dtype) {
            let error = worst(dtype, rows, blocks, tokens, |planes, x, products| planes.times(x, products));
            assert!(error <= tolerance(dtype), "{dtype:?} {rows} x {blocks} x {tokens}: {error:.1e}");
        }
    }
}

/// The way of one instruction set, whatever this machine would take.
fn on<L: Lanes>(lanes: L, planes: Planes<'_>, x: &[f32], products: &mut [f32]) {
    match planes.dtype {
        DType::Q4_0 => planes.with::<_, formats::Q4_0>(lanes, x, products),
        DType::Q4_1 => planes.with::<_, formats::Q4_1>(lanes, x, products),
        DType::Q5_0 => planes.with::<_, formats::Q5_0>(lanes, x, products),
        DType::Q5_1 => planes.with::<_, formats::Q5_1>(lanes, x, products),
        DType::Q8_0 => planes.with::<_, formats::Q8_0>(lanes, x, products),
        DType::Q4_K => planes.with::<_, formats::Q4_K>(lanes, x, products),
        DType::Q5_K => planes.with::<_, formats::Q5_K>(lanes, x, products),
        DType::Q6_K => planes.with::<_, formats::Q6_K>(lanes, x, products),
        DType::F32 | DType::F16 | DType::BF16 => planes.times(x, products),
    }
}

fn check<L: Lanes>(lanes: L) {
    for dtype in DType::ALL {
        for (rows, blocks, tokens) in shapes(dtype) {
            let error = worst(dtype, rows, blocks, tokens, |planes, x, products| on(lanes, planes, x, products));
            assert!(error <= tolerance(dtype), "{dtype:?} {rows} x {blocks} x {tokens}: {error:.1e}");
        }
    }
}

#[test]
fn products_of_all_vectors_are_the_same() {
    check(Portable);
    #[cfg(target_arch = "x86_64")]
    {
        V3::try_new().into_iter().for_each(check);
        V4::try_new().into_iter().for_each(check);
    }
}

#[test]
fn the_largest_values_do_not_overflow() {
    // All bits of the values set, and activations that are all at the end of their range.
    for dtype in DType::ALL.into_iter().filter(|dtype| group_blocks(*dtype) > 1 || scale_words(*dtype) > 0) {
        let mut noise = Noise(5);
        let (mut quants, scales) = planes(dtype, 8, &mut noise);
        quants.fill(if dtype == DType::Q8_0 { 0x8080_8080 } else { u32::MAX });
        let planes = Planes { dtype, quants: &quants, scales: &scales, blocks: 8 };
        let x = [3.5; 256];
        let mut found = [0.0];
        planes.times(&x, &mut found);
        let expected: f64 = (0..8).flat_map(|b| unpack(dtype, &quants, &scales, b)).map(|w| f64::from(w) * 3.5).sum();
        let magnitude: f64 =
            (0..8).flat_map(|b| unpack(dtype, &quants, &scales, b)).map(|w| f64::from(w.abs()) * 3.5).sum();
        assert!((f64::from(found[0]) - expected).abs() <= 1e-4 * magnitude, "{dtype:?}: {} {expected}", found[0]);
    }
}

#[test]
fn every_half_float_is_its_value() {
    for bits in 0..=u16::MAX {
        let (found, expected) = (formats::half_to_f32(bits), f16::from_bits(bits).to_f32());
        assert!(found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan(), "{bits:#x}");
    }
}
