"""Makes the small random checkpoints, the same as GGUF, and what transformers computes from them.

    python make_models.py            # writes everything beside this file
    python make_models.py --check    # recomputes from the files that are there and compares
"""

import argparse
import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from safetensors.numpy import load_file as load_numpy
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoTokenizer

import make_blocks
import reference

HERE = Path(__file__).resolve().parent
VOCAB = 384  # rows of the embedding; the tokenizer has fewer entries, as with the published models
MERGES = 112
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
THINK = ["<think>", "</think>"]  # ordinary added tokens: they stay in decoded text

QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CORPUS = [
    "The river carries the boats past the old mill and the mill turns the wheel.",
    "What is the answer? The answer is the number that the question asks for.",
    "A kernel reads the weights, adds them, and writes the result to the buffer.",
    "When there is nothing left to count, the counting is done and the light goes out.",
    "fn main() {\n    let total = left + right;\n    return total;\n}\n",
    "system user assistant\nHello there, and thank you for the other one.\n",
]

# Texts whose ids the tokenizer tests compare.
TEXTS = [
    "", " ", "a", "Hello there", "The answer is 132.", "  two  spaces\tand\ta tab ", "line\nline\r\n\n  line\n",
    "it's WE'LL they've", "3.14159 and 1,000,000", "fn main() { let x = 0xFF; }", "naïve café", "e\u0301 and é",
    "你好，世界", "Привет", "🦀 and 👩\u200d👩\u200d👧\u200d👦", "tab\u00a0nbsp\u3000wide", "<|im_start|>",
    "<think>so</think>", "a\u0000b",
]

CHATS = [
    [{"role": "user", "content": "Hello there"}],
    [{"role": "system", "content": "Count the boats."}, {"role": "user", "content": "What is 12 * 11?"}],
    [
        {"role": "user", "content": "What is the answer?"},
        {"role": "assistant", "content": "<think>\nthe mill\n</think>\n\nThe wheel."},
        {"role": "user", "content": "  And then?\n"},
    ],
]

