//! The browser's two kinds of source: a Blob that is sliced, and a URL that is fetched with `Range`.

use js_sys::{ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, Blob, Headers, ReadableStreamDefaultReader, Request, RequestInit, Response};

use crate::{Error, Result};

const DOWNLOAD: &str = "download the file and open it from disk instead";

fn failed(what: &str, why: impl Into<String>) -> Error {
    Error::Source { what: what.to_owned(), why: why.into() }
}

/// What a JavaScript exception says.
fn message(error: &JsValue) -> String {
    error.dyn_ref::<js_sys::Error>().map_or_else(|| format!("{error:?}"), |e| String::from(e.message()))
}

/// Byte positions are exact in a double up to 2^53, far over any file.
#[allow(clippy::cast_precision_loss)]
const fn position(value: u64) -> f64 {
    value as f64
}

fn to_vec(what: &str, buffer: JsValue) -> Result<Vec<u8>> {
    let buffer: ArrayBuffer = buffer.dyn_into().map_err(|_| failed(what, "the browser gave no bytes"))?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

pub(super) async fn read_blob(name: String, blob: Blob, offset: u64, len: usize) -> Result<Vec<u8>> {
    let slice = blob
        .slice_with_f64_and_f64(position(offset), position(offset + len as u64))
        .map_err(|e| failed(&name, message(&e)))?;
    let buffer = JsFuture::from(slice.array_buffer()).await.map_err(|e| {
        failed(&name, format!("{}; if the file was moved or changed since it was picked, pick it again", message(&e)))
    })?;
    to_vec(&name, buffer)
}

/// The length of the file behind `url`, and what the server calls this version of it (RFC 9110, section 8.8) where it lets the
/// page see that, from the answer to a request for its first byte.
pub(super) async fn url_facts(url: &str) -> Result<(u64, Option<String>)> {
    let (response, _) = fetch_range(url, 0, 1).await?;
    let Some(range) = content_range(url, &response)? else {
        return Err(failed(
            url,
            format!(
                "the server does not let this page see the Content-Range header, so the file's length is unknown; \
                 {DOWNLOAD}, or have the server send Access-Control-Expose-Headers: Content-Range"
            ),
        ));
    };
    let total =
        range.total.ok_or_else(|| failed(url, format!("the server does not say how long the file is; {DOWNLOAD}")))?;
    let told = |name: &str| response.headers().get(name).ok().flatten();
    Ok((total, told("ETag").or_else(|| told("Last-Modified"))))
}

pub(super) async fn read_url(url: String, offset: u64, len: usize, total: u64) -> Result<Vec<u8>> {
    let (response, _under_way) = fetch_part(&url, (offset, len, total)).await?;
    let body = response.array_buffer().map_err(|e| failed(&url, message(&e)))?;
    let buffer = JsFuture::from(body).await.map_err(|e| lost(&url, &e))?;
    to_vec(&url, buffer)
}

/// Hands a part of a file over as it comes (Streams standard).
pub(super) async fn pour_url(
    url: &str,
    (offset, len, total): (u64, usize, u64),
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let (response, _under_way) = fetch_part(url, (offset, len, total)).await?;
    let body = response.body().ok_or_else(|| failed(url, "the answer has no body; try again"))?;
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let get = |from: &JsValue, name: &str| Reflect::get(from, &name.into()).map_err(|e| failed(url, message(&e)));
    let mut left = len;
    loop {
        let next = JsFuture::from(reader.read()).await.map_err(|e| lost(url, &e))?;
        if get(&next, "done")?.is_truthy() {
            break;
        }
        let bytes: Uint8Array =
            get(&next, "value")?.dyn_into().map_err(|_| failed(url, "the browser gave no bytes"))?;
        let bytes = bytes.to_vec();
        left = left.checked_sub(bytes.len()).ok_or_else(|| {
            failed(url, format!("more came than the {len} bytes that were asked for; try again, or {DOWNLOAD}"))
        })?;
        take(&bytes)?;
    }
    if left > 0 {
        return Err(failed(url, format!("{} bytes came where {len} were asked for; try again", len - left)));
    }
    Ok(())
}

fn lost(url: &str, error: &JsValue) -> Error {
    failed(url, format!("{}; check the connection and load it again", message(error)))
}

/// A request that ends when this does: nobody waits for what it would still bring.
struct UnderWay(AbortController);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Fetches a part of a file of `total` bytes, and refuses another part of another file.
async fn fetch_part(url: &str, (offset, len, total): (u64, usize, u64)) -> Result<(Response, UnderWay)> {
    let (response, under_way) = fetch_range(url, offset, len).await?;
    if let Some(range) = content_range(url, &response)? {
        let end = offset + len as u64 - 1;
        if range.first != offset || range.last != end || range.total.is_some_and(|t| t != total) {
            return Err(failed(
                url,
                format!(
                    "bytes {offset}-{end} of {total} were asked for and the server sent {}-{} of {:?}; the file may \
                     have changed, so load it again, or {DOWNLOAD}",
                    range.first, range.last, range.total
                ),
            ));
        }
    }
    Ok((response, under_way))
}

/// Fetches a range and accepts nothing but 206: a 200 would be the whole file, which must not land in memory.
async fn fetch_range(url: &str, offset: u64, len: usize) -> Result<(Response, UnderWay)> {
    let bad = |e: JsValue| failed(url, message(&e));
    let headers = Headers::new().map_err(bad)?;
    headers.set("Range", &format!("bytes={offset}-{}", offset + len as u64 - 1)).map_err(bad)?;
    let under_way = UnderWay(AbortController::new().map_err(bad)?);
    let init = RequestInit::new();
    init.set_method("GET");
    init.set_headers(&headers);
    init.set_signal(Some(&under_way.0.signal()));
    let request = Request::new_with_str_and_init(url, &init)
        .map_err(|e| failed(url, format!("{}; give a full http(s) address", message(&e))))?;
    // `fetch` hangs on the global object of windows and workers alike.
    let global = js_sys::global();
    let promise: Promise = Reflect::get(&global, &JsValue::from_str("fetch"))
        .and_then(JsCast::dyn_into::<Function>)
        .and_then(|fetch| fetch.call1(&global, &request))
        .and_then(JsCast::dyn_into::<Promise>)
        .map_err(bad)?;
    let response: Response = JsFuture::from(promise).await.and_then(JsCast::dyn_into).map_err(|e| {
        failed(
            url,
            format!(
                "{}; the server may be down or not allow other sites to read it (CORS): check the address, or \
                     {DOWNLOAD}",
                message(&e)
            ),
        )
    })?;
    match response.status() {
        206 => Ok((response, under_way)),
        200 => Err(failed(url, format!("the server ignores byte ranges (it answered 200, not 206); {DOWNLOAD}"))),
        status => {
            Err(failed(url, format!("the server answered {status} {}; check the address", response.status_text())))
        }
    }
}

struct ContentRange {
    first: u64,
    last: u64,
    total: Option<u64>,
}

/// Reads `bytes first-last/total`; `None` where the browser does not show the header to this page.
fn content_range(url: &str, response: &Response) -> Result<Option<ContentRange>> {
    let Some(text) = response.headers().get("Content-Range").map_err(|e| failed(url, message(&e)))? else {
        return Ok(None);
    };
    let parse = || {
        let (range, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let total = match total.trim() {
            "*" => None,
            digits => Some(digits.parse().ok()?),
        };
        Some(ContentRange { first: first.trim().parse().ok()?, last: last.trim().parse().ok()?, total })
    };
    parse()
        .map(Some)
        .ok_or_else(|| failed(url, format!("the server sent a broken Content-Range, '{text}'; {DOWNLOAD}")))
}
