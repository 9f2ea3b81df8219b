//! The WASM layers' file, read and checked, and its tensors on a device: a block of equal size a layer, all in one buffer, so
//! that one dispatch serves every layer.

use std::collections::{BTreeMap, HashMap};

use super::config::{FORMAT, LayerTensor, LayersConfig, MOST_TOKENS, POINTERS, VERSION, place, tensors};
use super::program::MOST_INSTRUCTIONS;
use crate::device::Device;
use crate::loader::{DType, Source, TensorInfo, dequantise, safetensors};
use crate::recording::Slice;
use crate::{Error, Result};

/// Longest header: three layers have some hundred tensors, and provenance is a page of text.
const MOST_HEADER: u64 = 1 << 20;
/// WebGPU's promise for the size of a storage binding: all layers together have to fit into one.
const MOST_BYTES: usize = 128 << 20;
/// The tables whose rows the decoder and the encoder sum, one behind the other.
const TABLES: [&str; 5] = ["token", "step", "depth", "ordinal", "pointer.ordinal"];

/// What the layers' file says about itself.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) config: LayersConfig,
    pub(super) provenance: serde_json::Value,
    /// By name, `layer.` and number included.
    tensors: HashMap<String, TensorInfo>,
}

impl Head {
    /// Reads and checks everything but the weights.
    ///
    /// # Errors
    /// [`Error::Format`] for a malformed file or one of another format or version, [`Error::Source`] when reading fails.
    pub(super) async fn read(source: &Source) -> Result<Self> {
        let (list, metadata) = safetensors::read_with::<HashMap<String, String>>(source, 0, MOST_HEADER).await?;
        let metadata = metadata.unwrap_or_default();
        let field = |name: &str| metadata.get(name).map_or("", String::as_str);
        // Who made it and for what is worth saying even of a file that cannot be used.
        let config: Result<LayersConfig, _> = serde_json::from_str(field("config"));
        let made_for =
            config.as_ref().map_or(String::new(), |config| format!("; it was made for {:?}", short(&config.base)));
        if field("format") != FORMAT {
            return Err(wrong(
                source,
                &format!("its format is {:?}, not {FORMAT:?}{made_for}", short(field("format"))),
            ));
        }
        if field("version") != VERSION {
            return Err(wrong(
                source,
                &format!("it is of version {:?} and this program reads {VERSION:?}{made_for}", short(field("version"))),
            ));
        }
        let config = config.map_err(|why| wrong(source, &format!("its configuration cannot be read: {why}")))?;
        config.check()?;
        let bytes = 4 * Layout::new(&config).block * config.taps.len();
        if bytes > MOST_BYTES {
            return Err(wrong(source, &format!("its layers come to {} MiB, and 128 fit", bytes >> 20)));
        }
        let provenance = serde_json::from_str(field("provenance"))
            .map_err(|why| wrong(source, &format!("its provenance cannot be read: {why}")))?;
        let tensors = list.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
        let head = Self { config, provenance, tensors };
        head.check_tensors(source)?;
        Ok(head)
    }

    /// Exactly the configuration's tensors, in their shapes.
    fn check_tensors(&self, source: &Source) -> Result<()> {
        let wanted = tensors(&self.config);
        for tap in &self.config.taps {
            for LayerTensor { name, rows, cols } in &wanted {
                let name = full_name(*tap, name);
                let Some(found) = self.tensors.get(&name) else {
                    return Err(wrong(source, &format!("the tensor {name} is missing")));
                };
                if (found.rows, found.cols) != (*rows, *cols) {
                    let shape = [found.rows, found.cols];
                    return Err(wrong(source, &format!("the tensor {name} is {shape:?} instead of [{rows}, {cols}]")));
                }
                if !matches!(found.dtype, DType::F16 | DType::F32) {
                    return Err(wrong(source, &format!("the tensor {name} is neither F16 nor F32")));
                }
            }
        }
        // Each name is there once, so equal counts leave no others.
        if self.tensors.len() != wanted.len() * self.config.taps.len() {
            return Err(wrong(source, "it has tensors that its configuration does not name"));
        }
        Ok(())
    }