TEMPLATE_QWEN2 = """\
{%- if messages[0].role != 'system' %}
    {{- '<|im_start|>system\\nAnswer in few words.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

TEMPLATE_QWEN3 = """\
{%- for message in messages %}
    {%- set text = message.content %}
    {%- if message.role == 'assistant' and '</think>' in text %}
        {%- set text = text.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' ~ text ~ '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""

SHAPES = {
    "qwen3": {
        "seed": 23, "dtype": torch.float16, "heads": 4, "kv": 2, "head_dim": 32, "hidden": 32, "ffn": 96,
        "theta": 1_000_000.0, "eps": 1e-6, "tied": True, "context": 2048, "template": TEMPLATE_QWEN3,
    },
    "qwen2": {
        "seed": 0, "dtype": torch.bfloat16, "heads": 4, "kv": 2, "head_dim": 16, "hidden": 64, "ffn": 96,
        "theta": 10_000.0, "eps": 1e-5, "tied": False, "context": 1024, "template": TEMPLATE_QWEN2,
    },
}
LAYERS = 12

# Length of a token sequence -> positions whose logits and taps are kept.
POSITIONS = {1: [0], 7: list(range(7)), 64: [0, 31, 62, 63], 150: [0, 63, 64, 127, 128, 149]}

# The GGUF formats that the gguf package can write: the small ones dealt out in turn to qwen2's matrices (7 a layer,
# so that each kind of matrix meets each), the large ones to a few of them, for size.
MIX = [Type.Q4_0, Type.Q5_0, Type.Q4_1, Type.Q5_1]
LARGE = {10: Type.F16, 12: Type.Q8_0, 31: Type.BF16, 36: Type.Q8_0, 52: Type.F32, 55: Type.F16, 73: Type.BF16}


def make_tokenizer() -> Tokenizer:
    """A byte-level BPE tokenizer of Qwen's kind: NFC, Qwen's split, bytes, merges, then the added tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN_SPLIT), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=256 + MERGES, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    assert tokenizer.get_vocab_size() == 256 + MERGES
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.add_tokens(THINK)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, shape: dict, folder: Path) -> None:
    """tokenizer.json and tokenizer_config.json."""
    tokenizer.save(str(folder / "tokenizer.json"))
    added = {
        str(tokenizer.token_to_id(text)): {
            "content": text, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
            "special": text in SPECIAL,
        }
        for text in SPECIAL + THINK
    }
    reference.write_json(folder / "tokenizer_config.json", {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": added, "bos_token": None,
        "chat_template": shape["template"], "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>",
        "model_max_length": shape["context"], "pad_token": "<|endoftext|>", "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    })


def make_weights(arch: str, tokenizer: Tokenizer) -> dict:
    """Random float32 weights: every norm and bias away from its usual start, logits a few units wide."""
    shape = SHAPES[arch]
    rng = np.random.default_rng(shape["seed"])
    hidden, ffn = shape["hidden"], shape["ffn"]
    q, kv = shape["heads"] * shape["head_dim"], shape["kv"] * shape["head_dim"]

    def matrix(rows, cols, gain):
        return rng.normal(0.0, gain / np.sqrt(cols), (rows, cols))

    def norm(size, mean=1.0):
        return rng.normal(mean, 0.25, size)

    weights = {"model.embed_tokens.weight": matrix(VOCAB, hidden, 4.0)}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        weights[at + "input_layernorm.weight"] = norm(hidden)
        for name, rows in (("q", q), ("k", kv), ("v", kv)):
            weights[at + f"self_attn.{name}_proj.weight"] = matrix(rows, hidden, 1.0)
            if arch == "qwen2":
                weights[at + f"self_attn.{name}_proj.bias"] = rng.normal(0.0, 0.15 if name == "v" else 0.5, rows)
            elif name != "v":
                weights[at + f"self_attn.{name}_norm.weight"] = norm(shape["head_dim"])
        weights[at + "self_attn.o_proj.weight"] = matrix(hidden, q, 0.8)
        weights[at + "post_attention_layernorm.weight"] = norm(hidden)
        weights[at + "mlp.gate_proj.weight"] = matrix(ffn, hidden, 1.2)
        weights[at + "mlp.up_proj.weight"] = matrix(ffn, hidden, 1.2)
        weights[at + "mlp.down_proj.weight"] = matrix(hidden, ffn, 0.8)
    # A tied head favours the token it has just read; signs in the last norm undo that, so greedy text does not stick.
    signs = rng.choice([-1.0, 1.0], hidden) if shape["tied"] else 1.0
    weights["model.norm.weight"] = norm(hidden) * signs
    head = "model.embed_tokens.weight"
    if not shape["tied"]:
        head = "lm_head.weight"
        weights[head] = matrix(VOCAB, hidden, 4.0)
    # Answers should be readable: anything but printable ASCII gets small logits, so that it is never the best.
    for token in range(VOCAB):
        text = tokenizer.decode([token], skip_special_tokens=True)
        if not (text and text.isascii() and text.isprintable()) or text in THINK:
            weights[head][token] *= 0.25
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in weights.items()}


def write_checkpoint(arch: str) -> Path:
    """The Hugging Face folder: config, weights, tokenizer."""
    shape, folder = SHAPES[arch], HERE / f"{arch}-tiny"
    folder.mkdir(exist_ok=True)
    tokenizer = make_tokenizer()
    save_tokenizer(tokenizer, shape, folder)
    ends = [tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")]
    dtype = str(shape["dtype"]).removeprefix("torch.")
    config = {
        "architectures": ["Qwen2ForCausalLM" if arch == "qwen2" else "Qwen3ForCausalLM"],
        "attention_dropout": 0.0, "eos_token_id": ends[0], "hidden_act": "silu", "hidden_size": shape["hidden"],
        "initializer_range": 0.02, "intermediate_size": shape["ffn"], "max_position_embeddings": shape["context"],
        "model_type": arch, "num_attention_heads": shape["heads"], "num_hidden_layers": LAYERS,
        "num_key_value_heads": shape["kv"], "rms_norm_eps": shape["eps"], "tie_word_embeddings": shape["tied"],
        "use_cache": True, "use_sliding_window": False, "vocab_size": VOCAB,
    }
    # Both spellings are met: the published files have rope_theta, transformers 5 saves rope_parameters.
    if arch == "qwen3":
        config |= {"attention_bias": False, "head_dim": shape["head_dim"]}
        config |= {"rope_theta": shape["theta"], "torch_dtype": dtype}
    else:
        config |= {"rope_parameters": {"rope_type": "default", "rope_theta": shape["theta"]}, "dtype": dtype}
    reference.write_json(folder / "config.json", config)
    reference.write_json(folder / "generation_config.json", {
        "do_sample": True, "eos_token_id": ends, "pad_token_id": ends[1], "temperature": 0.7, "top_k": 20, "top_p": 0.8,
    })
    weights = make_weights(arch, tokenizer)
    # Matrices in the shape's own format; qwen2 keeps its vectors in float32, so that format is read as well.
    stored = {
        name: (value if arch == "qwen2" and value.dim() == 1 else value.to(shape["dtype"])).contiguous()
        for name, value in weights.items()
    }
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def matrix_type(arch: str, name: str, index: int) -> Type:
    """The GGUF format of a matrix."""
    if arch == "qwen3":
        return Type.Q8_0
    if name == "model.embed_tokens.weight":
        return Type.Q5_0
    if name == "lm_head.weight":
        return Type.Q8_0
    return LARGE.get(index, MIX[index % len(MIX)])


def write_gguf(arch: str, folder: Path) -> Path:
    """The same checkpoint as GGUF, with the metadata that llama.cpp writes."""
    shape, path = SHAPES[arch], HERE / f"{arch}-tiny.gguf"
    spec = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    by_id = {index: text for text, index in spec["model"]["vocab"].items()}
    kinds = dict.fromkeys(by_id, gguf.TokenType.NORMAL)
    for added in spec["added_tokens"]:
        by_id[added["id"]] = added["content"]
        kinds[added["id"]] = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
    for index in range(VOCAB):
        by_id.setdefault(index, f"[PAD{index}]")
        kinds.setdefault(index, gguf.TokenType.UNUSED)
    ids = {text: index for index, text in by_id.items()}

    writer = gguf.GGUFWriter(path, arch)
    writer.add_type("model")
    writer.add_name(f"{arch} tiny random")
    writer.add_size_label("0.3M" if arch == "qwen3" else "0.4M")
    writer.add_block_count(LAYERS)
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["hidden"])
    writer.add_feed_forward_length(shape["ffn"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["kv"])
    writer.add_rope_freq_base(shape["theta"])
    writer.add_layer_norm_rms_eps(shape["eps"])
    if arch == "qwen3":
        writer.add_key_length(shape["head_dim"])
        writer.add_value_length(shape["head_dim"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if arch == "qwen3" else gguf.LlamaFileType.MOSTLY_Q5_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([by_id[index] for index in range(VOCAB)])
    writer.add_token_types([kinds[index] for index in range(VOCAB)])
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in spec["model"]["merges"]])
    writer.add_eos_token_id(ids["<|im_end|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_bos_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    writer.add_chat_template(shape["template"])

    index = 0
    for name, value in load_file(folder / "model.safetensors").items():
        data = value.float().numpy()
        kind = Type.F32
        if data.ndim == 2:
            kind = matrix_type(arch, name, index)
            index += 1
        packed = gguf.quants.quantize(data, kind)
        writer.add_tensor(reference.to_gguf_name(name), packed, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def load_checkpoint(folder: Path):
    """The saved checkpoint in float32, through the configuration as transformers reads it."""
    config = AutoConfig.from_pretrained(folder)
    config._attn_implementation = "eager"
    with torch.device("meta"):
        model = reference.FAMILIES[config.model_type][1](config)
    state = {name: value.float() for name, value in load_file(folder / "model.safetensors").items()}
    return reference.finish(model, state)


def sequences() -> list[dict]:
    """The token sequences, the same for every model."""
    rng = np.random.default_rng(17)
    return [
        {"name": f"n{length}", "ids": rng.integers(0, 256 + MERGES + 5, length).tolist(), "positions": positions}
        for length, positions in POSITIONS.items()
    ]


def expected(model, tokenizer) -> tuple[dict, dict]:
    """Tensors and JSON of one model: logits and taps at the kept positions, ids, template text, greedy answers."""
    tensors, rows = {}, sequences()
    for row in rows:
        logits, taps = reference.forward(model, row["ids"])
        keep = torch.tensor(row["positions"])
        tensors[f"logits.{row['name']}"] = logits[keep].contiguous()
        for layer, tap in taps.items():
            tensors[f"tap.{layer}.{row['name']}"] = tap[keep].contiguous()
    texts = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False)} for text in TEXTS]
    for text in texts:
        text["decoded"] = tokenizer.decode(text["ids"], skip_special_tokens=True)
    chats, answers = [], []
    for messages in CHATS:
        for think in (True, False):
            text = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True, enable_thinking=think,
            )
            ids = tokenizer.encode(text, add_special_tokens=False)
            chats.append({"messages": messages, "think": think, "text": text, "ids": ids})
    for chat in chats[:4]:
        ends = {tokenizer.convert_tokens_to_ids(text) for text in ("<|im_end|>", "<|endoftext|>")}
        ids, margins, first, stop = reference.greedy(model, chat["ids"], 48, ends)
        answers.append({
            "prompt": chat["ids"], "ids": ids, "margins": margins, "stop": stop,
            "text": tokenizer.decode(ids, skip_special_tokens=True),
        })
    return tensors, {"sequences": rows, "tokenizer": texts, "chat": chats, "greedy": answers}


def everything():
    """(path of the tensors, tensors, path of the JSON, JSON) of each golden result, from the saved models."""
    for arch in SHAPES:
        folder = HERE / f"{arch}-tiny"
        tokenizer = AutoTokenizer.from_pretrained(folder)
        yield folder / "expected.safetensors", folder / "expected.json", expected(load_checkpoint(folder), tokenizer)
        model, _ = reference.load_gguf(HERE / f"{arch}-tiny.gguf")
        base = f"{arch}-tiny.gguf.expected"
        yield HERE / f"{base}.safetensors", HERE / f"{base}.json", expected(model, tokenizer)


def check() -> int:
    """Compares the files with what is computed now; the number of differences."""
    wrong = 0
    for tensor_path, json_path, (tensors, facts) in everything():
        saved = load_numpy(tensor_path)
        same = set(saved) == set(tensors)
        error = max(float(np.abs(saved[k] - v.numpy()).max()) for k, v in tensors.items()) if same else float("inf")
        then = json.loads(json_path.read_text(encoding="utf-8"))
        for answers in (then["greedy"], facts["greedy"]):
            for answer in answers:
                answer.pop("margins")
        good = error < 1e-4 and then == facts
        wrong += not good
        print(f"{json_path.relative_to(HERE)}: maximum difference {error:.2e}, {'same' if good else 'DIFFERENT'}")
    saved = load_file(HERE / "blocks.safetensors")
    good = all(torch.equal(saved[name], value) for name, value in make_blocks.blocks().items())
    wrong += not good
    print(f"blocks.safetensors: {'same' if good else 'DIFFERENT'}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.check:
        sys.exit(check())
    for arch in SHAPES:
        write_gguf(arch, write_checkpoint(arch))
    for tensor_path, json_path, (tensors, facts) in everything():
        save_file(tensors, tensor_path)
        reference.write_json(json_path, facts)
    save_file(make_blocks.blocks(), HERE / "blocks.safetensors")


if __name__ == "__main__":
    main()
