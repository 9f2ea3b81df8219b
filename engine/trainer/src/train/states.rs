//! What the layers read of each question on a frozen base, on disk: the base runs once a question, however long layers are
//! trained.
//!
//! `states.f16` holds token after token, of each token tap after tap, [hidden] halves each, divided by their root mean square.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt as _;

use crate::{Error, Result};

/// Where a sequence's tokens lie among all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Tokens before them.
    pub first: u64,
    /// Tokens.
    pub count: usize,
}

/// How a tap's channels are standardised: less their mean, times their scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Standard {
    /// [hidden]
    pub mean: Vec<f32>,
    /// [hidden]
    pub scale: Vec<f32>,
}

impl Standard {
    /// That of taps which are left as they are.
    pub fn none(hidden: usize) -> Self {
        Self { mean: vec![0.0; hidden], scale: vec![1.0; hidden] }
    }
}

/// The states' files, one behind the other, read at random.
#[derive(Debug)]
pub struct States {
    parts: Vec<Part>,
    /// Taps in the files.
    taps: usize,
    /// Those of them that are read, by their places.
    read: Vec<usize>,
    hidden: usize,
    /// One a tap that is read.
    pub standards: Vec<Standard>,
    /// What standardised states are clamped to, either side of zero.
    bound: f32,
}

/// A file of states.
#[derive(Debug)]
struct Part {
    file: File,
    path: PathBuf,
    /// Tokens of those before it.
    first: u64,
}

impl States {
    /// Files of states of so many taps of this width, each with the tokens that its index tells of. Nothing is standardised yet.
    ///
    /// # Errors
    /// [`Error::File`] where one cannot be read.
    pub fn open(files: &[(PathBuf, u64)], taps: usize, hidden: usize, bound: f32) -> Result<Self> {
        let mut parts = Vec::new();
        let mut first = 0;
        for (path, tokens) in files {
            let file = File::open(path).map_err(|why| Error::file(path, why))?;
            parts.push(Part { file, path: path.clone(), first });
            first += tokens;
        }
        let standards = vec![Standard::none(hidden); taps];
        Ok(Self { parts, taps, read: (0..taps).collect(), hidden, standards, bound })
    }

    /// Reads only these of the taps, by their places.
    ///
    /// # Errors
    /// [`Error::Training`] for a place that is none.
    pub fn only(self, read: Vec<usize>) -> Result<Self> {
        if let Some(place) = read.iter().find(|place| **place >= self.taps) {
            return Err(Error::Training(format!("the states are of {} taps, and number {place} is wanted", self.taps)));
        }
        let standards = vec![Standard::none(self.hidden); read.len()];
        Ok(Self { read, standards, ..self })
    }

    /// The raw states [tokens, taps, hidden] of a sequence.
    fn raw(&self, stored: Stored) -> Result<Vec<f32>> {
        let width = self.taps * self.hidden;
        let mut bytes = vec![0; 2 * stored.count * width];
        let part = self.parts.iter().rev().find(|part| part.first <= stored.first);
        let Some(part) = part else { return Err(Error::Training("there are no states".into())) };
        let at = 2 * (stored.first - part.first) * width as u64;
        part.file.read_exact_at(&mut bytes, at).map_err(|why| Error::file(&part.path, why))?;
        Ok(bytes.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32()).collect())
    }

    /// A sequence's standardised states, [tokens, hidden] a tap.
    ///
    /// # Errors
    /// [`Error::File`] where the file ends before them.
    pub fn read(&self, stored: Stored) -> Result<Vec<Vec<f32>>> {
        let raw = self.raw(stored)?;
        let mut all = vec![Vec::with_capacity(stored.count * self.hidden); self.read.len()];
        for token in raw.chunks_exact(self.taps * self.hidden) {
            for ((values, place), Standard { mean, scale }) in all.iter_mut().zip(&self.read).zip(&self.standards) {
                let row = &token[place * self.hidden..(place + 1) * self.hidden];
                let moved = row.iter().zip(mean).zip(scale).map(|((value, mean), scale)| (value - mean) * scale);
                values.extend(moved.map(|value| value.clamp(-self.bound, self.bound)));
            }
        }
        Ok(all)
    }

    /// Finds each channel's mean and scale over some sequences.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn standardise(&mut self, sequences: impl Iterator<Item = Stored>) -> Result<()> {
        let width = self.taps * self.hidden;
        let (mut sums, mut squares, mut count) = (vec![0f64; width], vec![0f64; width], 0u64);
        for stored in sequences {
            for token in self.raw(stored)?.chunks_exact(width) {
                count += 1;
                for ((value, sum), square) in token.iter().zip(&mut sums).zip(&mut squares) {
                    *sum += f64::from(*value);
                    *square += f64::from(*value).powi(2);
                }
            }
        }
        let count = count.max(1) as f64;
        for (place, standard) in self.read.iter().zip(&mut self.standards) {
            for channel in 0..self.hidden {
                let at = place * self.hidden + channel;
                let mean = sums[at] / count;
                let deviation = (squares[at] / count - mean * mean).max(0.0).sqrt();
                standard.mean[channel] = mean as f32;
                // A channel that never moves says nothing, and must not be blown up where it does at last.
                standard.scale[channel] = if deviation < 1e-4 { 1.0 } else { deviation.recip() as f32 };
            }
        }
        Ok(())
    }
}

/// Adds states to a file.
#[derive(Debug)]
pub struct StatesWriter {
    file: File,
    path: PathBuf,
    hidden: usize,
    tokens: u64,
}

