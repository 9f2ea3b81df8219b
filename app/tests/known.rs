//! The layers that come with the page are for the bases that they say.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test")]

use wattage_app::known::{LAYERS, folder_of};
use wattage_engine::{ModelFile, Source};

#[test]
fn the_embedded_models_layers_are_known_by_its_base() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../public/models/wattage-tiny/base.gguf");
    let file = pollster::block_on(ModelFile::open(vec![Source::file(path.as_ref()).unwrap()])).unwrap();
    let base = pollster::block_on(file.fingerprint()).unwrap();
    assert_eq!(folder_of(&base), Some("wattage-tiny"));
    assert_eq!(folder_of("qwen3-12x128-v2048-0000000000000000"), None);
    // No base has two.
    let mut bases: Vec<&str> = LAYERS.iter().map(|(base, _)| *base).collect();
    bases.sort_unstable();
    bases.dedup();
    assert_eq!(bases.len(), LAYERS.len());
}
