//! A static file server on 127.0.0.1 for the browser tests, with byte ranges that can be switched off.
#![allow(clippy::panic, reason = "a harness that cannot do its work fails the test, and says why")]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response, StatusCode};

/// Whether the server answers a request for a part of a file with that part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// A `Range` header is honoured (206, or 416 where it lies outside the file).
    On,
    /// A `Range` header is ignored: every answer is the whole file with status 200.
    Off,
}

/// How the server answers requests for parts of files, which a test can change while it runs.
#[derive(Debug, Default)]
pub struct Parts {
    /// Milliseconds before each answer.
    pub wait: AtomicU64,
    /// Milliseconds after each 64 KiB of one.
    pub pace: AtomicU64,
    /// Whether they are refused (503).
    pub refuse: AtomicBool,
    /// Whether a byte of each is wrong.
    pub spoil: AtomicBool,
    /// Bytes sent so far.
    pub sent: AtomicU64,
}

/// Bytes that are sent together.
const CHUNK: usize = 64 << 10;

/// A part on its way.
struct Sent<R> {
    from: R,
    state: Arc<State>,
    /// Bytes since the last pause.
    since: usize,
}

impl<R: Read> Read for Sent<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let parts = &self.state.parts;
        if self.since >= CHUNK {
            self.since = 0;
            std::thread::sleep(Duration::from_millis(parts.pace.load(Ordering::Relaxed)));
        }
        let most = into.len().min(CHUNK - self.since);
        let count = self.from.read(&mut into[..most])?;
        self.since += count;
        parts.sent.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A running server; it stops when dropped.
pub struct Server {
    inner: Arc<tiny_http::Server>,
    state: Arc<State>,
    port: u16,
    threads: Vec<JoinHandle<()>>,
}

struct State {
    root: PathBuf,
    ranges: Ranges,
    requests: AtomicU64,
    partial: AtomicU64,
    parts: Parts,
}

/// A browser opens several connections and keeps them; a model is read in parallel to the page's own files.
const THREADS: usize = 4;

impl Server {
    /// Serves the files under `root` on a free port.
    ///
    /// # Panics
    /// If `root` is no folder or no port can be bound.
    #[must_use]
    #[track_caller]
    pub fn start(root: &Path, ranges: Ranges) -> Self {
        assert!(root.is_dir(), "there is no folder {} to serve", root.display());
        let inner = match tiny_http::Server::http("127.0.0.1:0") {
            Ok(server) => Arc::new(server),
            Err(error) => panic!("no port of 127.0.0.1 could be bound: {error}"),
        };
        let Some(address) = inner.server_addr().to_ip() else { panic!("the server has no address") };
        let state = Arc::new(State {
            root: root.to_owned(),
            ranges,
            requests: AtomicU64::new(0),
            partial: AtomicU64::new(0),
            parts: Parts::default(),
        });
        let threads = (0..THREADS)
            .map(|_| {
                let (inner, state) = (inner.clone(), state.clone());
                std::thread::spawn(move || {
                    // `recv` fails once the server is told to stop.
                    while let Ok(request) = inner.recv() {
                        // The browser may have gone: an answer that nobody takes is no fault.
                        let _ = state.answer(request);
                    }
                })
            })
            .collect();
        Self { inner, state, port: address.port(), threads }
    }