impl StatesWriter {
    /// Goes on with a file behind its first `tokens` tokens; what lies behind them, from a run that was cut off, goes.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written, or is shorter.
    pub fn open(path: &Path, (taps, hidden): (usize, usize), tokens: u64) -> Result<Self> {
        let fail = |why| Error::file(path, why);
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(fail)?;
        let length = 2 * tokens * (taps * hidden) as u64;
        let found = file.metadata().map_err(fail)?.len();
        if found < length {
            return Err(Error::Training(format!(
                "{} has {found} bytes and its index tells of {length}; remove both and begin again",
                path.display()
            )));
        }
        file.set_len(length).map_err(fail)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(fail)?;
        Ok(Self { file, path: path.to_owned(), hidden, tokens })
    }

    /// Adds a sequence's residual streams, [tokens, hidden] a tap, as they come from the base.
    ///
    /// # Errors
    /// [`Error::File`] where they cannot be written, as on a full disk.
    pub fn add(&mut self, taps: &[Vec<f32>], eps: f32) -> Result<Stored> {
        let count = taps.first().map_or(0, |tap| tap.len() / self.hidden);
        let mut values = Vec::with_capacity(count * taps.len() * self.hidden);
        for token in 0..count {
            for tap in taps {
                let row = &tap[token * self.hidden..(token + 1) * self.hidden];
                let square = row.iter().map(|value| value * value).sum::<f32>() / self.hidden as f32;
                let scale = (square + eps).sqrt().recip();
                values.extend(row.iter().map(|value| f16::from_f32(value * scale)));
            }
        }
        let words: &[u16] = values.as_slice().reinterpret_cast();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.file.write_all(&bytes).map_err(|why| Error::file(&self.path, why))?;
        let stored = Stored { first: self.tokens, count };
        self.tokens += count as u64;
        Ok(stored)
    }

    /// Makes sure that all that was added is on disk.
    ///
    /// # Errors
    /// [`Error::File`] where it is not.
    pub fn flush(&mut self) -> Result<()> {
        self.file.sync_data().map_err(|why| Error::file(&self.path, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(seed: f32) -> Vec<Vec<f32>> {
        // Three tokens of two taps of width 4.
        (0..2).map(|tap| (0..12).map(|at| seed + (at as f32) * 0.5 - tap as f32 * 3.0).collect()).collect()
    }

    #[test]
    fn states_come_back_divided_by_their_root_mean_square() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("states.f16");
        let mut writer = StatesWriter::open(&path, (2, 4), 0).unwrap();
        assert_eq!(writer.add(&streams(1.0), 0.0).unwrap(), Stored { first: 0, count: 3 });
        let second = writer.add(&streams(9.0), 0.0).unwrap();
        assert_eq!(second, Stored { first: 3, count: 3 });
        // A run that was cut off behind its index: what the index does not know goes.
        writer.add(&streams(5.0), 0.0).unwrap();
        let mut writer = StatesWriter::open(&path, (2, 4), 6).unwrap();
        let third = writer.add(&streams(2.0), 0.0).unwrap();
        assert_eq!(third.first, 6);
        assert!(StatesWriter::open(&path, (2, 4), 10).is_err());

        let mut states = States::open(&[(path.clone(), 9)], 2, 4, 100.0).unwrap();
        let found = states.read(second).unwrap();
        for (found, stream) in found.iter().zip(streams(9.0)) {
            for (found, row) in found.chunks_exact(4).zip(stream.chunks_exact(4)) {
                let rms = (row.iter().map(|value| value * value).sum::<f32>() / 4.0).sqrt();
                for (found, value) in found.iter().zip(row) {
                    assert!((found - value / rms).abs() < 1e-3, "{found} where {value} / {rms} is right");
                }
            }
        }
        let behind = Stored { first: 9, count: 1 };
        assert!(states.read(behind).is_err());

        // A second file lies behind the first.
        let other = folder.path().join("other.f16");
        StatesWriter::open(&other, (2, 4), 0).unwrap().add(&streams(4.0), 0.0).unwrap();
        let both = States::open(&[(path.clone(), 9), (other, 3)], 2, 4, 100.0).unwrap();
        let alone = States::open(&[(folder.path().join("other.f16"), 3)], 2, 4, 100.0).unwrap();
        let (inner, outer) = (Stored { first: 0, count: 3 }, Stored { first: 9, count: 3 });
        assert_eq!(both.read(outer).unwrap(), alone.read(inner).unwrap());
        assert_eq!(both.read(second).unwrap(), states.read(second).unwrap());

        // One tap of two.
        let second_tap = States::open(&[(path.clone(), 9)], 2, 4, 100.0).unwrap().only(vec![1]).unwrap();
        assert_eq!(second_tap.read(second).unwrap(), states.read(second).unwrap()[1..]);
        assert!(second_tap.only(vec![2]).is_err());

        // Standardised, every channel of what was looked at has mean 0 and deviation 1.
        let all = [Stored { first: 0, count: 9 }];
        states.standardise(all.into_iter()).unwrap();
        for tap in states.read(all[0]).unwrap() {
            for channel in 0..4 {
                let column: Vec<f32> = tap.iter().skip(channel).step_by(4).copied().collect();
                let mean = column.iter().sum::<f32>() / 9.0;
                let square = column.iter().map(|value| value * value).sum::<f32>() / 9.0;
                assert!(mean.abs() < 1e-3 && (square - 1.0).abs() < 1e-2, "{mean} {square}");
            }
        }
    }
}
