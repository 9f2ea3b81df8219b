//! Where a run's rows stand in the cache: one behind the other, or in branches that share what is before them.

use super::memory::part;
use crate::Result;

/// The places of a run's rows.
pub(super) struct Branches<'a> {
    /// Place of the first row.
    pub(super) first: usize,
    /// Places that all branches share; 0 where there are no branches.
    pub(super) shared: usize,
    /// Where each row's branch begins.
    starts: &'a [u32],
}

impl<'a> Branches<'a> {
    /// Reads them from the state words.
    pub(super) fn read(state: &'a [u32], rows: usize) -> Result<Self> {
        let words = part(state, 0, 8)?;
        let shared = words[7] as usize;
        let starts = if shared > 0 { part(state, 8 + words[1] as usize, rows)? } else { &[] };
        Ok(Self { first: words[0] as usize, shared, starts })
    }

    /// Where a row's branch begins: 0 where there are none.
    pub(super) fn start(&self, row: usize) -> usize {
        self.starts.get(row).map_or(0, |start| *start as usize)
    }

    /// A row's position in its text.
    pub(super) fn position(&self, row: usize) -> usize {
        // A place before its own branch is nonsense, which reads past the table and is refused there.
        (self.shared + self.first + row).wrapping_sub(self.start(row))
    }
}