    /// Brings the weights onto a device.
    ///
    /// # Errors
    /// [`Error::Format`] for a weight that is no number, or the source's or the device's trouble.
    pub(super) async fn upload(&self, source: &Source, layout: &Layout, device: &mut Device) -> Result<Slice> {
        let slice = device.slice((4 * layout.block * self.config.taps.len()) as u64)?;
        let filled = self.fill(source, layout, device, slice).await;
        if filled.is_err() {
            device.free(slice.buffer);
        }
        filled.map(|()| slice)
    }

    /// A tensor's values.
    async fn values(&self, source: &Source, name: &str, out: &mut [f32]) -> Result<()> {
        let info = self.tensors.get(name).ok_or_else(|| Error::Format(format!("no tensor {name}")))?;
        let bytes = source.read(info.offset, info.bytes as usize).await?;
        dequantise(info.dtype, &bytes, out)?;
        if out.iter().any(|value| !value.is_finite()) {
            return Err(wrong(source, &format!("the tensor {name} holds something that is no number")));
        }
        Ok(())
    }

    async fn fill(&self, source: &Source, layout: &Layout, device: &mut Device, slice: Slice) -> Result<()> {
        let mut block = vec![0f32; layout.block];
        for position in 0..MOST_TOKENS {
            let at = layout.tables + (layout.place + position) * self.config.width;
            block[at..at + self.config.width].copy_from_slice(&place(position, self.config.width));
        }
        for (layer, tap) in self.config.taps.iter().enumerate() {
            for LayerTensor { name, rows, cols } in tensors(&self.config) {
                let at = layout.find(&name).ok_or_else(|| Error::Format(format!("no place for {name}")))?;
                self.values(source, &full_name(*tap, &name), &mut block[at..at + rows * cols]).await?;
            }
            device.write(slice.buffer, (4 * layer * layout.block) as u64, bytemuck::cast_slice(&block))?;
        }
        Ok(())
    }
}

/// What [`to_bytes`] wrote: the configuration, the provenance, and every tensor's values by the file's names.
///
/// # Errors
/// [`Error::Format`] for a file that the layers could not be loaded from, [`Error::Source`] when reading fails.
pub async fn read(source: &Source) -> Result<(LayersConfig, serde_json::Value, BTreeMap<String, Vec<f32>>)> {
    let head = Head::read(source).await?;
    let mut all = BTreeMap::new();
    for tap in &head.config.taps {
        for LayerTensor { name, rows, cols } in tensors(&head.config) {
            let name = full_name(*tap, &name);
            let mut values = vec![0.0; rows * cols];
            head.values(source, &name, &mut values).await?;
            all.insert(name, values);
        }
    }
    Ok((head.config, head.provenance, all))
}

/// The file's bytes. Values go by the file's names, `layer.` and number included.
///
/// # Errors
/// [`Error::Request`] for a shape that is refused, a tensor that is missing, unknown, of another size or holds something that
/// is no finite number of the format, or a format that is neither F16 nor F32.
pub fn to_bytes(
    config: &LayersConfig,
    provenance: &serde_json::Value,
    dtype: DType,
    values: &BTreeMap<String, Vec<f32>>,
) -> Result<Vec<u8>> {
    let refused = |why: String| Error::Request(format!("the WASM layers cannot be written: {why}"));
    config.check()?;
    let name = match dtype {
        DType::F32 => "F32",
        DType::F16 => "F16",
        other => return Err(refused(format!("their weights are F16 or F32, not {other:?}"))),
    };
    let shape = serde_json::to_string(config).map_err(|why| refused(why.to_string()))?;
    let mut header = serde_json::Map::new();
    header.insert(
        "__metadata__".to_owned(),
        serde_json::json!({
            "format": FORMAT, "version": VERSION, "config": shape, "provenance": provenance.to_string(),
        }),
    );
    let mut data = Vec::new();
    let wanted = tensors(config);
    for tap in &config.taps {
        for LayerTensor { name: part, rows, cols } in &wanted {
            let full = full_name(*tap, part);
            let values = values.get(&full).ok_or_else(|| refused(format!("the tensor {full} is missing")))?;
            if values.len() != rows * cols {
                return Err(refused(format!("the tensor {full} has {} values, not {rows} x {cols}", values.len())));
            }
            let start = data.len();
            for value in values {
                let half = half::f16::from_f32(*value);
                let finite = if dtype == DType::F16 { half.is_finite() } else { value.is_finite() };
                if !finite {
                    return Err(refused(format!("the tensor {full} holds {value}, which {name} cannot")));
                }
                match dtype {
                    DType::F16 => data.extend_from_slice(&half.to_le_bytes()),
                    _ => data.extend_from_slice(&value.to_le_bytes()),
                }
            }
            let entry =
                serde_json::json!({ "dtype": name, "shape": [rows, cols], "data_offsets": [start, data.len()] });
            header.insert(full, entry);
        }
    }
    if values.len() != wanted.len() * config.taps.len() {
        return Err(refused("there are tensors that the configuration does not name".to_owned()));
    }
    let mut text = serde_json::Value::Object(header).to_string();
    // The format wants the data to start at a multiple of 8.
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes.append(&mut data);
    Ok(bytes)
}

