//! Lists the WASM layers that come with the page, `public/models/*/wasm_layers.safetensors`, by the base that each is for.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

/// Longest header of a file.
const LONGEST: u64 = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let models = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../public/models");
    println!("cargo::rerun-if-changed={}", models.display());
    let mut folders: Vec<_> = std::fs::read_dir(&models)?.collect::<Result<_, _>>()?;
    folders.sort_by_key(std::fs::DirEntry::path);
    let mut list = String::from("/// Each base that layers come for, and the folder of `models` that they are in.\n");
    list.push_str("pub const LAYERS: &[(&str, &str)] = &[\n");
    for folder in folders {
        let path = folder.path().join("wasm_layers.safetensors");
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
            let base = base(&path).map_err(|why| format!("{}: {why}", path.display()))?;
            writeln!(list, "    ({base:?}, {:?}),", folder.file_name().to_string_lossy())?;
        }
    }
    list.push_str("];\n");
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("layers.rs"), list)?;
    Ok(())
}

/// The base in the metadata of a safetensors file: eight bytes of length, and so much JSON.
fn base(path: &Path) -> Result<String, Box<dyn Error>> {
    let mut file = std::fs::File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST {
        return Err("its header is too long".into());
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    let header: serde_json::Value = serde_json::from_slice(&header)?;
    let config = header["__metadata__"]["config"].as_str().ok_or("it has no configuration")?;
    let config: serde_json::Value = serde_json::from_str(config)?;
    Ok(config["base"].as_str().ok_or("it does not say which base it is for")?.to_owned())
}
