//! Which questions a folder of states is of, a line of JSON each, in the order of their states.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::sequence::Sequence;
use super::states::Stored;
use crate::{Error, Result};

/// What the states were made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The base's fingerprint.
    pub base: String,
    /// Width of its residual stream.
    pub hidden: usize,
    /// The decoder layers whose states are kept, from 0.
    pub taps: Vec<usize>,
    /// The constants that the programs' outputs count.
    pub constants: Vec<f64>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The set that it measures; none for one to train on.
    pub held: Option<String>,
    /// Tells its example from others.
    pub hash: u64,
    /// Tokens that the layers read; 0 where they cannot.
    pub tokens: usize,
    /// As [`Sequence::lasts`].
    pub lasts: Vec<usize>,
    /// As [`Sequence::pointers`].
    pub pointers: Vec<usize>,
    /// As [`Sequence::program`].
    pub program: Option<Vec<usize>>,
}

/// The index of a folder.
#[derive(Debug)]
pub struct Index {
    /// What the states were made with.
    pub head: Head,
    /// The questions.
    pub lines: Vec<Line>,
    file: File,
    path: PathBuf,
    waiting: String,
}

impl Index {
    /// The index at `path`, to go on with; a new one with this head where there is none. A last line that was cut off goes.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be used, [`Error::Training`] for one of another head.
    pub fn open(path: &Path, head: &Head) -> Result<Self> {
        if !path.exists() {
            let mut text = serde_json::to_string(head).map_err(|why| broken(path, why))?;
            text.push('\n');
            std::fs::write(path, text).map_err(|why| Error::file(path, why))?;
        }
        let index = Self::read(path)?;
        if index.head != *head {
            return Err(Error::Training(format!(
                "{} is of the base {} and its layers {:?}; give another folder",
                path.display(),
                index.head.base,
                index.head.taps
            )));
        }
        Ok(index)
    }

    /// The index at `path`.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be read, [`Error::Training`] where it is none.
    pub fn read(path: &Path) -> Result<Self> {
        let fail = |why| Error::file(path, why);
        let text = std::fs::read_to_string(path).map_err(fail)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines();
        let head = serde_json::from_str(lines.next().unwrap_or_default()).map_err(|why| broken(path, why))?;
        let lines = lines.map(serde_json::from_str).collect::<Result<_, _>>().map_err(|why| broken(path, why))?;
        let mut file = File::options().read(true).write(true).open(path).map_err(fail)?;
        file.set_len(whole as u64).map_err(fail)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(fail)?;
        Ok(Self { head, lines, file, path: path.to_owned(), waiting: String::new() })
    }

    /// Tokens of all questions.
    pub fn tokens(&self) -> u64 {
        self.lines.iter().map(|line| line.tokens as u64).sum()
    }

    /// Adds a question, for [`Self::flush`] to write.
    ///
    /// # Errors
    /// None that can be met: a line is always JSON.
    pub fn add(&mut self, line: Line) -> Result<()> {
        self.waiting += &serde_json::to_string(&line).map_err(|why| broken(&self.path, why))?;
        self.waiting.push('\n');
        self.lines.push(line);
        Ok(())
    }

    /// Writes what was added. States go first: a line without its states would be believed.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        let written = self.file.write_all(self.waiting.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|why| Error::file(&self.path, why))?;
        self.waiting.clear();
        Ok(())
    }

    /// The questions that the layers can read, as sequences of states stored behind `first` tokens, each with the set that it
    /// measures. Those that measure are told to `measured`, by set and hash: of several folders with the same ones each counts once.
    pub fn sequences(&self, mut first: u64, measured: &mut HashSet<(String, u64)>) -> Vec<(Option<&str>, Sequence)> {
        let mut all = Vec::new();
        for line in self.lines.iter().filter(|line| line.tokens > 0) {
            let sequence = Sequence {
                prompt: Vec::new(),
                answer: Vec::new(),
                own: Vec::new(),
                rows: (0..line.tokens).collect(),
                lasts: line.lasts.clone(),
                pointers: line.pointers.clone(),
                program: line.program.clone(),
                stored: Some(Stored { first, count: line.tokens }),
            };
            first += line.tokens as u64;
            let new = line.held.as_ref().is_none_or(|set| measured.insert((set.clone(), line.hash)));
            all.extend(new.then_some((line.held.as_deref(), sequence)));
        }
        all
    }
}

fn broken(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::Training(format!("{}: {why}; remove the folder and begin again", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(hash: u64, tokens: usize) -> Line {
        let held = (hash == 1).then(|| "MAWPS".to_owned());
        Line { held, hash, tokens, lasts: vec![1], pointers: vec![0], program: Some(vec![60]) }
    }

    #[test]
    fn an_index_goes_on_where_it_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.jsonl");
        let head = Head { base: "b".into(), hidden: 4, taps: vec![3, 7], constants: vec![0.5] };
        let mut index = Index::open(&path, &head).unwrap();
        for (hash, tokens) in [(0, 3), (1, 0), (2, 5)] {
            index.add(line(hash, tokens)).unwrap();
        }
        index.flush().unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "{\"held\":nu").unwrap();
        let mut index = Index::open(&path, &head).unwrap();
        assert_eq!((index.lines.len(), index.tokens()), (3, 8));
        index.add(line(1, 2)).unwrap();
        index.flush().unwrap();
        let index = Index::read(&path).unwrap();
        let mut measured = HashSet::new();
        let sequences = index.sequences(0, &mut measured);
        let places: Vec<_> = sequences.iter().map(|(_, s)| s.stored.unwrap()).collect();
        let stored = |first, count| Stored { first, count };
        assert_eq!(places, [stored(0, 3), stored(3, 5), stored(8, 2)]);
        assert_eq!(sequences.iter().map(|(held, _)| *held).collect::<Vec<_>>(), [None, None, Some("MAWPS")]);
        // A second folder with the same questions: what measures is not counted again.
        let again = index.sequences(10, &mut measured);
        assert_eq!(again.iter().map(|(_, s)| s.stored.unwrap()).collect::<Vec<_>>(), [stored(10, 3), stored(13, 5)]);
        // Its states are of nothing else.
        let other = Head { taps: vec![3, 8], ..head };
        assert!(Index::open(&path, &other).is_err());
    }
}
