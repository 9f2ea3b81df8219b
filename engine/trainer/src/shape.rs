//! The embedded model's shape: what its training and its export have to agree on.

use wattage_engine::wasm_layers::config::LayersConfig;

use crate::constants::CONSTANTS;
use crate::model::BaseConfig;
use crate::vocabulary;

/// The base over a vocabulary of `vocab` tokens.
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
