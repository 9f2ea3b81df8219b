//! The scorer's file, `scorer.safetensors`: defined here, used by the trainer that writes it and the engine that reads it.
//!
//! Its metadata has `format`, `version`, `base` (whose hidden states its store's keys are), `tap`, `threshold`,
//! `asks_base` (whether that base judges candidates too, where the layers' best ones differ) and `provenance`.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::features::{ALL, BEFORE};
use super::{MOST_UNITS, Network, Scorer, Store, Verifier};
use crate::wasm_layers::config::LayersConfig;
use crate::wasm_layers::program::MOST_INSTRUCTIONS;
use crate::{Error, Result, Source};

/// The name of the file beside its layers.
pub const FILE: &str = "scorer.safetensors";
/// The file's `format`.
pub const FORMAT: &str = "wattage-scorer";
/// The file's `version`.
pub const VERSION: &str = "3";

fn wrong(why: impl std::fmt::Display) -> Error {
    Error::Format(format!("the scorer: {why}"))
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// No scorer is larger, in bytes.
const MOST: u64 = 64 << 20;

impl Scorer {
    /// Reads the scorer of `layers` from its file.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is too large or does not fit the layers, or the source's trouble.
    pub async fn read(source: &Source, layers: &LayersConfig) -> Result<Self> {
        if source.len() > MOST {
            return Err(wrong(format!("{} has {} bytes; {MOST} is the most", source.name(), source.len())));
        }
        Self::from_bytes(&source.read(0, source.len() as usize).await?, layers)
    }

    /// The file of this scorer; `layers` are those whose candidates it judges.
    ///
    /// # Errors
    /// [`Error::Format`] where its parts do not fit together.
    pub fn to_bytes(&self, layers: &LayersConfig, provenance: &serde_json::Value) -> Result<Vec<u8>> {
        let Verifier { mean, scale, linear, after, before } = &self.verifier;
        let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        let mut add = |name: &str, values: &[f32]| {
            tensors.push((name.to_owned(), Dtype::F32, vec![values.len()], bytes(values)));
        };
        add("mean", mean);
        add("scale", scale);
        add("linear", linear);
        for (name, network) in [("after", after), ("before", before)] {
            add(&format!("{name}.w1"), &network.w1);
            add(&format!("{name}.b1"), &network.b1);
            add(&format!("{name}.w2"), &network.w2);
            add(&format!("{name}.b2"), &network.b2);
        }
        add("store.mean", &self.mean);
        let (keys, programs, texts) = self.store.parts(layers);
        let count = self.store.len();
        tensors.push(("store.keys".to_owned(), Dtype::I8, vec![count, self.mean.len()], keys));
        tensors.push(("store.programs".to_owned(), Dtype::U8, vec![count, MOST_INSTRUCTIONS], programs));
        tensors.push(("store.texts".to_owned(), Dtype::U8, vec![texts.len()], texts));
        let views = tensors
            .iter()
            .map(|(name, kind, shape, bytes)| Ok((name, TensorView::new(*kind, shape.clone(), bytes).map_err(wrong)?)))
            .collect::<Result<Vec<_>>>()?;
        let metadata = HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("version".to_owned(), VERSION.to_owned()),
            ("base".to_owned(), layers.base.clone()),
            ("tap".to_owned(), self.tap.to_string()),
            ("threshold".to_owned(), self.threshold.to_string()),
            ("asks_base".to_owned(), self.asks_base.to_string()),
            ("provenance".to_owned(), provenance.to_string()),
        ]);
        safetensors::serialize(views, Some(metadata)).map_err(wrong)
    }

    /// Reads a scorer's file, which must be for the base of these layers.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is malformed or of another format or version, [`Error::Unsupported`] for one that was
    /// made for another base.
    pub fn from_bytes(file: &[u8], layers: &LayersConfig) -> Result<Self> {
        let (_, head) = SafeTensors::read_metadata(file).map_err(wrong)?;
        let metadata = head.metadata().clone().unwrap_or_default();
        let get = |name: &str| metadata.get(name).map(String::as_str).unwrap_or_default();
        if get("format") != FORMAT || get("version") != VERSION {
            return Err(wrong(format!("it is no {FORMAT} of version {VERSION}")));
        }
        if get("base") != layers.base {
            let made_for: String = get("base").chars().take(80).collect();
            return Err(Error::Unsupported(format!(
                "this scorer was made for the base {made_for:?}, and the layers are for {:?}",
                layers.base
            )));
        }
        let tap: usize = get("tap").parse().map_err(wrong)?;
        let threshold: f32 = get("threshold").parse().map_err(wrong)?;
        if tap >= layers.taps.len() || !threshold.is_finite() {
            return Err(wrong("its tap or its threshold is out of range"));
        }
        let asks_base: bool = get("asks_base").parse().map_err(wrong)?;
        let all = SafeTensors::deserialize(file).map_err(wrong)?;
        let floats = |name: &str, count: usize| -> Result<Vec<f32>> {
            let tensor = all.tensor(name).map_err(wrong)?;
            let values: Vec<f32> = tensor
                .data()
                .chunks_exact(4)
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                .collect();
            if tensor.dtype() != Dtype::F32 || values.len() != count || values.iter().any(|value| !value.is_finite()) {
                return Err(wrong(format!("\"{name}\" is not {count} finite numbers")));
            }
            Ok(values)
        };
        let network = |name: &str, inputs: usize| -> Result<Network> {
            let units = all.tensor(&format!("{name}.b1")).map_err(wrong)?.data().len() / 4;
            if !(1..=MOST_UNITS).contains(&units) {
                return Err(wrong(format!("{name} has {units} units; 1 to {MOST_UNITS} are possible")));
            }
            Ok(Network {
                w1: floats(&format!("{name}.w1"), units * inputs)?,
                b1: floats(&format!("{name}.b1"), units)?,
                w2: floats(&format!("{name}.w2"), units)?,
                b2: floats(&format!("{name}.b2"), 1)?,
            })
        };
        let scale = floats("scale", ALL)?;
        if scale.iter().any(|scale| *scale <= 0.0) {
            return Err(wrong("a feature's scale is not over zero"));
        }
        let verifier = Verifier {
            mean: floats("mean", ALL)?,
            scale,
            linear: floats("linear", ALL)?,
            after: network("after", ALL)?,
            before: network("before", BEFORE)?,
        };
        let mean = floats("store.mean", layers.hidden)?;
        let part = |name: &str| all.tensor(name).map(|tensor| tensor.data()).map_err(wrong);
        let store =
            Store::read((part("store.keys")?, part("store.programs")?, part("store.texts")?), layers.hidden, layers)?;
        Ok(Self { verifier, store, tap, mean, threshold, asks_base })
    }
}
