//! The WASM layers that come with the page: which bases they are for, and where they are.

#[cfg(target_arch = "wasm32")]
use wattage_engine::scorer::{self, Scorer};
#[cfg(target_arch = "wasm32")]
use wattage_engine::wasm_layers::{self, WasmLayers};
#[cfg(target_arch = "wasm32")]
use wattage_engine::{ModelFile, Source};

include!(concat!(env!("OUT_DIR"), "/layers.rs"));

/// The folder with the layers for a base, by its fingerprint.
pub fn folder_of(base: &str) -> Option<&'static str> {
    LAYERS.iter().find(|(known, _)| *known == base).map(|(_, folder)| *folder)
}

/// The layers and the scorer for a model that came without any, from the folder at the address `models`; none where there are
/// none for its base, or, with the reason, where they could not be fetched.
#[cfg(target_arch = "wasm32")]
pub async fn layers_for(file: &ModelFile, models: &str) -> (Option<(Source, Source)>, Option<String>) {
    let folder = match file.fingerprint().await {
        Ok(base) => folder_of(&base),
        Err(why) => return (None, Some(format!("Which WASM layers fit this model could not be found out: {why}"))),
    };
    let Some(folder) = folder else { return (None, None) };
    let address = |name: &str| format!("{models}{folder}/{name}");
    let fetch = async {
        let layers = Source::url(&address(wasm_layers::FILE)).await?;
        let scorer = Source::url(&address(scorer::FILE)).await?;
        // Looked at here, so that a file that is not what it should be leaves the model as it is.
        let config = WasmLayers::config_of(&layers).await?;
        Scorer::read(&scorer, &config).await?;
        Ok::<_, wattage_engine::Error>((layers, scorer))
    };
    match fetch.await {
        Ok(both) => (Some(both), None),
        Err(why) => {
            (None, Some(format!("There are WASM layers for this model, but they could not be fetched or used: {why}")))
        }
    }
}
