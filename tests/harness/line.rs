//! A line between the browser and a server that can be cut, as a network can be lost in the middle of an answer.
#![allow(clippy::panic, reason = "a harness that cannot do its work fails the test, and says why")]

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::spawn;

use crate::server::Server;

/// A line to a server; it is cut for good when dropped.
pub struct Line {
    port: u16,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    cut: AtomicBool,
    over: AtomicBool,
    ends: Mutex<Vec<TcpStream>>,
}

impl Line {
    /// A line to `server`.
    ///
    /// # Panics
    /// If no port can be bound.
    #[must_use]
    #[track_caller]
    pub fn to(server: &Server) -> Self {
        let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
        let (port, listener) = match bound {
            Ok(bound) => bound,
            Err(error) => panic!("no port of 127.0.0.1 could be bound: {error}"),
        };
        let (inner, target) = (Arc::new(Inner::default()), server.port());
        let own = inner.clone();
        spawn(move || {
            for from in listener.incoming().flatten() {
                if own.over.load(Ordering::Relaxed) {
                    break;
                }
                // What the browser does when a connection fails is what the test is about.
                let _ = own.connect(from, target);
            }
        });
        Self { port, inner }
    }

    /// The address of a file behind the line.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// Cuts all connections, and every new one.
    pub fn cut(&self) {
        self.inner.cut.store(true, Ordering::Relaxed);
        for end in self.inner.ends.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        self.inner.cut.store(false, Ordering::Relaxed);
    }
}

impl Inner {
    fn connect(&self, from: TcpStream, target: u16) -> io::Result<()> {
        let to = TcpStream::connect(("127.0.0.1", target))?;
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if self.cut.load(Ordering::Relaxed) {
            return from.shutdown(Shutdown::Both);
        }
        for (mut read, mut write) in [(from.try_clone()?, to.try_clone()?), (to.try_clone()?, from.try_clone()?)] {
            spawn(move || {
                let _ = io::copy(&mut read, &mut write);
                let _ = write.shutdown(Shutdown::Both);
            });
        }
        ends.extend([from, to]);
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.inner.over.store(true, Ordering::Relaxed);
        self.cut();
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}
