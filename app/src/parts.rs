//! The page's own files: beside it on a server, or inside it where the page is a single file (`single.js`).

use js_sys::Reflect;
use leptos::{
    prelude::*,
    web_sys::{Blob, Url},
};
use wasm_bindgen::JsCast;

/// Where `single.js` leaves the files, by their paths.
const PARTS: &str = "wattageParts";

/// A file that is inside the page; none where the page comes from a server.
pub fn inside(path: &str) -> Option<Blob> {
    let parts = Reflect::get(&window(), &PARTS.into()).ok().filter(|parts| parts.is_object())?;
    Reflect::get(&parts, &path.into()).ok()?.dyn_into().ok()
}

/// The address of a file of the page, which a worker can read too: it has a base of its own.
pub fn address(path: &str) -> String {
    if let Some(address) = inside(path).and_then(|blob| Url::create_object_url_with_blob(&blob).ok()) {
        return address;
    }
    let base = document().base_uri().ok().flatten().unwrap_or_default();
    Url::new_with_base(path, &base).map_or_else(|_| path.to_owned(), |url| url.href())
}