/// Writes the file.
///
/// # Errors
/// As [`to_bytes`], and [`Error::Source`] when writing fails.
#[cfg(not(target_arch = "wasm32"))]
pub fn write(
    path: &std::path::Path,
    config: &LayersConfig,
    provenance: &serde_json::Value,
    dtype: DType,
    values: &BTreeMap<String, Vec<f32>>,
) -> Result<()> {
    std::fs::write(path, to_bytes(config, provenance, dtype, values)?)
        .map_err(|why| Error::Source { what: path.display().to_string(), why: format!("{why}; it was not written") })
}

/// A tensor's name in the file.
pub fn full_name(tap: usize, name: &str) -> String {
    format!("layer.{tap}.{name}")
}

fn wrong(source: &Source, why: &str) -> Error {
    Error::Format(format!("{}: {why}", source.name()))
}

/// The beginning of a text that may be hostile.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Where each tensor of a layer lies in its block, in floats; all at multiples of 4. The tables lie one behind the other, so
/// that one row number addresses them all: `step` to `place` are the numbers of their first rows, `token`'s is 0.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Floats of a block.
    pub(super) block: usize,
    /// Where the tables start.
    pub(super) tables: usize,
    pub(super) step: usize,
    pub(super) depth: usize,
    pub(super) ordinal: usize,
    pub(super) pointer_ordinal: usize,
    /// Sines and cosines of a question's places, which are not in the file.
    pub(super) place: usize,
    at: HashMap<String, usize>,
}

impl Layout {
    pub(super) fn new(config: &LayersConfig) -> Self {
        let mut at = HashMap::new();
        let mut block = 0;
        for LayerTensor { name, rows, cols } in tensors(config) {
            if !TABLES.contains(&name.as_str()) {
                at.insert(name, block);
                block += (rows * cols).next_multiple_of(4);
            }
        }
        let tables = block;
        let step = config.fixed() + 1;
        let depth = step + MOST_INSTRUCTIONS + 1;
        let ordinal = depth + MOST_INSTRUCTIONS + 1;
        let pointer_ordinal = ordinal + POINTERS;
        let place = pointer_ordinal + POINTERS;
        for (name, row) in TABLES.iter().zip([0, step, depth, ordinal, pointer_ordinal]) {
            at.insert((*name).to_owned(), tables + row * config.width);
        }
        block += (place + MOST_TOKENS) * config.width;
        Self { block, tables, step, depth, ordinal, pointer_ordinal, place, at }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.at.get(name).copied()
    }

    /// Where a tensor starts.
    ///
    /// # Errors
    /// [`Error::Format`] where the configuration has none of that name.
    pub(super) fn at(&self, name: &str) -> Result<usize> {
        self.find(name).ok_or_else(|| Error::Format(format!("the WASM layers have no tensor {name}")))
    }

    /// As [`Self::at`], of a block of the encoder or decoder.
    pub(super) fn in_block(&self, part: &str, block: usize, name: &str) -> Result<usize> {
        self.at(&format!("{part}.{block}.{name}"))
    }
}
