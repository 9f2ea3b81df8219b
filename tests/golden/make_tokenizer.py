"""Ids that the Python package `tokenizers` gives with the tests' small vocabulary (tests/harness/vocab.rs).

Run with the package tokenizers; writes tokenizer_ids.json beside itself: a list of [text, ids].
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
WORDS = ["Ġthe", "Ġand", "hello", "Ġworld", "ing", "user", "assistant", "system", "what", "Ġis", "äº"]
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ADDED = ["<tool_call>", "</tool_call>", "<think>", "</think>"]
TEXTS = [
    "",
    "hello the world",
    "what is the thing and the user",
    "  two  spaces and   three",
    "a\n\nb\r\n\r\nc \n d\t\te",
    "I'm you'll WE'VE it'S don't 'tis",
    "1234567890 3.14 1,000,000",
    "你好,世界 于 些",
    "😀👩‍👩‍👧‍👦 🏳️‍🌈",
    "½ ² ① Ⅷ ٣",
    "e\u0301 \u00e9 \u212b \uac00 \u1100\u1161",
    "\u0000\u0001\u007f\u0080\u00a0\u00ad",
    "\u200b\u200d\ufeff\u3000\u2003",
    "fn main() { println!(\"{}\", x[0] << 2); } // ok",
    "<|im_start|>user\nhello<|im_end|>\n",
    "<|im_start|><|im_start|><think>\n\n</think>\n\n",
    "<|im_start <|im_end|> |> <tool_call></tool_call>",
    "word" * 100,
    " " * 40 + "x" + "\n" * 7 + " ",
    "Straße Ñandú ǅ ﬁ",
    "the the\tthe\u00a0the",
    "...!!!??? ,;: -- == \n...\n",
    "system assistant assistants",
]

printable = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b]
others = [b for b in range(256) if b not in printable]
tokens = [chr(b) if b in printable else chr(256 + others.index(b)) for b in range(256)]
merges = []
for word in WORDS:
    left = word[0]
    for character in word[1:]:
        if left + character not in tokens:
            tokens.append(left + character)
            merges.append((left, character))
        left += character

tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
tokenizer.normalizer = normalizers.NFC()
tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
    [
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
)
tokenizer.decoder = decoders.ByteLevel()
tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in CONTROL])
tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in ADDED])

golden = [[text, tokenizer.encode(text, add_special_tokens=False).ids] for text in TEXTS]
lines = ",\n".join(json.dumps(pair) for pair in golden)
Path(__file__).with_name("tokenizer_ids.json").write_text(f"[\n{lines}\n]\n")
