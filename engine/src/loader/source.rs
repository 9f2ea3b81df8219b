//! Where a model's bytes come from: a native file, memory, a browser Blob, or an HTTP URL, read by ranges.

#[cfg(target_arch = "wasm32")]
use super::{ahead::Ahead, web};
use crate::{Error, Result};

/// The most bytes that one read may ask for: a hostile header can never make it larger.
pub const MAX_READ: usize = 1 << 30;

/// A readable file of known length. Reads are by byte range, so the whole never has to be in memory.
#[derive(Debug)]
pub struct Source {
    name: String,
    len: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    #[cfg(not(target_arch = "wasm32"))]
    File(std::sync::Mutex<std::fs::File>),
    Bytes(Vec<u8>),
    Pattern(Vec<u8>),
    #[cfg(target_arch = "wasm32")]
    Blob(web_sys::Blob, Ahead),
    #[cfg(target_arch = "wasm32")]
    Url(String, Option<String>, Ahead),
}

impl Source {
    /// A file on disk.
    ///
    /// # Errors
    /// [`Error::Source`] when it cannot be opened or is not a regular file.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn file(path: &std::path::Path) -> Result<Self> {
        let failed = |why: String| Error::Source { what: path.display().to_string(), why };
        let file = std::fs::File::open(path).map_err(|e| failed(format!("{e}; check the path and its permissions")))?;
        let meta = file.metadata().map_err(|e| failed(e.to_string()))?;
        if !meta.is_file() {
            return Err(failed("it is not a regular file; give the path of a model file".into()));
        }
        let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        Ok(Self { name, len: meta.len(), kind: Kind::File(std::sync::Mutex::new(file)) })
    }

    /// Bytes that are in memory already; `name` stands for a file name.
    pub fn bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), len: bytes.len() as u64, kind: Kind::Bytes(bytes) }
    }

    /// Endless repetition of some bytes.
    pub(crate) fn pattern(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), len: u64::MAX, kind: Kind::Pattern(bytes) }
    }

    /// A browser's `File` or `Blob`.
    #[cfg(target_arch = "wasm32")]
    pub fn blob(name: impl Into<String>, blob: web_sys::Blob) -> Self {
        // A Blob's size is an integer below 2^53 that the binding gives as a double.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let len = blob.size() as u64;
        Self { name: name.into(), len, kind: Kind::Blob(blob, Ahead::default()) }
    }

    /// A file on an HTTP server that answers byte-range requests; one request is made to learn its length.
    ///
    /// # Errors
    /// [`Error::Source`] when the server cannot be reached, refuses, or does not serve ranges.
    #[cfg(target_arch = "wasm32")]
    pub async fn url(url: &str) -> Result<Self> {
        let (len, version) = web::url_facts(url).await?;
        let path = url.split(['?', '#']).next().unwrap_or(url);
        let name = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(url).to_owned();
        Ok(Self { name, len, kind: Kind::Url(url.to_owned(), version, Ahead::default()) })
    }

    /// What the server calls this version of the file; none for what is no URL, and where the server does not say.
    #[cfg(target_arch = "wasm32")]
    pub fn version(&self) -> Option<&str> {
        match &self.kind {
            Kind::Url(_, version, _) => version.as_deref(),
            _ => None,
        }
    }

    /// The file's name, without folders.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length in bytes.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing to read.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads exactly `len` bytes from byte `offset` on.
    ///
    /// # Errors
    /// [`Error::Source`] when the range is not inside the file, is over [`MAX_READ`], or cannot be read.
    pub async fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        self.check(offset, len)?;
        if len == 0 {
            return Ok(Vec::new());
        }
        let bytes = match &self.kind {
            #[cfg(not(target_arch = "wasm32"))]
            Kind::File(file) => self.read_file(file, offset, len)?,
            Kind::Bytes(bytes) => usize::try_from(offset)
                .ok()
                .and_then(|start| bytes.get(start..start + len))
                .map(<[u8]>::to_vec)
                .ok_or_else(|| self.failed("the range is not in memory".into()))?,
            Kind::Pattern(bytes) => {
                let skip = (offset % bytes.len() as u64) as usize;
                bytes.iter().copied().cycle().skip(skip).take(len).collect()
            }
            #[cfg(target_arch = "wasm32")]
            Kind::Blob(blob, ahead) => {
                let fetch = |offset, len| web::read_blob(self.name.clone(), blob.clone(), offset, len);
                ahead.read((offset, len, self.len), fetch).await?
            }
            #[cfg(target_arch = "wasm32")]
            Kind::Url(url, _, ahead) => {
                let fetch = |offset, len| web::read_url(url.clone(), offset, len, self.len);
                ahead.read((offset, len, self.len), fetch).await?
            }
        };
        if bytes.len() == len {
            Ok(bytes)
        } else {
            Err(self.failed(format!("{} bytes came where {len} were asked for; try again", bytes.len())))
        }
    }

    /// Reads `len` bytes from byte `offset` on and hands them to `take` as they come, in order; what was handed over stays so where
    /// the rest cannot be had. Nothing is read ahead.
    ///
    /// # Errors
    /// Those of [`Source::read`] and of `take`.
    #[cfg(target_arch = "wasm32")]
    pub async fn pour(&self, offset: u64, len: usize, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.check(offset, len)?;
        match &self.kind {
            Kind::Url(url, ..) if len > 0 => web::pour_url(url, (offset, len, self.len), take).await,
            Kind::Blob(blob, _) => take(&web::read_blob(self.name.clone(), blob.clone(), offset, len).await?),
            _ => take(&self.read(offset, len).await?),
        }
    }

    /// Whether `len` bytes from byte `offset` on may be asked for.
    fn check(&self, offset: u64, len: usize) -> Result<()> {
        match offset.checked_add(len as u64) {
            Some(end) if end <= self.len && len <= MAX_READ => Ok(()),
            Some(end) if end <= self.len => {
                Err(self.failed(format!("a read of {len} bytes is over the limit of {MAX_READ}")))
            }
            _ => Err(self.failed(format!(
                "it ends at byte {}, before the {len} bytes at {offset} that were asked for; it may be cut short, \
                     so copy or download it again",
                self.len
            ))),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn read_file(&self, file: &std::sync::Mutex<std::fs::File>, offset: u64, len: usize) -> Result<Vec<u8>> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| self.failed(format!("there is no memory for {len} bytes")))?;
        bytes.resize(len, 0);
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| self.failed(format!("{e} at byte {offset}; was it changed or unplugged meanwhile?")))?;
        Ok(bytes)
    }

    /// An error about this source.
    pub(crate) fn failed(&self, why: String) -> Error {
        Error::Source { what: self.name.clone(), why }
    }
}
