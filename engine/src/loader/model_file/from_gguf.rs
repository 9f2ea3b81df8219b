//! What a GGUF's metadata says of the model.

use std::collections::BTreeMap;

use super::{Opened, stem};
use crate::loader::gguf::{Entry, Header, Value};
use crate::loader::{Source, TensorInfo, expected};
use crate::{Architecture, ChatTemplate, Config, Error, Result, Tokenizer};

pub(super) async fn open(source: &Source) -> Result<Opened> {
    let mut header = Header::read(source).await?;
    if header.optional_number("split.count")?.is_some_and(|parts| parts > 1) {
        return Err(Error::Unsupported(
            "it is one part of a split GGUF; join the parts first (llama-gguf-split --merge)".into(),
        ));
    }
    let (arch, prefix) = architecture(&header)?;
    let tensors = tensors(std::mem::take(&mut header.tensors))?;
    let config = config(&header, arch, prefix, &tensors)?;
    let tokenizer = tokenizer(&mut header)?;

    let mut stop_ids = Vec::new();
    for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"] {
        stop_ids.extend(token_id(&header, key)?);
    }
    let text =
        |key: &str| -> Result<Option<String>> { Ok(token_id(&header, key)?.map(|id| tokenizer.decode(&[id], true))) };
    let template = match header.optional_text("tokenizer.chat_template")? {
        Some(template) => ChatTemplate::new(template)?,
        None => ChatTemplate::fallback(&tokenizer),
    };
    let template = template
        .with_token("bos_token", text("tokenizer.ggml.bos_token_id")?)
        .with_token("eos_token", text("tokenizer.ggml.eos_token_id")?);
    let name = header.optional_text("general.name")?.filter(|name| !name.is_empty());
    Ok(Opened {
        config,
        tensors,
        template,
        stop_ids,
        name: name.map_or_else(|| stem(source), str::to_owned),
        quantisation: header.optional_number("general.file_type")?.and_then(mix).map(str::to_owned),
        tokenizer,
    })
}

fn token_id(header: &Header, key: &str) -> Result<Option<u32>> {
    header
        .optional_number(key)?
        .map(|id| u32::try_from(id).map_err(|_| Error::Format(format!("its {key} is {id}, which is no token id"))))
        .transpose()
}

fn architecture(header: &Header) -> Result<(Architecture, &'static str)> {
    match header.optional_text("general.architecture")? {
        Some("qwen2") => Ok((Architecture::Qwen2, "qwen2")),
        Some("qwen3") => Ok((Architecture::Qwen3, "qwen3")),
        Some(other) => Err(Error::Unsupported(format!("its architecture is '{other}'; qwen2 and qwen3 can be run"))),
        None => Err(Error::Format("its metadata lacks general.architecture".into())),
    }
}

fn tensors(entries: Vec<Entry>) -> Result<BTreeMap<String, TensorInfo>> {
    let mut tensors = BTreeMap::new();
    for entry in entries {
        let Entry { name, dtype, rows, cols, offset, bytes } = entry;
        let name = expected::from_gguf(&name).ok_or_else(|| {
            Error::Unsupported(format!("it has a tensor {name}, which is no part of a qwen2 or qwen3 decoder"))
        })?;
        tensors.insert(name.clone(), TensorInfo { name, dtype, rows, cols, source: 0, offset, bytes });
    }
    Ok(tensors)
}

