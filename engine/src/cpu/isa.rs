//! The few vector operations that products of quantised weights need, for each instruction set.
//!
//! Activations are 16-bit integers with a scale a block (far finer than the weights), so that one instruction multiplies and
//! adds pairs of 16-bit integers: `pmaddwd` on x86, `i32x4.dot_i16x8_s` in WebAssembly.

/// A block of 32 activations: x = scale * q.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct Activations {
    /// For nibble formats the 16 values of even place, then those of odd place; for Q8_0 in order.
    pub(super) q: [i16; 32],
    pub(super) scale: f32,
    /// Sums of the values of each half, which the formats' offsets multiply.
    pub(super) sums: [f32; 2],
}

/// An instruction set.
pub(super) trait Isa: Copy + Send + Sync {
    /// A vector of partial sums.
    type Sum: Copy;

    fn zero(self) -> Self::Sum;

    /// Adds `scale` times the products of 32 unsigned bytes, even and odd places apart.
    fn unsigned(self, sum: Self::Sum, even: [u64; 2], odd: [u64; 2], x: &Activations, scale: f32) -> Self::Sum;

    /// As [`Self::unsigned`], with a scale for each half of the block.
    fn halves(self, sum: Self::Sum, even: [u64; 2], odd: [u64; 2], x: &Activations, scales: [f32; 2]) -> Self::Sum;

    /// Adds `scale` times the products of 32 signed bytes in order.
    fn signed(self, sum: Self::Sum, low: [u64; 2], high: [u64; 2], x: &Activations, scale: f32) -> Self::Sum;

    fn total(self, sum: Self::Sum) -> f32;

    /// Runs work compiled for this instruction set.
    fn run<W: pulp::WithSimd>(self, work: W) -> W::Output;
}

