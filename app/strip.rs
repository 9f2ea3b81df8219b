//! Takes the names of functions out of wasm files: nobody sees them, and everybody would download them, a fifth of all bytes.
//! Compiled and run by `finish.sh`; wasm-bindgen has an option for it (`--remove-name-section`), which Trunk cannot pass on.

use std::process::ExitCode;

/// The binary format's magic number and version (WebAssembly core specification, section 5.5.16).
const HEADER: usize = 8;

fn main() -> ExitCode {
    for path in std::env::args().skip(1) {
        let done = std::fs::read(&path).map_err(|error| error.to_string()).and_then(|bytes| {
            let stripped = stripped(&bytes).ok_or("it is no whole wasm file")?;
            std::fs::write(&path, stripped).map_err(|error| error.to_string())
        });
        if let Err(why) = done {
            eprintln!("{path}: {why}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The file without its custom section `name`; none where it does not end with a section's end.
fn stripped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.get(..HEADER)?.to_vec();
    let mut at = HEADER;
    while at < bytes.len() {
        let (size, inside) = number(bytes, at + 1)?;
        let section = bytes.get(at..inside.checked_add(size)?)?;
        let custom = bytes[at] == 0;
        if !(custom && bytes.get(inside..)?.starts_with(b"\x04name")) {
            out.extend_from_slice(section);
        }
        at += section.len();
    }
    Some(out)
}

/// An unsigned LEB128 number, and the place behind it.
fn number(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= usize::from(byte & 127) << shift;
        shift += 7;
        if byte < 128 {
            return Some((value, at));
        }
        if shift > 28 {
            return None;
        }
    }
}
