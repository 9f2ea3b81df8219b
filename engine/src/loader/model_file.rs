//! A whole model as its files state it, checked: what every later stage builds on.

mod fingerprint;
mod from_gguf;
mod from_hf;
mod random;

use std::collections::BTreeMap;

use super::{Source, TensorInfo, expected, gguf};
use crate::{ChatTemplate, Config, DType, Error, Result, Tokenizer};

/// A model that was opened and checked; its weights are still in the files.
#[derive(Debug)]
pub struct ModelFile {
    /// The shape.
    pub config: Config,
    /// Every tensor that the model needs and no other, by Hugging Face name.
    pub tensors: BTreeMap<String, TensorInfo>,
    /// Text to ids and back.
    pub tokenizer: Tokenizer,
    /// Messages to ids.
    pub template: ChatTemplate,
    /// Ids that end an answer, ascending.
    pub stop_ids: Vec<u32>,
    /// What the file calls the model.
    pub name: String,
    /// The mix of formats as it is commonly called (`Q4_K_M`), or the format of most weights (`F16`).
    pub quantisation: String,
    /// Decoder layers in the file, of which these may be the first ones only.
    whole: usize,
    sources: Vec<Source>,
}

/// What either kind of file comes to.
struct Opened {
    config: Config,
    tensors: BTreeMap<String, TensorInfo>,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    stop_ids: Vec<u32>,
    name: String,
    quantisation: Option<String>,
}

impl ModelFile {
    /// Opens one `.gguf`, or a set of `*.safetensors` with their `config.json`, `tokenizer.json` and, where there are
    /// any, `tokenizer_config.json`, `generation_config.json`, `chat_template.jinja` and the shards' index, in any
    /// order. Files are told apart by what is in them and by their names. Weights are not read.
    ///
    /// # Errors
    /// [`Error::Source`] when reading fails; [`Error::Format`] for malformed files or a set that lacks some;
    /// [`Error::Unsupported`], [`Error::Tokenizer`] or [`Error::Template`] for what the engine cannot use.
    pub async fn open(sources: Vec<Source>) -> Result<Self> {
        if sources.is_empty() {
            return Err(Error::Format("no file was given; give a .gguf file, or .safetensors with config.json".into()));
        }
        let mut ggufs = 0;
        for source in &sources {
            ggufs += usize::from(source.len() >= 4 && source.read(0, 4).await? == gguf::MAGIC);
        }
        let opened = match (ggufs, sources.len()) {
            (1, 1) => from_gguf::open(&sources[0]).await.map_err(|e| about(&sources[0], e))?,
            (0, _) => from_hf::open(&sources).await?,
            (1, _) => {
                return Err(Error::Format(
                    "a .gguf file came with other files; it needs none, so give it alone".into(),
                ));
            }
            _ => {
                return Err(Error::Format(format!(
                    "{ggufs} .gguf files were given; give one. If they are the parts of one model, join them first \
                     (llama-gguf-split --merge)"
                )));
            }
        };
        opened.config.check()?;
        expected::check(&opened.config, &opened.tensors)?;
        opened.tokenizer.check_fits(opened.config.vocab)?;
        let quantisation = opened.quantisation.unwrap_or_else(|| main_format(&opened.tensors));
        let mut stop_ids = opened.stop_ids;
        stop_ids.extend(["<|im_end|>", "<|endoftext|>"].iter().filter_map(|token| opened.tokenizer.id_of(token)));
        stop_ids.sort_unstable();
        stop_ids.dedup();
        if let Some(id) = stop_ids.iter().find(|id| **id as usize >= opened.config.vocab) {
            return Err(Error::Tokenizer(format!("the end-of-text id {id} is outside the model's vocabulary")));
        }
        Ok(Self {
            whole: opened.config.layers,
            config: opened.config,
            tensors: opened.tensors,
            tokenizer: opened.tokenizer,
            template: opened.template,
            stop_ids,
            name: opened.name,
            quantisation,
            sources,
        })
    }

    /// Reads `len` bytes of a tensor from its byte `offset` on.
    ///
    /// # Errors
    /// [`Error::Request`] when the range is not inside the tensor, [`Error::Source`] when reading fails.
    pub async fn read(&self, tensor: &TensorInfo, offset: u64, len: usize) -> Result<Vec<u8>> {
        let inside = offset.checked_add(len as u64).is_some_and(|end| end <= tensor.bytes);
        match self.sources.get(tensor.source) {
            Some(source) if inside => source.read(tensor.offset + offset, len).await,
            _ => Err(Error::Request(format!("{len} bytes at {offset} are not inside the tensor {}", tensor.name))),
        }
    }

    /// The model up to its first `count` decoder layers, for what taps no later one. Its logits mean nothing; its
    /// fingerprint is that of the whole.
    #[must_use]
    pub fn first_layers(mut self, count: usize) -> Self {
        let count = count.min(self.config.layers);
        let behind = |name: &str| {
            let number = name.strip_prefix("model.layers.").and_then(|rest| rest.split('.').next());
            number.and_then(|number| number.parse::<usize>().ok()).is_some_and(|number| number >= count)
        };
        self.tensors.retain(|name, _| !behind(name) && name != "lm_head.weight");
        self.config.layers = count;
        self.config.tied_head = true;
        self
    }

    /// A tensor by name.
    ///
    /// # Errors
    /// [`Error::Format`] when there is none of that name.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo> {
        self.tensors.get(name).ok_or_else(|| Error::Format(format!("the tensor {name} is missing")))
    }

    /// Bytes of all tensors in the files.
    pub fn weight_bytes(&self) -> u64 {
        self.tensors.values().map(|tensor| tensor.bytes).sum()
    }

    /// Values in all tensors.
    pub fn parameters(&self) -> u64 {
        self.tensors.values().map(|tensor| tensor.rows as u64 * tensor.cols as u64).sum()
    }
}

/// Says which file a malformed one is.
fn about(source: &Source, error: Error) -> Error {
    match error {
        Error::Format(why) => Error::Format(format!("{}: {why}", source.name())),
        other => other,
    }
}

/// The format that holds most values.
fn main_format(tensors: &BTreeMap<String, TensorInfo>) -> String {
    let mut values: BTreeMap<DType, u64> = BTreeMap::new();
    for tensor in tensors.values() {
        *values.entry(tensor.dtype).or_default() += tensor.rows as u64 * tensor.cols as u64;
    }
    values.into_iter().max_by_key(|(_, n)| *n).map_or_else(String::new, |(dtype, _)| format!("{dtype:?}"))
}

/// A file's name without its ending, for a model that has no other.
fn stem(source: &Source) -> String {
    let name = source.name();
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}
