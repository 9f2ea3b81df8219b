//! Shapes: what training and export have to agree on.

use wattage_engine::wasm_layers::config::LayersConfig;

use crate::constants::CONSTANTS;
use crate::model::BaseConfig;
use crate::vocabulary;

/// The embedded model's base over a vocabulary of `vocab` tokens.
pub fn base(vocab: usize) -> BaseConfig {
    BaseConfig { layers: 12, hidden: 128, heads: 4, kv_heads: 2, head_dim: 32, ffn: 256, vocab, rope_theta: 1e4 }
}

/// The WASM layers on that base. What they call it is known when it is exported.
pub fn layers(base: &BaseConfig) -> LayersConfig {
    LayersConfig {
        base: "wattage-tiny".to_owned(),
        hidden: base.hidden,
        taps: vec![3, 7, 11],
        width: 96,
        heads: 3,
        ffn: 192,
        encoder_blocks: 1,
        decoder_blocks: 1,
        constants: CONSTANTS.to_vec(),
        markers: vocabulary::markers(),
        bound: 6.0,
        eps: 1e-6,
    }
}

/// The WASM layers on a pretrained base that is not trained along. It sees questions as people write them.
pub fn layers_on(fingerprint: &str, hidden: usize, taps: &[usize]) -> LayersConfig {
    LayersConfig {
        base: fingerprint.to_owned(),
        hidden,
        taps: taps.to_vec(),
        width: 192,
        heads: 6,
        ffn: 384,
        encoder_blocks: 1,
        decoder_blocks: 2,
        constants: CONSTANTS.to_vec(),
        markers: Vec::new(),
        bound: 6.0,
        eps: 1e-6,
    }
}
