//! Work over pieces of an output: on all cores natively, in turn in the browser.

/// Calls `work` with each piece of `count` values and its number.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn for_each_piece<T: Send>(values: &mut [T], count: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    use rayon::prelude::*;
    values.par_chunks_mut(count.max(1)).enumerate().for_each(|(i, piece)| work(i, piece));
}

/// Calls `work` with each piece of `count` values and its number.
#[cfg(target_arch = "wasm32")]
pub(super) fn for_each_piece<T: Send>(values: &mut [T], count: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    values.chunks_mut(count.max(1)).enumerate().for_each(|(i, piece)| work(i, piece));
}

/// Runs work that calls [`for_each_piece`] many times: one of the threads stays in charge, so that none must be woken to begin.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn on_a_worker<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// Runs work that calls [`for_each_piece`] many times.
#[cfg(target_arch = "wasm32")]
pub(super) fn on_a_worker<R>(work: impl FnOnce() -> R) -> R {
    work()
}
