//! The native command line: `wattage generate | ask | eval | logits | bench | check`. Progress on stderr, results on stdout.

#[cfg(not(target_arch = "wasm32"))]
mod ask;
#[cfg(not(target_arch = "wasm32"))]
mod bench;
#[cfg(not(target_arch = "wasm32"))]
mod cli;
#[cfg(not(target_arch = "wasm32"))]
mod commands;
#[cfg(not(target_arch = "wasm32"))]
mod eval;
#[cfg(not(target_arch = "wasm32"))]
mod tally;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    match pollster::block_on(cli::run()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wattage: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// The browser has a page instead.
#[cfg(target_arch = "wasm32")]
fn main() {}
