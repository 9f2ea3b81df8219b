//! Rows of weights times activations.

use super::formats::{self, Format, quantise};
use super::isa::{Activations, Isa, Plain};
use super::threads::for_each_piece;
use crate::loader::DType;
use crate::loader::planes::unpack;

/// A piece of a matrix: planes, and blocks of 32 columns a row.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a> {
    pub(super) dtype: DType,
    pub(super) quants: &'a [[u64; 2]],
    pub(super) scales: &'a [u32],
    pub(super) blocks: usize,
}

/// Rows handled by a core at a time.
const ROWS: usize = 32;

impl Planes<'_> {
    /// Whether the planes hold `rows` rows.
    pub(super) fn hold(&self, rows: usize) -> bool {
        let sizes = crate::loader::planes::plane_sizes(self.dtype, rows * self.blocks);
        16 * self.quants.len() >= sizes.quants && 4 * self.scales.len() >= sizes.scales
    }

    /// sums[r] = row r of W times x.
    pub(super) fn times(self, x: &[f32], sums: &mut [f32]) {
        match self.dtype {
            DType::F32 | DType::F16 | DType::BF16 => self.times_floats(x, sums),
            DType::Q4_0 => self.best::<formats::Q4_0>(x, sums),
            DType::Q4_1 => self.best::<formats::Q4_1>(x, sums),
            DType::Q5_0 => self.best::<formats::Q5_0>(x, sums),
            DType::Q5_1 => self.best::<formats::Q5_1>(x, sums),
            DType::Q8_0 => self.best::<formats::Q8_0>(x, sums),
            DType::Q4_K => self.best::<formats::Q4K>(x, sums),
            DType::Q5_K => self.best::<formats::Q5K>(x, sums),
            DType::Q6_K => self.best::<formats::Q6K>(x, sums),
        }
    }

    fn best<F: Format>(self, x: &[f32], sums: &mut [f32]) {
        let x = quantise(x, F::SIGNED);
        #[cfg(target_arch = "x86_64")]
        if let Some(isa) = super::isa::V3::try_new() {
            return self.times_quantised::<F, _>(isa, &x, sums);
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        return self.times_quantised::<F, _>(super::isa::Simd128, &x, sums);
        #[allow(unreachable_code, reason = "reached where there are no vectors")]
        self.times_quantised::<F, _>(Plain, &x, sums);
    }

    fn times_quantised<F: Format, S: Isa>(self, isa: S, x: &[Activations], sums: &mut [f32]) {
        for_each_piece(sums, ROWS, |i, sums| {
            isa.run(Rows::<F, S> { planes: self, isa, x, first: i * ROWS, sums, format: std::marker::PhantomData });
        });
    }

    fn times_floats(self, x: &[f32], sums: &mut [f32]) {
        for_each_piece(sums, ROWS, |i, sums| {
            pulp::Arch::new().dispatch(|| {
                for (r, sum) in sums.iter_mut().enumerate() {
                    let first = (i * ROWS + r) * self.blocks;
                    let mut lanes = [0f32; 32];
                    for (b, x) in x.chunks_exact(32).enumerate() {
                        let w = unpack(self.dtype, bytemuck::cast_slice(self.quants), self.scales, first + b);
                        for ((lane, w), x) in lanes.iter_mut().zip(&w).zip(x) {
                            *lane += w * x;
                        }
                    }
                    *sum = lanes.iter().sum();
                }
            });
        });
    }

    /// Row `row` as floats.
    pub(super) fn row(&self, row: usize, values: &mut [f32]) {
        match self.dtype {
            DType::F32 | DType::F16 | DType::BF16 => {
                for (b, values) in values.chunks_exact_mut(32).enumerate() {
                    let quants = bytemuck::cast_slice(self.quants);
                    values.copy_from_slice(&unpack(self.dtype, quants, self.scales, row * self.blocks + b));
                }
            }
            DType::Q4_0 => self.floats::<formats::Q4_0>(row, values),
            DType::Q4_1 => self.floats::<formats::Q4_1>(row, values),
            DType::Q5_0 => self.floats::<formats::Q5_0>(row, values),
            DType::Q5_1 => self.floats::<formats::Q5_1>(row, values),
            DType::Q8_0 => self.floats::<formats::Q8_0>(row, values),
            DType::Q4_K => self.floats::<formats::Q4K>(row, values),
            DType::Q5_K => self.floats::<formats::Q5K>(row, values),
            DType::Q6_K => self.floats::<formats::Q6K>(row, values),
        }
    }

    fn floats<F: Format>(&self, row: usize, values: &mut [f32]) {
        let work = Floats::<F> { planes: *self, row, values, format: std::marker::PhantomData };
        pulp::Arch::new().dispatch(work);
    }
}

/// A row of a quantised matrix, to be had as floats.
struct Floats<'a, F> {
    planes: Planes<'a>,
    row: usize,
    values: &'a mut [f32],
    format: std::marker::PhantomData<F>,
}

impl<F: Format> pulp::WithSimd for Floats<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<P: pulp::Simd>(self, _: P) {
        for (b, values) in self.values.chunks_exact_mut(32).enumerate() {
            F::floats(self.planes.quants, self.planes.scales, self.row * self.planes.blocks + b, values);
        }
    }
}

/// Some rows of a quantised matrix.
struct Rows<'a, F, S> {
    planes: Planes<'a>,
    isa: S,
    x: &'a [Activations],
    first: usize,
    sums: &'a mut [f32],
    format: std::marker::PhantomData<F>,
}

impl<F: Format, S: Isa> pulp::WithSimd for Rows<'_, F, S> {
    type Output = ();

    #[inline(always)]
    fn with_simd<P: pulp::Simd>(self, _: P) {
        let Self { planes, isa, x, first, sums, .. } = self;
        for (r, sum) in sums.iter_mut().enumerate() {
            let row = (first + r) * planes.blocks;
            let mut offset = 0.0;
            // Two chains of sums hide the latency of the additions.
            let (mut even, mut odd) = (isa.zero(), isa.zero());
            let mut pairs = x.chunks_exact(2);
            let mut block = row;
            for pair in &mut pairs {
                even = F::add(isa, even, &mut offset, &F::block(planes.quants, planes.scales, block), &pair[0]);
                odd = F::add(isa, odd, &mut offset, &F::block(planes.quants, planes.scales, block + 1), &pair[1]);
                block += 2;
            }
            for x in pairs.remainder() {
                even = F::add(isa, even, &mut offset, &F::block(planes.quants, planes.scales, block), x);
            }
            *sum = isa.total(even) + isa.total(odd) + offset;
        }
    }
}
