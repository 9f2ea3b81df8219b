//! x86 with AVX-512 (F, BW, CD, DQ and VL).

use std::arch::x86_64::{__m256, __m256i, __m512, __m512i};

use pulp::x86::V4;

use super::Lanes;

impl Lanes for V4 {
    const BLOCKS: usize = 4;
    type Word = [u32; 16];
    type Scales = [[f32; 4]; 4];
    type Fifths = [u32; 4];
    type Pairs = [u32; 8];
    type Single = [f32; 4];
    type Double = [f32; 8];
    type Ordered = [[i16; 32]; 1];
    type Bytes = __m512i;
    type Ints = __m512i;
    type Sums = __m512i;
    type Floats = __m512;

    #[inline(always)]
    fn ints(self, word: &[u32; 16]) -> __m512i {
        bytemuck::cast(*word)
    }

    #[inline(always)]
    fn floats(self, scales: &[[f32; 4]; 4]) -> __m512 {
        bytemuck::cast(*scales)
    }

    #[inline(always)]
    fn store(self, values: __m512) -> [[f32; 4]; 4] {
        bytemuck::cast(values)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        self.avx512f._mm512_set1_ps(value)
    }

    #[inline(always)]
    fn spread(self, values: &[f32; 4]) -> __m512 {
        let places = self.avx512f._mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
        self.avx512f._mm512_permutevar_ps(bytemuck::cast([*values; 4]), places)
    }

    #[inline(always)]
    fn spread_halves(self, values: &[f32; 8]) -> __m512 {
        let places = self.avx512f._mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
        self.avx512f._mm512_permutexvar_ps(places, bytemuck::cast([*values; 2]))
    }

    #[inline(always)]
    fn and<const MASK: u16>(self, a: __m512i) -> __m512i {
        self.avx512f._mm512_and_si512(a, self.avx512f._mm512_set1_epi16(MASK as i16))
    }

    #[inline(always)]
    fn or(self, a: __m512i, b: __m512i) -> __m512i {
        self.avx512f._mm512_or_si512(a, b)
    }

    #[inline(always)]
    fn left<const N: u32>(self, a: __m512i) -> __m512i {
        self.avx512bw._mm512_slli_epi16::<N>(a)
    }

    #[inline(always)]
    fn right<const N: u32>(self, a: __m512i) -> __m512i {
        self.avx512bw._mm512_srli_epi16::<N>(a)
    }

    #[inline(always)]
    fn fifths(self, words: &[u32; 4]) -> __m512i {
        // Each lane gets the half of its block's word that holds its four bits; the product moves them up.
        const LOW: u64 = 0x0100_0100_0100_0100;
        const HALF: u64 = 0x0202_0202_0202_0202;
        const WORD: u64 = 0x0404_0404_0404_0404;
        let places: [u64; 8] = std::array::from_fn(|i| LOW + (i as u64 % 2) * HALF + (i as u64 / 2) * WORD);
        let factors = self.avx512f._mm512_set1_epi64(0x0001_0010_0100_1000);
        let halves = self.avx512bw._mm512_shuffle_epi8(bytemuck::cast([*words; 4]), bytemuck::cast(places));
        self.avx512bw._mm512_mullo_epi16(halves, factors)
    }

    #[inline(always)]
    fn pairs(self, words: &[u32; 8]) -> __m512i {
        self.avx512bw._mm512_cvtepu8_epi16(bytemuck::cast(*words))
    }

    #[inline(always)]
    fn dot(self, a: __m512i, b: __m512i) -> __m512i {
        self.avx512bw._mm512_madd_epi16(a, b)
    }

    #[inline(always)]
    fn add(self, a: __m512i, b: __m512i) -> __m512i {
        self.avx512f._mm512_add_epi32(a, b)
    }

    #[inline(always)]
    fn bytes(self, words: &[u32; 8]) -> __m512i {
        let bytes: __m256i = bytemuck::cast(*words);
        self.avx512bw._mm512_cvtepi8_epi16(bytes)
    }

    #[inline(always)]
    fn dot_bytes(self, a: __m512i, b: &[[i16; 32]; 1]) -> __m512i {
        self.dot(a, bytemuck::cast(*b))
    }

    #[inline(always)]
    fn to_floats(self, sums: __m512i) -> __m512 {
        self.avx512f._mm512_cvtepi32_ps(sums)
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        self.avx512f._mm512_mul_ps(a, b)
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        self.avx512f._mm512_fmadd_ps(a, b, c)
    }

    #[inline(always)]
    fn total(self, a: __m512) -> f32 {
        let halves: [__m256; 2] = bytemuck::cast(a);
        Lanes::total(*self, self.avx._mm256_add_ps(halves[0], halves[1]))
    }

    #[inline(always)]
    fn six_bits(self, low: u32, top: u32) -> [f32; 8] {
        Lanes::six_bits(*self, low, top)
    }

    #[inline(always)]
    fn signed_bytes(self, words: [u32; 2]) -> [f32; 8] {
        Lanes::signed_bytes(*self, words)
    }

    #[inline(always)]
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        self.vectorize(work)
    }
}