/// Any machine.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Isa for Plain {
    type Sum = f32;

    fn zero(self) -> f32 {
        0.0
    }

    fn unsigned(self, sum: f32, even: [u64; 2], odd: [u64; 2], x: &Activations, scale: f32) -> f32 {
        self.halves(sum, even, odd, x, [scale; 2])
    }

    fn halves(self, sum: f32, even: [u64; 2], odd: [u64; 2], x: &Activations, scales: [f32; 2]) -> f32 {
        let even: [u8; 16] = bytemuck::cast(even);
        let odd: [u8; 16] = bytemuck::cast(odd);
        let mut dots = [0i32; 2];
        for (half, dot) in dots.iter_mut().enumerate() {
            for i in half * 8..half * 8 + 8 {
                *dot += i32::from(even[i]) * i32::from(x.q[i]) + i32::from(odd[i]) * i32::from(x.q[16 + i]);
            }
        }
        sum + scales[0] * dots[0] as f32 + scales[1] * dots[1] as f32
    }

    fn signed(self, sum: f32, low: [u64; 2], high: [u64; 2], x: &Activations, scale: f32) -> f32 {
        let q: [i8; 32] = bytemuck::cast([low, high]);
        let dot: i32 = q.iter().zip(&x.q).map(|(q, x)| i32::from(*q) * i32::from(*x)).sum();
        sum + scale * dot as f32
    }

    fn total(self, sum: f32) -> f32 {
        sum
    }

    fn run<W: pulp::WithSimd>(self, work: W) -> W::Output {
        pulp::Arch::new().dispatch(work)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use pulp::x86::V3;

#[cfg(target_arch = "x86_64")]
impl Isa for V3 {
    type Sum = std::arch::x86_64::__m256;

    #[inline(always)]
    fn zero(self) -> Self::Sum {
        self.avx._mm256_setzero_ps()
    }

    #[inline(always)]
    fn unsigned(self, sum: Self::Sum, even: [u64; 2], odd: [u64; 2], x: &Activations, scale: f32) -> Self::Sum {
        let products = self.products(even, odd, x);
        self.fma._mm256_fmadd_ps(self.avx._mm256_cvtepi32_ps(products), self.avx._mm256_set1_ps(scale), sum)
    }

    #[inline(always)]
    fn halves(self, sum: Self::Sum, even: [u64; 2], odd: [u64; 2], x: &Activations, [a, b]: [f32; 2]) -> Self::Sum {
        let products = self.products(even, odd, x);
        let scales = self.avx._mm256_setr_ps(a, a, a, a, b, b, b, b);
        self.fma._mm256_fmadd_ps(self.avx._mm256_cvtepi32_ps(products), scales, sum)
    }

    #[inline(always)]
    fn signed(self, sum: Self::Sum, low: [u64; 2], high: [u64; 2], x: &Activations, scale: f32) -> Self::Sum {
        let x: &[std::arch::x86_64::__m256i; 2] = bytemuck::cast_ref(&x.q);
        let low = self.avx2._mm256_madd_epi16(self.avx2._mm256_cvtepi8_epi16(bytemuck::cast(low)), x[0]);
        let high = self.avx2._mm256_madd_epi16(self.avx2._mm256_cvtepi8_epi16(bytemuck::cast(high)), x[1]);
        let products = self.avx2._mm256_add_epi32(low, high);
        self.fma._mm256_fmadd_ps(self.avx._mm256_cvtepi32_ps(products), self.avx._mm256_set1_ps(scale), sum)
    }

    #[inline(always)]
    fn total(self, sum: Self::Sum) -> f32 {
        let lanes: [f32; 8] = bytemuck::cast(sum);
        lanes.iter().sum()
    }

    #[inline(always)]
    fn run<W: pulp::WithSimd>(self, work: W) -> W::Output {
        pulp::Simd::vectorize(self, work)
    }
}

#[cfg(target_arch = "x86_64")]
trait Products {
    fn products(self, even: [u64; 2], odd: [u64; 2], x: &Activations) -> std::arch::x86_64::__m256i;
}

#[cfg(target_arch = "x86_64")]
impl Products for V3 {
    /// Sums of four products a lane: lanes 0 to 3 of the first half, 4 to 7 of the second.
    #[inline(always)]
    fn products(self, even: [u64; 2], odd: [u64; 2], x: &Activations) -> std::arch::x86_64::__m256i {
        let x: &[std::arch::x86_64::__m256i; 2] = bytemuck::cast_ref(&x.q);
        let even = self.avx2._mm256_madd_epi16(self.avx2._mm256_cvtepu8_epi16(bytemuck::cast(even)), x[0]);
        let odd = self.avx2._mm256_madd_epi16(self.avx2._mm256_cvtepu8_epi16(bytemuck::cast(odd)), x[1]);
        self.avx2._mm256_add_epi32(even, odd)
    }
}

/// WebAssembly with 128-bit vectors.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[derive(Clone, Copy)]
pub(super) struct Simd128;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm {
    use std::arch::wasm32::{
        f32x4_add, f32x4_convert_i32x4, f32x4_extract_lane, f32x4_mul, f32x4_splat, i16x8, i16x8_extend_high_i8x16,
        i16x8_extend_high_u8x16, i16x8_extend_low_i8x16, i16x8_extend_low_u8x16, i32x4_add, i32x4_dot_i16x8, u64x2,
        v128,
    };

    use super::{Activations, Isa, Simd128};

    #[inline(always)]
    fn load(q: &[i16; 32], i: usize) -> v128 {
        i16x8(q[i], q[i + 1], q[i + 2], q[i + 3], q[i + 4], q[i + 5], q[i + 6], q[i + 7])
    }

    /// Sums of four products a lane, of the first and of the second half.
    #[inline(always)]
    fn products(even: [u64; 2], odd: [u64; 2], x: &Activations) -> [v128; 2] {
        let (even, odd) = (u64x2(even[0], even[1]), u64x2(odd[0], odd[1]));
        let first = i32x4_add(
            i32x4_dot_i16x8(i16x8_extend_low_u8x16(even), load(&x.q, 0)),
            i32x4_dot_i16x8(i16x8_extend_low_u8x16(odd), load(&x.q, 16)),
        );
        let second = i32x4_add(
            i32x4_dot_i16x8(i16x8_extend_high_u8x16(even), load(&x.q, 8)),
            i32x4_dot_i16x8(i16x8_extend_high_u8x16(odd), load(&x.q, 24)),
        );
        [first, second]
    }

    #[inline(always)]
    fn scaled(sum: v128, products: v128, scale: f32) -> v128 {
        f32x4_add(sum, f32x4_mul(f32x4_convert_i32x4(products), f32x4_splat(scale)))
    }

    impl Isa for Simd128 {
        type Sum = v128;

        #[inline(always)]
        fn zero(self) -> v128 {
            f32x4_splat(0.0)
        }

        #[inline(always)]
        fn unsigned(self, sum: v128, even: [u64; 2], odd: [u64; 2], x: &Activations, scale: f32) -> v128 {
            let [first, second] = products(even, odd, x);
            scaled(sum, i32x4_add(first, second), scale)
        }

        #[inline(always)]
        fn halves(self, sum: v128, even: [u64; 2], odd: [u64; 2], x: &Activations, [a, b]: [f32; 2]) -> v128 {
            let [first, second] = products(even, odd, x);
            scaled(scaled(sum, first, a), second, b)
        }

        #[inline(always)]
        fn signed(self, sum: v128, low: [u64; 2], high: [u64; 2], x: &Activations, scale: f32) -> v128 {
            let (low, high) = (u64x2(low[0], low[1]), u64x2(high[0], high[1]));
            let a = i32x4_add(
                i32x4_dot_i16x8(i16x8_extend_low_i8x16(low), load(&x.q, 0)),
                i32x4_dot_i16x8(i16x8_extend_high_i8x16(low), load(&x.q, 8)),
            );
            let b = i32x4_add(
                i32x4_dot_i16x8(i16x8_extend_low_i8x16(high), load(&x.q, 16)),
                i32x4_dot_i16x8(i16x8_extend_high_i8x16(high), load(&x.q, 24)),
            );
            scaled(sum, i32x4_add(a, b), scale)
        }

        #[inline(always)]
        fn total(self, sum: v128) -> f32 {
            f32x4_extract_lane::<0>(sum)
                + f32x4_extract_lane::<1>(sum)
                + f32x4_extract_lane::<2>(sum)
                + f32x4_extract_lane::<3>(sum)
        }

        #[inline(always)]
        fn run<W: pulp::WithSimd>(self, work: W) -> W::Output {
            pulp::Arch::new().dispatch(work)
        }
    }
}
