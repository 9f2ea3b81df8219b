"""What the golden scripts share: models in float32 through transformers, taps by hooks, GGUF weights dequantised."""

import hashlib
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGUFReader
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

TAPS = (3, 7, 11)
FAMILIES = {"qwen2": (Qwen2Config, Qwen2ForCausalLM), "qwen3": (Qwen3Config, Qwen3ForCausalLM)}

# Checkpoint name inside a layer <-> GGUF name inside a block.
LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
TOP_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def to_gguf_name(name: str) -> str:
    """The GGUF name of a checkpoint's tensor."""
    stem, kind = name.rsplit(".", 1)
    if stem in TOP_NAMES:
        return f"{TOP_NAMES[stem]}.{kind}"
    _, _, layer, part = stem.split(".", 3)
    return f"blk.{layer}.{LAYER_NAMES[part]}.{kind}"


def from_gguf_name(name: str) -> str:
    """The checkpoint name of a GGUF tensor."""
    stem, kind = name.rsplit(".", 1)
    for ours, theirs in TOP_NAMES.items():
        if stem == theirs:
            return f"{ours}.{kind}"
    _, layer, part = stem.split(".", 2)
    ours = next(key for key, value in LAYER_NAMES.items() if value == part)
    return f"model.layers.{layer}.{ours}.{kind}"


def field(reader: GGUFReader, key: str, default=None):
    """One metadata value of a GGUF file as a Python value."""
    found = reader.get_field(key)
    return default if found is None else found.contents()


def load_gguf(path: Path):
    """A transformers model in float32 with the dequantised weights of a GGUF file, and the file's reader."""
    reader = GGUFReader(path)
    arch = field(reader, "general.architecture")
    heads = field(reader, f"{arch}.attention.head_count")
    hidden = field(reader, f"{arch}.embedding_length")
    names = [tensor.name for tensor in reader.tensors]
    vocab = next(int(t.shape[1]) for t in reader.tensors if t.name == "token_embd.weight")
    values = {
        "vocab_size": vocab,
        "hidden_size": hidden,
        "intermediate_size": field(reader, f"{arch}.feed_forward_length"),
        "num_hidden_layers": field(reader, f"{arch}.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": field(reader, f"{arch}.attention.head_count_kv"),
        "max_position_embeddings": field(reader, f"{arch}.context_length"),
        "rms_norm_eps": float(field(reader, f"{arch}.attention.layer_norm_rms_epsilon")),
        "rope_parameters": {"rope_type": "default", "rope_theta": float(field(reader, f"{arch}.rope.freq_base"))},
        "tie_word_embeddings": "output.weight" not in names,
        "attn_implementation": "eager",
    }
    if arch == "qwen3":
        values["head_dim"] = field(reader, f"{arch}.attention.key_length", hidden // heads)
    config_type, model_type = FAMILIES[arch]
    with torch.device("meta"):
        model = model_type(config_type(**values))
    state = {}
    for tensor in reader.tensors:
        data = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32, copy=True)
        shape = tuple(int(n) for n in reversed(tensor.shape))
        state[from_gguf_name(tensor.name)] = torch.from_numpy(data.reshape(shape))
    return finish(model, state), reader


def finish(model, state: dict):
    """Puts float32 weights into a model made without storage; every parameter must be given, and nothing else."""
    tied = model.config.tie_word_embeddings
    if tied:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    wanted = set(model.state_dict())
    if wanted != set(state):
        raise ValueError(f"weights and model differ: {sorted(wanted ^ set(state))}")
    model.load_state_dict(state, assign=True, strict=True)
    # The rotary embedding's frequencies are no parameter: a model made without storage has none yet.
    rotary = type(model.model.rotary_emb)(model.config)
    model.model.rotary_emb = rotary
    return model.float().eval()


@torch.no_grad()
def forward(model, ids: list[int]):
    """Logits [n, vocab] and the residual stream after layers 3, 7 and 11, each [n, hidden], float32."""
    taps, hooks = {}, []
    for layer in TAPS:
        def keep(_module, _inputs, output, layer=layer):
            taps[layer] = (output[0] if isinstance(output, tuple) else output).detach().reshape(len(ids), -1).clone()
        hooks.append(model.model.layers[layer].register_forward_hook(keep))
    logits = model(torch.tensor([ids]), use_cache=False).logits[0]
    for hook in hooks:
        hook.remove()
    assert logits.dtype == torch.float32 and all(tap.dtype == torch.float32 for tap in taps.values())
    return logits, taps


@torch.no_grad()
def greedy(model, ids: list[int], limit: int, stop: set[int]):
    """Greedy continuation: ids, the margin between the best two logits at each, and the first step's logits.

    Ends after `limit` ids or before the first id in `stop`, which is not part of the result but is returned as well.
    """
    out, margins, first, cache, feed = [], [], None, None, ids
    while len(out) < limit:
        step = model(torch.tensor([feed]), cache=cache, use_cache=True)
        cache, logits = step.cache, step.logits[0, -1]
        first = logits.clone() if first is None else first
        best = torch.topk(logits, 2)
        token = int(best.indices[0])
        if token in stop:
            return out, margins, first, token
        out.append(token)
        margins.append(round(float(best.values[0] - best.values[1]), 5))
        feed = [token]
    return out, margins, first, None


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def write_json(path: Path, value) -> None:
    """JSON in ASCII (no editor can normalise it), lists of numbers on one line."""
    text = json.dumps(value, indent=1)
    lines, held = [], None
    for line in text.split("\n"):
        bare = line.strip().rstrip(",")
        if held is None:
            if bare.endswith("["):
                held = [line]
            else:
                lines.append(line)
        elif bare == "]":
            lines.append(held[0] + " ".join(part.strip() for part in held[1:]) + line.strip())
            held = None
        elif is_number(bare):
            held.append(line)
        else:
            lines += held
            held = [line] if bare.endswith("[") else None
            if held is None:
                lines.append(line)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def is_number(text: str) -> bool:
    """Whether a JSON leaf is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
