//! Trained nets as the files that the engine reads: the base as GGUF, its WASM layers as safetensors.

mod base;
mod gguf;
mod layers;
mod opened;
mod reopen;
mod vocabulary;

use std::ops::Range;
use std::path::Path;

use burn::module::Param;
use burn::tensor::Tensor;
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::{self, WasmLayers, to_bytes};
use wattage_engine::{DType, ModelFile, Source};

pub use self::base::base;
pub use self::gguf::{Gguf, Storage, Value};
pub use self::layers::layers;
pub use self::opened::{Opened, Reading, Written};
pub use self::reopen::{reopen, reopen_layers};
use crate::model::BaseConfig;
use crate::train::{Nets, Standard};
use crate::{Error, Result};

/// The files of a base and its layers.
#[derive(Debug, Clone)]
pub struct Files {
    /// The base, GGUF.
    pub base: Vec<u8>,
    /// Its WASM layers, safetensors.
    pub layers: Vec<u8>,
    /// The layers' shape, with the base's fingerprint as its name.
    pub config: LayersConfig,
}

impl Files {
    /// Those of a folder, as an export wrote them.
    ///
    /// # Errors
    /// [`Error::File`] for one that cannot be read; the engine's for layers that it cannot use.
    pub fn read(folder: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|why| Error::file(&path, why))
        };
        let (base, layers) = (read("base.gguf")?, read(wasm_layers::FILE)?);
        let source = Source::bytes(wasm_layers::FILE, layers.clone());
        let config = pollster::block_on(WasmLayers::config_of(&source))?;
        Ok(Self { base, layers, config })
    }
}

/// What is exported.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The weights.
    pub nets: &'a Nets,
    /// The base's shape.
    pub base: &'a BaseConfig,
    /// The layers' shape; which base they are for is found out here.
    pub layers: &'a LayersConfig,
    /// The vocabulary, a `tokenizer.json`.
    pub tokenizer: &'a serde_json::Value,
    /// What the base calls itself.
    pub name: &'a str,
    /// How the layers were made.
    pub provenance: &'a serde_json::Value,
}

impl Export<'_> {
    /// The files, with matrices stored so; the layers' weights are F32 beside a base of F32, and F16 else.
    ///
    /// # Errors
    /// [`Error::Export`] for weights or a vocabulary that the files cannot hold; the engine's where it would not open them.
    pub fn files(&self, storage: Storage) -> Result<Files> {
        let base = base(self, storage)?;
        // The engine's own reading of the file decides what its layers have to call it.
        let source = Source::bytes("base.gguf", base.clone());
        let fingerprint = pollster::block_on(async { ModelFile::open(vec![source]).await?.fingerprint().await })?;
        let config = LayersConfig { base: fingerprint, ..self.layers.clone() };
        let dtype = match storage {
            Storage::F32 => DType::F32,
            Storage::Q8_0 => DType::F16,
        };
        // A base that is trained along makes its taps what the layers need.
        let standards = vec![Standard::none(config.hidden); config.taps.len()];
        let values = layers(&self.nets.layers, &config, &standards)?;
        Ok(Files { base, layers: to_bytes(&config, self.provenance, dtype, &values)?, config })
    }
}

/// A matrix [outputs, inputs], row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Values of a row.
    pub inputs: usize,
    /// All values.
    pub values: Vec<f32>,
}

impl Matrix {
    /// Of a table [rows, width], as it is.
    fn table(param: &Param<Tensor<2>>) -> Result<Self> {
        let [_, inputs] = param.val().dims();
        Ok(Self { inputs, values: values(param)? })
    }

    /// Of a trained projection [inputs, outputs]: turned, as files have one output's weights side by side.
    fn projection(param: &Param<Tensor<2>>) -> Result<Self> {
        let [inputs, outputs] = param.val().dims();
        let old = values(param)?;
        let values = (0..outputs).flat_map(|output| (0..inputs).map(move |input| input * outputs + output));
        Ok(Self { inputs, values: values.map(|at| old[at]).collect() })
    }

    /// Rows.
    pub fn outputs(&self) -> usize {
        self.values.len() / self.inputs.max(1)
    }

    /// Some of the rows.
    fn rows(&self, range: Range<usize>) -> Self {
        Self { inputs: self.inputs, values: self.values[range.start * self.inputs..range.end * self.inputs].to_vec() }
    }
}

/// A parameter's values, row after row.
fn values<const D: usize>(param: &Param<Tensor<D>>) -> Result<Vec<f32>> {
    param.val().into_data().convert::<f32>().try_to_vec().map_err(|why| Error::Export(format!("a weight: {why:?}")))
}
