//! Gradients of several batches at once, a thread each.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Batch;
use super::losses::{Lesson, PARTS, losses};
use super::run::{Nets, Shapes};
use crate::model::Dropout;
use crate::{Error, Result};

/// A step's threads. Each has a pool of its own, in which the backend finds no other to share a product with: in nets as small as
/// these two batches side by side are quicker than two threads on one.
pub(super) struct Workers(Vec<ThreadPool>);

/// Losses of a step: the layers', the gates', the base's where a batch has answers, and that of taps of other layers where they are read.
pub(super) type Parts = [Option<f32>; PARTS];

impl Workers {
    pub(super) fn new(count: usize) -> Result<Self> {
        let pool = |_| ThreadPoolBuilder::new().num_threads(1).build();
        let pools: Result<Vec<_>, _> = (0..count.max(1)).map(pool).collect();
        Ok(Self(pools.map_err(|why| Error::Training(format!("no thread could be started: {why}")))?))
    }

    /// The mean of the batches' gradients, at most one a worker, and of their losses. The sum is always taken in the same order.
    pub(super) fn gradients(
        &self,
        nets: &Nets,
        shapes: Shapes<'_>,
        batches: &[Batch],
        lesson: impl Fn(usize) -> Lesson + Sync,
        dropout: impl Fn(usize, usize) -> Option<Dropout> + Sync,
    ) -> (GradientsParams, Parts) {
        let device = Device::flex().autodiff();
        // A fork has a graph of its own, so that no thread waits for another's.
        let forks: Vec<Nets> = batches.iter().map(|_| nets.clone().fork(&device)).collect();
        let one = |nets: &Nets, batch: &Batch, number: usize| {
            let (loss, parts) = losses(nets, shapes, batch, lesson(number), |layer| dropout(number, layer));
            (GradientsParams::from_grads(loss.backward(), nets), parts)
        };
        let mut found: Vec<Option<(GradientsParams, [f32; PARTS])>> = batches.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            let all = self.0.iter().zip(&forks).zip(batches).zip(&mut found);
            for (number, (((pool, nets), batch), slot)) in all.enumerate() {
                let one = &one;
                scope.spawn(move || *slot = Some(pool.install(|| one(nets, batch, number))));
            }
        });
        let mut gradients = GradientsParams::new();
        let mut sums = [(0.0, 0usize); PARTS];
        for (number, ((mut more, parts), batch)) in found.into_iter().flatten().zip(batches).enumerate() {
            nets.visit(&mut Add { sum: &mut gradients, more: &mut more, share: 1.0 / batches.len() as f64 });
            let counts = [true, true, batch.next.is_some(), lesson(number).foreign.is_some()];
            for ((sum, part), counts) in sums.iter_mut().zip(parts).zip(counts) {
                *sum = if counts { (sum.0 + part, sum.1 + 1) } else { *sum };
            }
        }
        (gradients, sums.map(|(sum, count)| (count > 0).then(|| sum / count as f32)))
    }
}

/// Adds a share of gradients to a sum; what a batch does not touch has none.
struct Add<'a> {
    sum: &'a mut GradientsParams,
    more: &'a mut GradientsParams,
    share: f64,
}

impl ModuleVisitor for Add<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(more) = self.more.remove::<D>(param.id) else { return };
        let more = more * self.share;
        let sum = match self.sum.remove::<D>(param.id) {
            Some(sum) => sum + more,
            None => more,
        };
        self.sum.register(param.id, sum);
    }
}
