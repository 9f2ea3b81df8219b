//! The chromedriver that drives the browser.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use super::{START_TIMEOUT, or_panic};

/// A chromedriver process on a port of its own choice.
pub(super) struct Driver {
    process: Child,
    pub(super) address: String,
}

/// How often a driver that ends before it names its port is started anew.
const ATTEMPTS: usize = 5;

impl Driver {
    /// A driver that is ready for a session.
    ///
    /// chromedriver takes a free port on IPv6 and then the same number on IPv4; it ends when another program holds that
    /// one, as happens once in a while on a machine that runs many tests. So a driver that ends at once is started anew.
    #[track_caller]
    pub(super) fn start() -> Self {
        let path = program("CHROMEDRIVER", &["chromedriver"]);
        let (until, mut said) = (Instant::now() + START_TIMEOUT, String::new());
        for _ in 0..ATTEMPTS {
            match Self::attempt(&path, until) {
                Ok(driver) => return driver,
                Err(output) => said = output,
            }
        }
        panic!("{} did not start in {ATTEMPTS} attempts: it named no port, and said\n{said}", path.display());
    }

    /// One start, or what the driver printed instead of a port.
    #[track_caller]
    fn attempt(path: &Path, until: Instant) -> Result<Self, String> {
        // A shell that ends its whole process group, the browser with it, once its standard input closes: that happens
        // however this process ends, even when it is killed.
        let mut command = Command::new("sh");
        command.args(["-c", r#""$0" --port=0 2>&1 & exec >/dev/null 2>&1; read -r _; kill -KILL 0"#]).arg(path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = or_panic(&format!("starting {}", path.display()), command.spawn());
        let (sender, receiver) = mpsc::channel();
        let output = process.stdout.take();
        // Reads on to the end, so that the driver never stops on a full pipe.
        std::thread::spawn(move || {
            for line in output.into_iter().flat_map(|output| BufReader::new(output).lines().map_while(Result::ok)) {
                // Nobody listens any more once the port is known.
                let _ = sender.send(line);
            }
        });
        let mut driver = Self { process, address: String::new() };
        let mut said = String::new();
        while let Ok(line) = receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                driver.address = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
                return Ok(driver);
            }
            said.push_str(&line);
            said.push('\n');
        }
        driver.stop();
        Err(said)
    }

    pub(super) fn stop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The first of some programs that exists; an environment variable may name it.
#[track_caller]
pub(super) fn program(variable: &str, names: &[&str]) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    names
        .iter()
        // An absolute name stays as it is when joined.
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!("none of {} is installed: run `make setup`, or set {variable} to its path", names.join(", "))
        })
}
