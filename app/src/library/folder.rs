//! The folder of kept models in the origin's private file system (File System standard).

use js_sys::{Function, JsString, Object, Promise, Reflect};
use leptos::web_sys::{
    File, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions, FileSystemGetFileOptions,
    FileSystemRemoveOptions, FileSystemWritableFileStream,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::Record;
use crate::language::t;

/// The folder's name.
const NAME: &str = "models";
/// The file with a model's record.
const RECORD: &str = "record.json";

/// Bytes used by this page, and bytes that the browser would give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Used.
    pub used: u64,
    /// In all.
    pub quota: u64,
}

/// The folder of kept models.
#[derive(Clone)]
pub struct Folder(FileSystemDirectoryHandle);

/// What a JavaScript exception says, in words for those that a visitor can do something about.
pub(super) fn why(error: &JsValue) -> String {
    let text =
        |name: &str| Reflect::get(error, &name.into()).ok().and_then(|text| text.as_string()).unwrap_or_default();
    match text("name").as_str() {
        "QuotaExceededError" => {
            t("there is no room left for it: delete models that you do not need, or free space on this computer; what has come so far is kept").to_owned()
        }
        "NoModificationAllowedError" => t("another tab has it open").to_owned(),
        name => format!("{name}: {}", text("message")),
    }
}

/// Calls a method of `navigator.storage`, in a window as in a worker.
async fn storage(method: &str) -> Result<JsValue, String> {
    let missing = || {
        t("this page has no storage of its own: it is a single file, or is not served securely, or the browser is too old")
            .to_owned()
    };
    let get = |from: &JsValue, name: &str| Reflect::get(from, &name.into()).ok().filter(|found| !found.is_undefined());
    let storage =
        get(&js_sys::global(), "navigator").and_then(|navigator| get(&navigator, "storage")).ok_or_else(missing)?;
    let method: Function = get(&storage, method).and_then(|method| method.dyn_into().ok()).ok_or_else(missing)?;
    let promise: Promise = method.call0(&storage).and_then(JsCast::dyn_into).map_err(|error| why(&error))?;
    JsFuture::from(promise).await.map_err(|error| why(&error))
}

async fn done<T: JsCast>(promise: Promise) -> Result<T, String> {
    let value = JsFuture::from(promise).await.map_err(|error| why(&error))?;
    Ok(value.unchecked_into())
}

impl Space {
    /// As the browser tells it.
    ///
    /// # Errors
    /// The page has no storage.
    pub async fn now() -> Result<Self, String> {
        let estimate = storage("estimate").await?;
        let number = |name: &str| Reflect::get(&estimate, &name.into()).ok().and_then(|number| number.as_f64());
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of bytes")]
        let bytes = |name: &str| number(name).unwrap_or_default() as u64;
        Ok(Self { used: bytes("usage"), quota: bytes("quota") })
    }

    /// Asks the browser not to drop what is kept when space is short; it may say no.
    pub async fn hold() {
        let _ = storage("persist").await;
    }
}

impl Folder {
    /// Opens it.
    ///
    /// # Errors
    /// The page has no storage of its own.
    pub async fn open() -> Result<Self, String> {
        let root: FileSystemDirectoryHandle = storage("getDirectory").await?.unchecked_into();
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(true);
        Ok(Self(done(root.get_directory_handle_with_options(NAME, &options)).await?))
    }

    /// The records of all models, whole or begun, by name.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn records(&self) -> Result<Vec<Record>, String> {
        let names = self.0.keys();
        let mut records = Vec::new();
        loop {
            let next: Object = done(names.next().map_err(|error| why(&error))?).await?;
            if Reflect::get(&next, &"done".into()).is_ok_and(|done| done.is_truthy()) {
                break;
            }
            let name = Reflect::get(&next, &"value".into()).ok().and_then(|name| name.dyn_into::<JsString>().ok());
            // A folder without a record is one that was not begun in earnest.
            if let Some(name) = name
                && let Ok(Some(record)) = self.record(&String::from(name)).await
            {
                records.push(record);
            }
        }
        records.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(records)
    }

    /// The record of a model; none where nothing, or nothing that can be read, is kept of it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn record(&self, id: &str) -> Result<Option<Record>, String> {
        let Ok(folder) = done::<FileSystemDirectoryHandle>(self.0.get_directory_handle(id)).await else {
            return Ok(None);
        };
        let Ok(handle) = done::<FileSystemFileHandle>(folder.get_file_handle(RECORD)).await else { return Ok(None) };
        let file: File = done(handle.get_file()).await?;
        let text: JsString = done(file.text()).await?;
        Ok(serde_json::from_str(&String::from(text)).ok().filter(|record: &Record| record.id == id))
    }

    /// Writes a model's record, all of it or nothing.
    ///
    /// # Errors
    /// There is no room, or the folder cannot be written.
    pub async fn write(&self, record: &Record) -> Result<(), String> {
        let text = serde_json::to_string(record).map_err(|error| error.to_string())?;
        let handle = self.handle(&record.id, RECORD, true).await?;
        if Reflect::get(&handle, &"createWritable".into()).map_or(true, |method| method.is_undefined()) {
            return Err(t("this browser is too old to keep models: it cannot write files whole").to_owned());
        }
        let stream: FileSystemWritableFileStream = done(handle.create_writable()).await?;
        done::<JsValue>(stream.write_with_str(&text).map_err(|error| why(&error))?).await?;
        // What was written takes the file's place when the stream is closed.
        done::<JsValue>(stream.close()).await?;
        Ok(())
    }

    /// The file of a model, as far as it has come.
    ///
    /// # Errors
    /// There is none.
    pub async fn file(&self, record: &Record) -> Result<File, String> {
        done(self.handle(&record.id, &record.name, false).await?.get_file()).await
    }

    /// The handle of a file in a model's folder.
    pub(super) async fn handle(&self, id: &str, name: &str, create: bool) -> Result<FileSystemFileHandle, String> {
        let options = FileSystemGetDirectoryOptions::new();
        options.set_create(create);
        let folder: FileSystemDirectoryHandle = done(self.0.get_directory_handle_with_options(id, &options)).await?;
        let options = FileSystemGetFileOptions::new();
        options.set_create(create);
        done(folder.get_file_handle_with_options(name, &options)).await
    }

    /// Deletes all that is kept of a model.
    ///
    /// # Errors
    /// Another tab uses it.
    pub async fn delete(&self, id: &str) -> Result<(), String> {
        let options = FileSystemRemoveOptions::new();
        options.set_recursive(true);
        done::<JsValue>(self.0.remove_entry_with_options(id, &options)).await.map(|_| ())
    }
}
