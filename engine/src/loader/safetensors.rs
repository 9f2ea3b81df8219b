//! The header of a safetensors file (<https://github.com/huggingface/safetensors>): a length, JSON, then the data.
//!
//! The `safetensors` crate wants offsets in `usize`, which on wasm32 ends at 4 GiB, and hides names that come twice; so
//! the header is read here, with its own checks.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{DType, Source, TensorInfo, reader::Reader};
use crate::{Error, Result};

/// Largest JSON header that is read.
const MAX_HEADER: u64 = 64 << 20;
const MAX_TENSORS: usize = 1 << 16;

#[derive(Deserialize)]
struct Raw {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// The table as pairs, so that a name that comes twice is seen; and the metadata as `M` reads them.
struct Table<M>(Vec<(String, Raw)>, Option<M>);

impl<'de, M: DeserializeOwned> Deserialize<'de> for Table<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<M>(PhantomData<M>);
        impl<'de, M: DeserializeOwned> Visitor<'de> for Pairs<M> {
            type Value = Table<M>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of tensors")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table<M>, A::Error> {
                let mut list = Vec::new();
                let mut metadata = None;
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        if metadata.replace(map.next_value()?).is_some() {
                            return Err(serde::de::Error::custom("there are two sets of metadata"));
                        }
                    } else if list.len() == MAX_TENSORS {
                        return Err(serde::de::Error::custom("there are too many tensors"));
                    } else {
                        list.push((name, map.next_value()?));
                    }
                }
                Ok(Table(list, metadata))
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

/// Whether the file begins like safetensors: a header length that fits, then a brace.
pub(super) async fn recognise(source: &Source) -> Result<bool> {
    if source.len() < 10 {
        return Ok(false);
    }
    let mut reader = Reader::new(source, 16);
    let len = reader.u64("the header's length").await?;
    Ok(len <= source.len() - 8 && reader.u8("the header").await? == b'{')
}

/// The tensors in a file, which is number `index` of the sources.
///
/// # Errors
/// [`Error::Format`] for a malformed header, [`Error::Unsupported`] for a format that the engine has not.
pub(super) async fn read(source: &Source, index: usize) -> Result<Vec<TensorInfo>> {
    let (tensors, _) = read_with::<IgnoredAny>(source, index, MAX_HEADER).await?;
    Ok(tensors)
}

/// As [`read`], with the metadata, if there are any, and another limit for the header's length.
pub(crate) async fn read_with<M: DeserializeOwned>(
    source: &Source,
    index: usize,
    limit: u64,
) -> Result<(Vec<TensorInfo>, Option<M>)> {
    let mut reader = Reader::new(source, source.len());
    let len = reader.u64("the header's length").await?;
    if len > limit {
        return Err(Error::Format(format!("its header claims {len} bytes, over the limit of {limit}")));
    }
    reader.check(len, "its header")?;
    let len = usize::try_from(len).map_err(|_| Error::Format("its header is too long".into()))?;
    let Table(list, metadata): Table<M> = serde_json::from_slice(reader.take(len, "its header").await?)
        .map_err(|e| Error::Format(format!("its header is not a table of tensors: {e}")))?;
    let data = 8 + len as u64;
    let room = source.len() - data;
    let mut names = HashSet::new();
    let mut tensors = Vec::with_capacity(list.len());
    for (name, raw) in list {
        if !names.insert(name.clone()) {
            return Err(Error::Format(format!("it lists the tensor {name} twice")));
        }
        if ignored(&name) {
            continue;
        }
        tensors.push(place(name, &raw, index, data, room)?);
    }
    Ok((tensors, metadata))
}

/// Old checkpoints keep the rotary frequencies, which follow from the configuration.
fn ignored(name: &str) -> bool {
    name.ends_with(".rotary_emb.inv_freq")
}

fn place(name: String, raw: &Raw, source: usize, data: u64, room: u64) -> Result<TensorInfo> {
    let dtype = match raw.dtype.as_str() {
        "F32" => DType::F32,
        "F16" => DType::F16,
        "BF16" => DType::BF16,
        other => {
            return Err(Error::Unsupported(format!(
                "the tensor {name} is stored as {other}; safetensors can be F32, F16 or BF16 (use a GGUF for quantised \
                 weights)"
            )));
        }
    };
    let (rows, cols) = match *raw.shape.as_slice() {
        [cols] => (1, cols),
        [rows, cols] => (rows, cols),
        _ => return Err(Error::Format(format!("the tensor {name} has the shape {:?}, no matrix", raw.shape))),
    };
    let [start, end] = raw.data_offsets;
    let bytes = rows.checked_mul(cols).and_then(|n| n.checked_mul(dtype.block_bytes() as u64));
    let sizes = usize::try_from(rows).ok().zip(usize::try_from(cols).ok());
    match (bytes, sizes, end.checked_sub(start)) {
        (Some(bytes), Some((rows, cols)), Some(given)) if bytes == given && bytes > 0 => {
            if end > room {
                return Err(Error::Format(format!(
                    "the tensor {name} lies outside the file (it ends at byte {end} of {room}): the file is cut short \
                     or corrupt, so copy or download it again"
                )));
            }
            Ok(TensorInfo { name, dtype, rows, cols, source, offset: data + start, bytes })
        }
        _ => Err(Error::Format(format!(
            "the tensor {name} of shape {:?} in {dtype:?} does not fill the bytes {start} to {end}",
            raw.shape
        ))),
    }
}
