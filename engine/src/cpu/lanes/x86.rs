//! x86 with AVX2 and FMA.

use std::arch::x86_64::{__m128, __m128i, __m256, __m256i};
use std::array::from_fn;

use pulp::x86::V3;

use super::Lanes;

impl Lanes for V3 {
    const BLOCKS: usize = 2;
    type Word = [u32; 8];
    type Scales = [[f32; 4]; 2];
    type Fifths = [u32; 2];
    type Pairs = [u32; 4];
    type Single = [f32; 2];
    type Double = [f32; 4];
    type Ordered = [[i16; 16]; 2];
    type Bytes = [__m256i; 2];
    type Ints = __m256i;
    type Sums = __m256i;
    type Floats = __m256;

    #[inline(always)]
    fn ints(self, word: &[u32; 8]) -> __m256i {
        bytemuck::cast(*word)
    }

    #[inline(always)]
    fn floats(self, scales: &[[f32; 4]; 2]) -> __m256 {
        bytemuck::cast(*scales)
    }

    #[inline(always)]
    fn store(self, values: __m256) -> [[f32; 4]; 2] {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        self.avx._mm256_set1_ps(value)
    }

    #[inline(always)]
    fn spread(self, values: &[f32; 2]) -> __m256 {
        let both: f64 = bytemuck::cast(*values);
        let both = self.avx._mm256_castpd_ps(self.avx._mm256_set1_pd(both));
        self.avx._mm256_permutevar_ps(both, self.avx._mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1))
    }

    #[inline(always)]
    fn spread_halves(self, values: &[f32; 4]) -> __m256 {
        let all: __m256 = bytemuck::cast([*values, *values]);
        self.avx._mm256_permutevar_ps(all, self.avx._mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3))
    }

    #[inline(always)]
    fn and<const MASK: u16>(self, a: __m256i) -> __m256i {
        self.avx2._mm256_and_si256(a, self.avx._mm256_set1_epi16(MASK as i16))
    }

    #[inline(always)]
    fn or(self, a: __m256i, b: __m256i) -> __m256i {
        self.avx2._mm256_or_si256(a, b)
    }

    #[inline(always)]
    fn left<const N: u32>(self, a: __m256i) -> __m256i {
        let lanes: [u16; 16] = bytemuck::cast(a);
        bytemuck::cast(lanes.map(|lane| lane << N))
    }

    #[inline(always)]
    fn right<const N: u32>(self, a: __m256i) -> __m256i {
        let lanes: [u16; 16] = bytemuck::cast(a);
        bytemuck::cast(lanes.map(|lane| lane >> N))
    }

    #[inline(always)]
    fn fifths(self, words: &[u32; 2]) -> __m256i {
        let both: u64 = bytemuck::cast(*words);
        let both = self.avx._mm256_set1_epi64x(both as i64);
        // Each lane gets the half of its block's word that holds its four bits; the product moves them up.
        let places = self.avx._mm256_setr_epi8(
            0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3, 4, 5, 4, 5, 4, 5, 4, 5, 6, 7, 6, 7, 6, 7, 6, 7,
        );
        let factors = self.avx._mm256_set1_epi64x(0x0001_0010_0100_1000);
        self.avx2._mm256_mullo_epi16(self.avx2._mm256_shuffle_epi8(both, places), factors)
    }

    #[inline(always)]
    fn pairs(self, words: &[u32; 4]) -> __m256i {
        let bytes: __m128i = bytemuck::cast(*words);
        self.avx2._mm256_cvtepu8_epi16(bytes)
    }

    #[inline(always)]
    fn dot(self, a: __m256i, b: __m256i) -> __m256i {
        self.avx2._mm256_madd_epi16(a, b)
    }

    #[inline(always)]
    fn add(self, a: __m256i, b: __m256i) -> __m256i {
        self.avx2._mm256_add_epi32(a, b)
    }

    #[inline(always)]
    fn bytes(self, words: &[u32; 8]) -> [__m256i; 2] {
        let halves: [__m128i; 2] = bytemuck::cast(*words);
        [self.avx2._mm256_cvtepi8_epi16(halves[0]), self.avx2._mm256_cvtepi8_epi16(halves[1])]
    }

    #[inline(always)]
    fn dot_bytes(self, a: [__m256i; 2], b: &[[i16; 16]; 2]) -> __m256i {
        self.add(self.dot(a[0], bytemuck::cast(b[0])), self.dot(a[1], bytemuck::cast(b[1])))
    }

    #[inline(always)]
    fn to_floats(self, sums: __m256i) -> __m256 {
        self.avx._mm256_cvtepi32_ps(sums)
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        self.avx._mm256_mul_ps(a, b)
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        self.fma._mm256_fmadd_ps(a, b, c)
    }

    #[inline(always)]
    fn total(self, a: __m256) -> f32 {
        let halves: [__m128; 2] = bytemuck::cast(a);
        let four: [f32; 4] = bytemuck::cast(self.sse._mm_add_ps(halves[0], halves[1]));
        (four[0] + four[2]) + (four[1] + four[3])
    }

    #[inline(always)]
    fn six_bits(self, low: u32, top: u32) -> [f32; 8] {
        from_fn(|i| (((low >> (4 * i)) & 15) | (((top >> (2 * i)) & 3) << 4)) as i32 as f32)
    }

    #[inline(always)]
    fn signed_bytes(self, words: [u32; 2]) -> [f32; 8] {
        let bytes: __m128i = bytemuck::cast([words[0], words[1], 0, 0]);
        bytemuck::cast(self.avx._mm256_cvtepi32_ps(self.avx2._mm256_cvtepi8_epi32(bytes)))
    }

    #[inline(always)]
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        self.vectorize(work)
    }
}
