//! What is known of a kept file.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Bytes that are asked for together.
pub const PIECE: u64 = 4 << 20;

/// A file that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The folder that it is kept in.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Where it comes from; nothing for a file of this computer.
    pub url: Option<String>,
    /// Its length, where that is known beforehand.
    pub bytes: Option<u64>,
    /// Its SHA-256 in hexadecimal digits, where that is known beforehand.
    pub sha256: Option<String>,
}

impl Target {
    /// The name of the right to write it.
    pub fn lock(&self) -> String {
        format!("model-{}", self.id)
    }

    /// The file at an address, which may end in `#sha256=` and the file's SHA-256.
    pub fn of_url(url: &str) -> Self {
        let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
        let path = url.split('?').next().unwrap_or(url);
        let name = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or("model");
        let sha256 = fragment.strip_prefix("sha256=").map(str::to_ascii_lowercase);
        Self { url: Some(url.to_owned()), sha256, ..Self::new(name, url) }
    }

    /// A file of this computer, by its length and the time of its last change.
    pub fn of_file(name: &str, bytes: u64, changed: f64) -> Self {
        Self { bytes: Some(bytes), ..Self::new(name, &format!("{name} {bytes} {changed}")) }
    }

    fn new(name: &str, what: &str) -> Self {
        // A folder's name must suit every file system, which an address does not.
        let id = hex(&Sha256::digest(what.as_bytes()))[..16].to_owned();
        let name =
            name.chars().map(|letter| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' });
        Self { id, name: name.collect(), url: None, bytes: None, sha256: None }
    }
}

/// What is kept of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The folder that it is kept in.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Where it comes from; nothing for a file of this computer.
    pub url: Option<String>,
    /// Its length in bytes.
    pub bytes: u64,
    /// What the server calls this version of it.
    pub version: Option<String>,
    /// The SHA-256 that it should have, where that is known.
    pub wanted: Option<String>,
    /// Of each of its pieces the bytes that are written, from its beginning on.
    pub pieces: Vec<u32>,
    /// Its SHA-256 in hexadecimal digits, which was compared with what was to be had if that was known: the file is whole.
    pub sha256: Option<String>,
}

impl Record {
    /// Of a file of which nothing is kept yet.
    pub fn new(target: &Target, bytes: u64, version: Option<String>) -> Self {
        let pieces = vec![0; usize::try_from(bytes.div_ceil(PIECE)).unwrap_or_default()];
        let Target { id, name, url, sha256: wanted, .. } = target.clone();
        Self { id, name, url, bytes, version, wanted, pieces, sha256: None }
    }

    /// What is to be kept, to go on with it.
    pub fn target(&self) -> Target {
        let Self { id, name, url, bytes, wanted, .. } = self.clone();
        Target { id, name, url, bytes: Some(bytes), sha256: wanted }
    }

    /// Whether the file is whole and was compared.
    pub const fn complete(&self) -> bool {
        self.sha256.is_some()
    }

    /// Whether what is kept is a part of what there is now. Where nothing tells two versions of a file apart, neither the server
    /// nor a SHA-256 at the end, it is taken for another.
    pub fn is_part_of(&self, now: &Self) -> bool {
        let same = self.bytes == now.bytes && self.version == now.version && self.pieces.len() == now.pieces.len();
        same && (self.url.is_none() || self.version.is_some() || self.wanted.is_some())
    }

    /// What is missing of the pieces: number, offset and length in bytes.
    pub fn missing(&self) -> Vec<(usize, u64, usize)> {
        let missing = (0_u64..).zip(&self.pieces).map(|(number, there)| {
            let there = (*there as usize).min(self.length(number));
            (number as usize, number * PIECE + there as u64, self.length(number) - there)
        });
        missing.filter(|(.., length)| *length > 0).collect()
    }

    /// Bytes that are kept.
    pub fn kept(&self) -> u64 {
        self.bytes - self.missing().iter().map(|(.., length)| *length as u64).sum::<u64>()
    }

    fn length(&self, number: u64) -> usize {
        self.bytes.saturating_sub(number * PIECE).min(PIECE) as usize
    }
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_knows_what_is_missing() {
        let target = Target::of_url("https://host.example/some/model%20a.gguf?download=true");
        assert_eq!((target.name.as_str(), &target.sha256), ("model_20a.gguf", &None));
        let named = Target::of_url("https://host.example/some/model%20a.gguf?download=true#sha256=AB");
        assert_eq!((&named.id, named.sha256.as_deref()), (&target.id, Some("ab")));
        // What it should be is not forgotten between two tries.
        assert_eq!(Record::new(&named, 10, None).target(), Target { bytes: Some(10), ..named });
        let mut record = Record::new(&target, 2 * PIECE + 10, None);
        assert_eq!(record.missing(), [(0, 0, PIECE as usize), (1, PIECE, PIECE as usize), (2, 2 * PIECE, 10)]);
        record.pieces[0] = 1000;
        record.pieces[2] = 10;
        assert_eq!((record.kept(), record.complete()), (1010, false));
        assert_eq!(record.missing(), [(0, 1000, PIECE as usize - 1000), (1, PIECE, PIECE as usize)]);
        // More than there is of a piece is no more than all of it.
        record.pieces[2] = 11;
        assert_eq!(record.kept(), 1010);
        let now = |bytes, version: Option<&str>| Record::new(&target, bytes, version.map(str::to_owned));
        assert!(!record.is_part_of(&now(2 * PIECE + 10, None)));
        record.wanted = Some("ab".into());
        assert!(record.is_part_of(&now(2 * PIECE + 10, None)));
        assert!(!record.is_part_of(&now(2 * PIECE + 10, Some("newer"))));
        assert!(!record.is_part_of(&now(2 * PIECE + 11, None)));
        record = Record { wanted: None, version: Some("one".into()), ..record };
        assert!(record.is_part_of(&now(2 * PIECE + 10, Some("one"))));
        assert_eq!(Record::new(&target, 2 * PIECE, None).pieces.len(), 2);
    }

    #[test]
    fn files_that_differ_are_kept_apart() {
        let ids = [
            Target::of_url("https://a.example/model.gguf").id,
            Target::of_url("https://b.example/model.gguf").id,
            Target::of_file("model.gguf", 10, 1.0).id,
            Target::of_file("model.gguf", 11, 1.0).id,
            Target::of_file("model.gguf", 10, 2.0).id,
        ];
        for (index, id) in ids.iter().enumerate() {
            assert!(id.len() == 16 && !ids[..index].contains(id), "{ids:?}");
        }
    }
}
