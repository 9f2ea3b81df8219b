"""Writes real.json: what transformers computes in float32 from the real Qwen2.5-Coder-0.5B-Instruct GGUF.

    python make_real.py qwen2.5-coder-0.5b-instruct-q4_k_m.gguf

Needs about 3 GB of memory and a few minutes on two cores.
"""

import argparse
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import make_models
import reference

TEXTS = [
    "Hello, world!",
    " leading and trailing ",
    "What is 12 * 11? Answer with the number only.",
    "0123456789 3.14159265 1,000,000 -42 1e-6 50%",
    "it's I'LL they've WE'RE don't",
    "你好，世界！请计算十二乘以十一。",
    "日本語のテキスト、カタカナ、한국어 문장",
    "Съешь ещё этих мягких французских булок",
    "مرحبا بالعالم 123 שלום",
    "🦀🚀 family 👩\u200d👩\u200d👧\u200d👦 flag 🇩🇪 skin 👍🏽",
    "e\u0301 a\u0308 o\u0302\u0323 \u1e69 s\u0323\u0307 \u212b \ufb01",
    "fn main() {\n    println!(\"{}\", 1 << 4);\n}\n",
    "def f(x):\n\treturn x ** 2  # square\n\n\nprint(f(3))",
    "(module (func (export \"compute\") (param f64 f64) (result f64) local.get 0 local.get 1 f64.mul))",
    "a  b   c    d\t\te\n\n\nf \n g\r\n\r\nh",
    "        eight spaces, then\n\t \tmixed",
    "\u00a0nbsp\u2003em\u3000ideographic\u200bzero",
    "<div class=\"x\">&amp; <b>bold</b></div> https://example.org/?q=1&r=2#s",
    "SELECT * FROM t WHERE x >= 10 AND y != 'z'; -- …“quotes”—dash",
    "internationalisation antidisestablishmentarianism Donaudampfschifffahrt",
    "\u0000\u0001\u001f\u007f control, \ufeff mark",
    "x",
    " ",
    "\n",
    "",
]

CHATS = [
    [{"role": "user", "content": "What is 12 * 11? Answer with the number only."}],
    [{"role": "system", "content": "You answer in one word."}, {"role": "user", "content": "Which colour is the sky?"}],
    [
        {"role": "user", "content": "My number is 7."},
        {"role": "assistant", "content": "Noted: 7."},
        {"role": "user", "content": "  Double it.\n"},
    ],
    [
        {"role": "system", "content": ""},
        {"role": "user", "content": "第一个问题？"},
        {"role": "assistant", "content": "是的 <b>&amp;</b> 🦀"},
        {"role": "user", "content": "And\n\nthen?"},
        {"role": "assistant", "content": "Nothing."},
        {"role": "user", "content": "Thanks"},
    ],
]

PROMPTS = [
    "What is 12 * 11? Answer with the number only.",
    "Write a Python function that returns the n-th Fibonacci number.",
    "用一句话解释什么是递归。",
    "List the first eight prime numbers, separated by commas.",
]
FORCED = "Explain step by step how a hash table works, with a short example in Rust."
FORCED_IDS = 128
TAP_PROMPT = "Hello"


def gguf_tokenizer(reader) -> PreTrainedTokenizerFast:
    """Qwen's tokenizer from the GGUF file's vocabulary, merges and template."""
    tokens = reference.field(reader, "tokenizer.ggml.tokens")
    kinds = reference.field(reader, "tokenizer.ggml.token_type")
    merges = [tuple(pair.split(" ")) for pair in reference.field(reader, "tokenizer.ggml.merges")]
    plain = {token: index for index, (token, kind) in enumerate(zip(tokens, kinds)) if kind == 1}
    tokenizer = Tokenizer(models.BPE(vocab=plain, merges=merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(make_models.Regex(make_models.QWEN_SPLIT), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    for index, (token, kind) in enumerate(zip(tokens, kinds)):
        if kind in (3, 4):  # control and user-defined tokens; kind 5 is padding of the table
            tokenizer.add_tokens([AddedToken(token, special=kind == 3, normalized=False)])
            if tokenizer.token_to_id(token) != index:
                raise ValueError(f"token {token!r} has id {tokenizer.token_to_id(token)}, not {index}")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, chat_template=reference.field(reader, "tokenizer.chat_template"),
        clean_up_tokenization_spaces=False,
    )


def render(tokenizer, messages: list[dict]) -> tuple[str, list[int]]:
    """A conversation's text with the generation prompt, and its ids."""
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text, tokenizer.encode(text, add_special_tokens=False)


def top(logits: torch.Tensor, count: int) -> list[list]:
    """The best ids and their logits, best first."""
    best = torch.topk(logits, count)
    return [[int(i), round(float(v), 5)] for i, v in zip(best.indices, best.values)]


def answer(model, tokenizer, stop: set[int], text: str) -> dict:
    """The greedy answer to one user message."""
    messages = [{"role": "user", "content": text}]
    _, prompt = render(tokenizer, messages)
    ids, margins, first, ended = reference.greedy(model, prompt, 128, stop)
    return {
        "messages": messages, "prompt": prompt, "top": top(first, 10), "ids": ids, "margins": margins, "stop": ended,
        "text": tokenizer.decode(ids, skip_special_tokens=True),
    }


def forced(model, tokenizer) -> dict:
    """A long greedy continuation, and what one pass over all of it says at each of its positions."""
    _, prompt = render(tokenizer, [{"role": "user", "content": FORCED}])
    ids, _, _, _ = reference.greedy(model, prompt, FORCED_IDS, set())
    logits, _ = reference.forward(model, prompt + ids)
    best = torch.topk(logits[len(prompt) - 1 : -1], 2)
    return {
        "prompt": prompt, "ids": ids, "argmax": best.indices[:, 0].tolist(),
        "margins": [round(float(a - b), 5) for a, b in best.values],
        "text": tokenizer.decode(ids, skip_special_tokens=True),
    }


def taps(model, tokenizer) -> dict:
    """Taps of the last position of a short prompt: the first channels and the Euclidean norm."""
    _, ids = render(tokenizer, [{"role": "user", "content": TAP_PROMPT}])
    logits, found = reference.forward(model, ids)
    layers = {
        f"tap.{layer}": {"first": [round(float(v), 6) for v in tap[-1, :8]], "norm": round(float(tap[-1].norm()), 5)}
        for layer, tap in found.items()
    }
    return {"ids": ids, "top": top(logits[-1], 10), **layers}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the GGUF file")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "real.json")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model, reader = reference.load_gguf(arguments.model)
    tokenizer = gguf_tokenizer(reader)
    stop = {reference.field(reader, "tokenizer.ggml.eos_token_id"), tokenizer.convert_tokens_to_ids("<|endoftext|>")}
    chats = [dict(zip(("messages", "text", "ids"), (chat, *render(tokenizer, chat)))) for chat in CHATS]
    reference.write_json(arguments.out, {
        "sha256": reference.sha256(arguments.model),
        "tokenizer": [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False)} for text in TEXTS],
        "chat": chats,
        "answers": [answer(model, tokenizer, stop, text) for text in PROMPTS],
        "forced": forced(model, tokenizer),
        "taps": taps(model, tokenizer),
    })


if __name__ == "__main__":
    main()
