//! Bringing a model into the folder, in the worker that does nothing else.

use std::cell::RefCell;
use std::time::Duration;

use futures::{
    StreamExt as _,
    future::{Either, select},
    stream,
};
use gloo::timers::future::{IntervalStream, sleep};
use sha2::{Digest as _, Sha256};
use wasm_bindgen_futures::JsFuture;
use wattage_engine::{Cancel, Error, Result, Source};
use web_sys::{FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use super::{Folder, PIECE, Record, Space, Target, folder::why, lock::Lock, record::hex};
use crate::protocol::{Keeping, KeepingStage};

/// Pieces that are asked for at once.
const AT_ONCE: usize = 4;
/// How long to wait before a piece is asked for again; then it is given up. What comes of it begins the count anew.
const AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(6)];
/// How often what has come is noted: what a crash may cost.
const NOTE: Duration = Duration::from_millis(250);
/// How often to look whether the end was asked for, or another tab is done.
const LOOK: Duration = Duration::from_millis(100);

/// Keeps a model: what is missing of it is fetched, all of it is compared with its SHA-256, and only then is it whole.
///
/// # Errors
/// [`Error::Cancelled`], or [`Error::Source`] where it cannot be fetched, written, or is not what it should be. What has come
/// stays, but for a file that is not what it should be.
pub async fn download(
    target: &Target,
    open: impl AsyncFnOnce() -> Result<Source>,
    cancel: &Cancel,
    report: &mut dyn FnMut(Keeping),
) -> Result<()> {
    let failed = |why: String| Error::Source { what: target.name.clone(), why };
    let folder = Folder::open().await.map_err(failed)?;
    let _lock = lock(target, cancel, report).await?;
    let kept = folder.record(&target.id).await.map_err(failed)?;
    if let Some(sha256) = kept.as_ref().and_then(|kept| kept.sha256.as_ref()) {
        return match &target.sha256 {
            Some(wanted) if wanted != sha256 => Err(failed(format!(
                "what is on this computer from this address has the SHA-256 {sha256}, not {wanted}: delete it and fetch it again"
            ))),
            _ => Ok(()),
        };
    }
    // A server may take the request and never answer.
    let source = match select(std::pin::pin!(open()), std::pin::pin!(cancelled(cancel))).await {
        Either::Left((source, _)) => source?,
        Either::Right(_) => return Err(Error::Cancelled),
    };
    if let Some(bytes) = target.bytes.filter(|bytes| *bytes != source.len()) {
        return Err(failed(format!(
            "it should have {bytes} bytes and has {}; it may have been replaced",
            source.len()
        )));
    }
    let fresh = Record::new(target, source.len(), source.version().map(str::to_owned));
    let wanted = target.sha256.clone().or_else(|| kept.as_ref().and_then(|kept| kept.wanted.clone()));
    let mut record = kept.filter(|kept| kept.is_part_of(&fresh)).unwrap_or(fresh);
    record.wanted = wanted;
    let (space, left) = (Space::now().await.map_err(failed)?, record.bytes - record.kept());
    if space.quota.saturating_sub(space.used) < left {
        return Err(failed(format!(
            "{} more are needed and the browser has room for {}: delete models that you do not need, or free space on \
             this computer",
            crate::format::bytes(left),
            crate::format::bytes(space.quota.saturating_sub(space.used)),
        )));
    }

    folder.write(&record).await.map_err(failed)?;
    let file = Open::new(&folder, &record).await.map_err(failed)?;
    fetch(&source, &file, &folder, &mut record, cancel, report).await?;
    let sha256 = digest(&file, &record, cancel, report).await?;
    drop(file);
    if let Some(wanted) = record.wanted.as_ref().filter(|wanted| **wanted != sha256) {
        folder.delete(&target.id).await.map_err(failed)?;
        return Err(failed(format!(
            "what came is not what its authors published, so it was deleted: its SHA-256 is {sha256}, not {wanted}. Try again, \
             over another network if that does not help"
        )));
    }
    record.sha256 = Some(sha256);
    folder.write(&record).await.map_err(failed)
}

/// Waits until the end is asked for.
async fn cancelled(cancel: &Cancel) {
    while !cancel.is_cancelled() {
        sleep(LOOK).await;
    }
}

/// Waits for the right to write the model.
async fn lock(target: &Target, cancel: &Cancel, report: &mut dyn FnMut(Keeping)) -> Result<Lock> {
    loop {
        let taken = Lock::take(&target.lock()).await;
        match taken.map_err(|why| Error::Source { what: target.name.clone(), why })? {
            Some(lock) => return Ok(lock),
            None if cancel.is_cancelled() => return Err(Error::Cancelled),
            None => report(Keeping { stage: KeepingStage::OtherTab, done: 0, total: 0 }),
        }
        sleep(5 * LOOK).await;
    }
}