    /// The address of a file, given its path relative to the served folder (`""` for the page itself).
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, path.trim_start_matches('/'))
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How many requests were answered so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// How it answers requests for parts.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.state.parts
    }

    /// How many answers were a part of a file (status 206).
    #[must_use]
    pub fn partial_answers(&self) -> u64 {
        self.state.partial.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for _ in &self.threads {
            self.inner.unblock();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl State {
    fn answer(self: &Arc<Self>, request: Request) -> io::Result<()> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match request.method() {
            Method::Get | Method::Head => {}
            Method::Options => return request.respond(plain(204, "")),
            _ => return request.respond(plain(405, "only GET and HEAD are served")),
        }
        // Browsers ask for it beside every file that is no page, and show an error where there is none.
        if request.url() == "/favicon.ico" {
            return request.respond(plain(204, ""));
        }
        let Some(path) = self.locate(request.url()) else { return request.respond(plain(404, "no such file")) };
        let Ok(mut file) = File::open(&path) else { return request.respond(plain(404, "no such file")) };
        let size = file.metadata()?.len();

        let asked = request
            .headers()
            .iter()
            .find(|header| header.field.equiv("Range"))
            .filter(|_| self.ranges == Ranges::On)
            .and_then(|header| parse_range(header.value.as_str(), size));
        let mut headers = common_headers(mime(&path));
        if self.ranges == Ranges::On {
            headers.push(header("Accept-Ranges", "bytes"));
        }
        let (status, start, length) = match asked {
            None => (200, 0, size),
            Some(Some((first, last))) => {
                headers.push(header("Content-Range", &format!("bytes {first}-{last}/{size}")));
                self.partial.fetch_add(1, Ordering::Relaxed);
                (206, first, last - first + 1)
            }
            Some(None) => {
                headers.push(header("Content-Range", &format!("bytes */{size}")));
                (416, 0, 0)
            }
        };
        file.seek(SeekFrom::Start(start))?;
        let mut first = Vec::new();
        // The first byte of a file is asked for to learn its length, and is left as it is.
        if status == 206 && length > 1 {
            std::thread::sleep(Duration::from_millis(self.parts.wait.load(Ordering::Relaxed)));
            if self.parts.refuse.load(Ordering::Relaxed) {
                return request.respond(plain(503, "out of order"));
            }
            let mut byte = [0];
            file.read_exact(&mut byte)?;
            first.push(byte[0] ^ u8::from(self.parts.spoil.load(Ordering::Relaxed)));
        }
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let body = io::Cursor::new(first).chain(file).take(length as u64);
        let paced = status == 206 && length > 1;
        let body: Box<dyn Read + Send> =
            if paced { Box::new(Sent { from: body, state: self.clone(), since: 0 }) } else { Box::new(body) };
        // Never chunked, so that a Content-Length is always there for the page's progress.
        request.respond(
            Response::new(StatusCode(status), headers, body, Some(length), None).with_chunked_threshold(usize::MAX),
        )
    }

    /// The file that a request's address means, or nothing where the address leaves the served folder.
    fn locate(&self, url: &str) -> Option<PathBuf> {
        let path = url.split(['?', '#']).next()?.trim_start_matches('/');
        let path = Path::new(if path.is_empty() { "index.html" } else { path });
        path.components().all(|part| matches!(part, Component::Normal(_))).then(|| self.root.join(path))
    }
}

/// Reads a `Range` header with one range against a file of `size` bytes.
///
/// Nothing where the header is not understood (it is then ignored, as HTTP asks), `Some(None)` where it names bytes
/// that the file does not have, otherwise the first and last byte.
fn parse_range(value: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let count: u64 = last.parse().ok()?;
        return Some((count > 0 && size > 0).then(|| (size.saturating_sub(count), size - 1)));
    }
    let first: u64 = first.parse().ok()?;
    let last: u64 = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    if last < first {
        return None;
    }
    Some((first < size).then(|| (first, last.min(size - 1))))
}

fn mime(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json" | "webmanifest") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Model files are asked for from another port too, so every answer may be read from any origin.
fn common_headers(mime: &str) -> Vec<Header> {
    vec![
        header("Content-Type", mime),
        header("Cache-Control", "no-store"),
        header("Access-Control-Allow-Origin", "*"),
        header("Access-Control-Allow-Headers", "Range"),
        header("Access-Control-Expose-Headers", "Accept-Ranges, Content-Length, Content-Range"),
    ]
}

fn header(name: &str, value: &str) -> Header {
    match Header::from_bytes(name, value) {
        Ok(header) => header,
        Err(()) => panic!("'{name}: {value}' is no HTTP header"),
    }
}

fn plain(status: u16, text: &str) -> Response<io::Cursor<Vec<u8>>> {
    let headers = common_headers("text/plain; charset=utf-8");
    let body = text.as_bytes().to_vec();
    let length = body.len();
    Response::new(StatusCode(status), headers, io::Cursor::new(body), Some(length), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_means_them() {
        assert_eq!(parse_range("bytes=0-9", 100), Some(Some((0, 9))));
        assert_eq!(parse_range("bytes=90-", 100), Some(Some((90, 99))));
        assert_eq!(parse_range("bytes=90-1000", 100), Some(Some((90, 99))));
        assert_eq!(parse_range("bytes=-10", 100), Some(Some((90, 99))));
        assert_eq!(parse_range("bytes=-1000", 100), Some(Some((0, 99))));
        assert_eq!(parse_range("bytes=100-", 100), Some(None));
        assert_eq!(parse_range("bytes=-0", 100), Some(None));
        assert_eq!(parse_range("bytes=0-", 0), Some(None));
        for ignored in ["bytes=5-4", "bytes=a-b", "lines=0-1", "bytes=5", ""] {
            assert_eq!(parse_range(ignored, 100), None, "{ignored}");
        }
    }
}