fn config(header: &Header, arch: Architecture, prefix: &str, tensors: &BTreeMap<String, TensorInfo>) -> Result<Config> {
    let size = |name: &str| -> Result<usize> {
        let key = format!("{prefix}.{name}");
        let value = header.number(&key)?;
        usize::try_from(value).map_err(|_| Error::Unsupported(format!("its {key} is {value}")))
    };
    let optional = |name: &str| -> Result<Option<usize>> {
        let key = format!("{prefix}.{name}");
        let value = header.optional_number(&key)?;
        value.map(|n| usize::try_from(n).map_err(|_| Error::Unsupported(format!("its {key} is {n}")))).transpose()
    };
    let (heads, hidden) = (size("attention.head_count")?, size("embedding_length")?);
    let head_dim = match optional("attention.key_length")? {
        Some(width) => width,
        None if heads > 0 && hidden % heads == 0 => hidden / heads,
        None => return Err(Error::Format(format!("its hidden size {hidden} does not divide into {heads} heads"))),
    };
    if optional("attention.value_length")?.is_some_and(|width| width != head_dim) {
        return Err(Error::Unsupported("its value heads differ in width from its key heads".into()));
    }
    if optional("rope.dimension_count")?.is_some_and(|width| width != head_dim) {
        return Err(Error::Unsupported("it rotates only a part of each head".into()));
    }
    check_rope_scaling(header, prefix)?;
    let context = size("context_length")?;
    if optional("attention.sliding_window")?.is_some_and(|window| window < context) {
        return Err(Error::Unsupported("it uses sliding-window attention".into()));
    }
    let epsilon_key = format!("{prefix}.attention.layer_norm_rms_epsilon");
    let epsilon = header
        .optional_float(&epsilon_key)?
        .ok_or_else(|| Error::Format(format!("its metadata lacks {epsilon_key}")))?;
    let theta = header.optional_float(&format!("{prefix}.rope.freq_base"))?.unwrap_or(10_000.0);
    let embedding = tensors
        .get("model.embed_tokens.weight")
        .ok_or_else(|| Error::Format("the tensor token_embd.weight is missing".into()))?;
    #[allow(clippy::cast_possible_truncation, reason = "stored as f32")]
    Ok(Config {
        arch,
        layers: size("block_count")?,
        hidden,
        heads,
        kv_heads: optional("attention.head_count_kv")?.unwrap_or(heads),
        head_dim,
        ffn: size("feed_forward_length")?,
        vocab: embedding.rows,
        context,
        rope_theta: theta as f32,
        rms_eps: epsilon as f32,
        tied_head: !tensors.contains_key("lm_head.weight"),
    })
}

fn check_rope_scaling(header: &Header, prefix: &str) -> Result<()> {
    let kind = header.optional_text(&format!("{prefix}.rope.scaling.type"))?;
    if let Some(kind) = kind.filter(|kind| *kind != "none") {
        return Err(Error::Unsupported(format!("it scales its rotary embedding ('{kind}')")));
    }
    for key in ["rope.scaling.factor", "rope.scale_linear"] {
        if header.optional_float(&format!("{prefix}.{key}"))?.is_some_and(|factor| kind.is_none() && factor != 1.0) {
            return Err(Error::Unsupported(format!("it scales its rotary embedding ({prefix}.{key})")));
        }
    }
    Ok(())
}

fn tokenizer(header: &mut Header) -> Result<Tokenizer> {
    match header.optional_text("tokenizer.ggml.model")? {
        Some("gpt2") => {}
        Some(other) => {
            return Err(Error::Tokenizer(format!("it is of the kind '{other}'; byte-level BPE ('gpt2') can be used")));
        }
        None => return Err(Error::Tokenizer("the file has none; get a GGUF that contains its tokenizer".into())),
    }
    let missing = |key: &str| Error::Tokenizer(format!("the file lacks {key}"));
    let pre = header
        .optional_text("tokenizer.ggml.pre")?
        .ok_or_else(|| missing("tokenizer.ggml.pre; it is an old conversion, so get a newer one"))?
        .to_owned();
    let tokens = header.take_strings("tokenizer.ggml.tokens")?.ok_or_else(|| missing("tokenizer.ggml.tokens"))?;
    let kinds =
        header.take_integers("tokenizer.ggml.token_type")?.ok_or_else(|| missing("tokenizer.ggml.token_type"))?;
    let merges = header.take_strings("tokenizer.ggml.merges")?.ok_or_else(|| missing("tokenizer.ggml.merges"))?;
    if let Some(Value::Bool(true)) = header.meta.get("tokenizer.ggml.add_space_prefix") {
        return Err(Error::Tokenizer("it adds a space before the text, which Qwen's does not".into()));
    }
    Tokenizer::from_gguf(tokens, &kinds, &merges, &pre)
}

/// llama.cpp's names for mixes of formats (`general.file_type`).
const fn mix(number: u64) -> Option<&'static str> {
    Some(match number {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        12 => "Q3_K_M",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        32 => "BF16",
        _ => return None,
    })
}