/// Fetches what is missing, several pieces at a time. What has come is noted every [`NOTE`], and at the end, whatever it is.
async fn fetch(
    source: &Source,
    file: &Open,
    folder: &Folder,
    record: &mut Record,
    cancel: &Cancel,
    report: &mut dyn FnMut(Keeping),
) -> Result<()> {
    let missing = record.missing();
    let shared = RefCell::new(record);
    let pieces = stream::iter(missing).map(|piece| fetch_piece(source, file, &shared, piece)).buffer_unordered(AT_ONCE);
    let say = || {
        let record = shared.borrow();
        Keeping { stage: KeepingStage::Fetching, done: record.kept(), total: record.bytes }
    };
    // Written before it is noted, so that a crash between the two costs what came since the last note and no more.
    let note = async || -> Result<()> {
        let record = shared.borrow().clone();
        let failed = |why: String| Error::Source { what: record.name.clone(), why };
        file.flush().map_err(failed)?;
        folder.write(&record).await.map_err(failed)
    };
    report(say());
    let came = pieces.map(Came::Piece).chain(stream::iter([Came::All]));
    let ticks = IntervalStream::new(NOTE.as_millis() as u32).map(|()| Came::Tick);
    let ended = stream::once(cancelled(cancel)).map(|()| Came::End);
    let mut next = std::pin::pin!(stream::select(stream::select(came, ticks), ended));
    let mut noted = say().done;
    let result = loop {
        match next.next().await {
            Some(Came::Piece(Ok(()))) => {}
            Some(Came::Piece(Err(why))) => break Err(why),
            Some(Came::All) | None => break Ok(()),
            Some(Came::End) => break Err(Error::Cancelled),
            Some(Came::Tick) => {
                let now = say();
                if now.done != noted {
                    noted = now.done;
                    report(now);
                    if let Err(why) = note().await {
                        break Err(why);
                    }
                }
            }
        }
    };
    // A failure to fetch says more than one to note.
    let last = note().await;
    report(say());
    result.and(last)
}

/// What a fetch waits for.
enum Came {
    /// A piece is there, or cannot be had.
    Piece(Result<()>),
    /// So are all.
    All,
    /// It is time to note.
    Tick,
    /// The end was asked for.
    End,
}

/// Fetches what is missing of a piece. Where it breaks off it goes on from there.
async fn fetch_piece(
    source: &Source,
    file: &Open,
    record: &RefCell<&mut Record>,
    (number, mut offset, mut length): (usize, u64, usize),
) -> Result<()> {
    let mut again = AGAIN.iter();
    loop {
        let (before, mut full) = (length, false);
        let took = source
            .pour(offset, length, &mut |bytes| {
                let mut record = record.borrow_mut();
                file.write(offset, bytes).map_err(|why| {
                    full = true;
                    Error::Source { what: record.name.clone(), why }
                })?;
                if let Some(there) = record.pieces.get_mut(number) {
                    *there += bytes.len() as u32;
                }
                offset += bytes.len() as u64;
                length -= bytes.len();
                Ok(())
            })
            .await;
        if length < before {
            again = AGAIN.iter();
        }
        // What cannot be written need not be fetched again.
        match (took, again.next().filter(|_| !full)) {
            (Ok(()), _) => return Ok(()),
            (Err(why), None) => return Err(why),
            (Err(_), Some(wait)) => sleep(*wait).await,
        }
    }
}

/// SHA-256 of the file as it was written.
async fn digest(file: &Open, record: &Record, cancel: &Cancel, report: &mut dyn FnMut(Keeping)) -> Result<String> {
    let (mut hash, mut done) = (Sha256::new(), 0);
    while done < record.bytes {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let mut bytes = vec![0; (record.bytes - done).min(PIECE) as usize];
        file.read(done, &mut bytes).map_err(|why| Error::Source { what: record.name.clone(), why })?;
        hash.update(&bytes);
        done += bytes.len() as u64;
        report(Keeping { stage: KeepingStage::Comparing, done, total: record.bytes });
        // The request to end comes as a message, which is heard between two turns.
        sleep(Duration::ZERO).await;
    }
    Ok(hex(&hash.finalize()))
}

/// The model's file, open for this worker alone.
struct Open(FileSystemSyncAccessHandle);

impl Open {
    async fn new(folder: &Folder, record: &Record) -> std::result::Result<Self, String> {
        let handle = folder.handle(&record.id, &record.name, true).await?;
        let opened = JsFuture::from(handle.create_sync_access_handle()).await;
        let file = Self(opened.map_err(|error| why(&error))?.into());
        // What an earlier and longer version left is no part of it.
        #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53, far over any file")]
        file.0.truncate_with_f64(record.bytes as f64).map_err(|error| why(&error))?;
        Ok(file)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> std::result::Result<(), String> {
        let written = self.0.write_with_u8_array_and_options(bytes, &at(offset)).map_err(|error| why(&error))?;
        #[allow(clippy::cast_precision_loss, reason = "a piece's length")]
        if written < bytes.len() as f64 {
            return Err(
                "the browser wrote a part of it only: free space on this computer; what has come so far is kept".into(),
            );
        }
        Ok(())
    }

    /// Has what was written put on the disk.
    fn flush(&self) -> std::result::Result<(), String> {
        self.0.flush().map_err(|error| why(&error))
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> std::result::Result<(), String> {
        let read = self.0.read_with_u8_array_and_options(bytes, &at(offset)).map_err(|error| why(&error))?;
        #[allow(clippy::cast_precision_loss, reason = "a piece's length")]
        if read < bytes.len() as f64 {
            return Err("it is shorter than what was written of it: delete it and fetch it again".into());
        }
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn at(offset: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    #[allow(clippy::cast_precision_loss, reason = "exact up to 2^53, far over any file")]
    options.set_at(offset as f64);
    options
}
