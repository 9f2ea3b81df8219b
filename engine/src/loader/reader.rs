//! A forward reader over a source: small typed reads from chunks that grow, so a header of any size takes few requests.

use super::Source;
use crate::{Error, Result};

/// The first request is small: the head of most files is.
const FIRST_CHUNK: usize = 64 << 10;
/// Later requests grow up to this.
const LARGEST_CHUNK: usize = 4 << 20;

/// Reads a header front to back. Every length is checked against what the file can still hold.
pub(super) struct Reader<'a> {
    source: &'a Source,
    chunk: Vec<u8>,
    /// Next byte within `chunk`.
    at: usize,
    /// Position in the file of the byte after `chunk`.
    next: u64,
    step: usize,
    /// The reader refuses to go beyond this byte.
    limit: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source, limit: u64) -> Self {
        Self { source, chunk: Vec::new(), at: 0, next: 0, step: FIRST_CHUNK, limit: limit.min(source.len()) }
    }

    /// Position in the file of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.next - (self.chunk.len() - self.at) as u64
    }

    /// Bytes that may still be read.
    pub(super) fn left(&self) -> u64 {
        self.limit - self.position()
    }

    /// Refuses `len` more bytes of `what` when the file cannot hold them.
    pub(super) fn check(&self, len: u64, what: &str) -> Result<()> {
        if len <= self.left() {
            return Ok(());
        }
        Err(if self.limit < self.source.len() {
            Error::Format(format!("its header goes on beyond {} bytes, at {what}", self.limit))
        } else {
            Error::Format(format!(
                "it ends at byte {}, within {what}: the file is cut short or corrupt, so copy or download it again",
                self.source.len()
            ))
        })
    }

    /// The next `len` bytes.
    pub(super) async fn take(&mut self, len: usize, what: &str) -> Result<&[u8]> {
        if len > self.chunk.len() - self.at {
            self.check(len as u64, what)?;
            let kept = self.chunk.split_off(self.at);
            let missing = len - kept.len();
            let room = usize::try_from(self.source.len() - self.next).unwrap_or(usize::MAX);
            let more = self.source.read(self.next, self.step.max(missing).min(room)).await?;
            self.next += more.len() as u64;
            self.step = (self.step * 4).min(LARGEST_CHUNK);
            self.chunk = if kept.is_empty() { more } else { [kept, more].concat() };
            self.at = 0;
        }
        let bytes = &self.chunk[self.at..self.at + len];
        self.at += len;
        Ok(bytes)
    }

    /// Passes over `len` bytes without reading them.
    pub(super) fn skip(&mut self, len: u64, what: &str) -> Result<()> {
        self.check(len, what)?;
        let have = (self.chunk.len() - self.at) as u64;
        if len <= have {
            self.at += usize::try_from(len).unwrap_or(usize::MAX);
        } else {
            self.next += len - have;
            self.chunk.clear();
            self.at = 0;
        }
        Ok(())
    }

    async fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N, what).await?);
        Ok(bytes)
    }

    pub(super) async fn u8(&mut self, what: &str) -> Result<u8> {
        Ok(self.array::<1>(what).await?[0])
    }

    pub(super) async fn u16(&mut self, what: &str) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array(what).await?))
    }

    pub(super) async fn u32(&mut self, what: &str) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(what).await?))
    }

    pub(super) async fn u64(&mut self, what: &str) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(what).await?))
    }

    /// A string with a 64-bit length before it, of at most `most` bytes.
    pub(super) async fn string(&mut self, most: u64, what: &str) -> Result<String> {
        let len = self.u64(what).await?;
        self.check(len, what)?;
        if len > most {
            return Err(Error::Format(format!("{what} has {len} bytes, over the limit of {most}")));
        }
        let len = usize::try_from(len).map_err(|_| Error::Format(format!("{what} is too long")))?;
        let bytes = self.take(len, what).await?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Error::Format(format!("{what} is not UTF-8 text")))
    }
}
