//! Reading ahead in the browser: a file comes in blocks, the next of which is under way while this one is worked on, so that
//! many small tensors cost few round trips.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, Shared};

use crate::Result;

/// Bytes of a block.
const BLOCK: u64 = 4 << 20;
/// Blocks kept. Tensors that are read together lie near each other in most files.
const KEPT: usize = 6;

type Block = Shared<LocalBoxFuture<'static, Result<Rc<Vec<u8>>>>>;

/// The blocks of one file that are here or on their way, the latest used last.
#[derive(Default)]
pub(super) struct Ahead {
    blocks: RefCell<VecDeque<(u64, Block)>>,
}

impl std::fmt::Debug for Ahead {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} blocks", self.blocks.borrow().len())
    }
}

impl Ahead {
    /// Reads `len` bytes from `offset` on, of a file of `total`, which hold them. `fetch` gets a range of the file.
    ///
    /// # Errors
    /// Those of `fetch`.
    pub(super) async fn read<F>(
        &self,
        (offset, len, total): (u64, usize, u64),
        fetch: impl Fn(u64, usize) -> F,
    ) -> Result<Vec<u8>>
    where
        F: Future<Output = Result<Vec<u8>>> + 'static,
    {
        let end = offset + len as u64;
        let (first, last) = (offset / BLOCK, (end - 1) / BLOCK);
        let mut bytes = Vec::with_capacity(len);
        for number in first..=last {
            let block = self.block(number, total, &fetch);
            if (number + 1) * BLOCK < total {
                // It runs by itself; whoever reads it awaits it.
                drop(self.block(number + 1, total, &fetch));
            }
            let block = match block.await {
                Ok(block) => block,
                Err(why) => {
                    // The next try asks again.
                    self.blocks.borrow_mut().retain(|(other, _)| *other != number);
                    return Err(why);
                }
            };
            let begin = number * BLOCK;
            let (low, high) = (offset.max(begin) - begin, end.min(begin + BLOCK) - begin);
            // A short block shows as a short read.
            bytes.extend_from_slice(block.get(low as usize..high as usize).unwrap_or_default());
        }
        Ok(bytes)
    }

    /// A block, asked for if it is not kept.
    fn block<F>(&self, number: u64, total: u64, fetch: &impl Fn(u64, usize) -> F) -> Block
    where
        F: Future<Output = Result<Vec<u8>>> + 'static,
    {
        let mut blocks = self.blocks.borrow_mut();
        let block = match blocks.iter().position(|(other, _)| *other == number).and_then(|at| blocks.remove(at)) {
            Some((_, block)) => block,
            None => {
                let size = (total - number * BLOCK).min(BLOCK) as usize;
                let asked = fetch(number * BLOCK, size);
                let block = async move { asked.await.map(Rc::new) }.boxed_local().shared();
                let under_way = block.clone();
                wasm_bindgen_futures::spawn_local(async move {
                    // Whoever reads the block sees its error.
                    let _ = under_way.await;
                });
                block
            }
        };
        blocks.push_back((number, block.clone()));
        if blocks.len() > KEPT {
            blocks.pop_front();
        }
        block
    }
}
