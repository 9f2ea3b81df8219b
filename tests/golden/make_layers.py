"""Makes layers.safetensors, a small random file of WASM layers, and what they compute from made-up hidden states:
layers.expected.safetensors and layers.expected.json. Written from the description of the computation alone, in float64.

    python make_layers.py          # makes the files
    python make_layers.py --check  # recomputes and compares
"""

import json
import math
import struct
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
MOST_INSTRUCTIONS, MOST_NUMBERS, POINTERS = 24, 16, 17
# Operands of the operations, in the order of the vocabulary.
OPERANDS = [("add", 2), ("sub", 2), ("mul", 2), ("div", 2), ("neg", 1), ("abs", 1), ("sqrt", 1), ("floor", 1), ("ceil", 1),
            ("nearest", 1), ("min", 2), ("max", 2), ("power", 2), ("remainder", 2), ("factorial", 1), ("gcd", 2)]
CONFIG = {
    "base": "golden", "hidden": 32, "taps": [3, 7, 11], "width": 24, "heads": 3, "ffn": 32, "encoder_blocks": 1,
    "decoder_blocks": 2, "constants": [1.0, 100.0, 0.5], "markers": [], "bound": 2.5, "eps": 1e-6,
}
CONTEXT = 40
BEAMS = 4
# Pieces of the context, the last token of each number, the last token of what was computed before.
QUESTIONS = [
    {"name": "plain", "ranges": [[5, 17]], "numbers": [2, 7, 7, 16], "previous": None},
    {"name": "pieces", "ranges": [[8, 20], [34, 3]], "numbers": [4, 11], "previous": 22},
    {"name": "none", "ranges": [[0, 9]], "numbers": [], "previous": None},
]
# Programs as outputs without the end; P stands for the first pointer.
P = 1 + len(OPERANDS) + len(CONFIG["constants"])
PROGRAMS = {
    "plain": [[P, P + 1, 1], [P + 3, 7, P + 2, 17, 3, 2], [18]],
    "pieces": [[P + 2, P, 3], [P] * 12 + [1] * 11],
    "none": [[17, 19, 4, 5]],
}


def shapes():
    d, f, fixed = CONFIG["width"], CONFIG["ffn"], P
    yield from [("tap.mean", 1, CONFIG["hidden"]), ("tap.scale", 1, CONFIG["hidden"])]
    yield from [("input.weight", d, CONFIG["hidden"]), ("input.bias", 1, d), ("ordinal", POINTERS, d)]
    for b in range(CONFIG["encoder_blocks"]):
        for name, rows, cols in [("norm1", 1, d), ("qkv", 3 * d, d), ("out", d, d), ("norm2", 1, d),
                                 ("gate_up", 2 * f, d), ("down", d, f)]:
            yield f"encoder.{b}.{name}", rows, cols
    yield from [("memory.norm", 1, d), ("gate.weight", 1, d), ("gate.bias", 1, 1), ("pointer.key", d, d),
                ("pointer.ordinal", POINTERS, d), ("pointer.input", d, d), ("token", fixed + 1, d),
                ("step", MOST_INSTRUCTIONS + 1, d), ("depth", MOST_INSTRUCTIONS + 1, d)]
    for b in range(CONFIG["decoder_blocks"]):
        for name, rows, cols in [("norm1", 1, d), ("qkv", 3 * d, d), ("out", d, d), ("norm2", 1, d), ("cross_q", d, d),
                                 ("cross_kv", 2 * d, d), ("cross_out", d, d), ("cross_gate", 1, 1), ("norm3", 1, d),
                                 ("gate_up", 2 * f, d), ("down", d, f)]:
            yield f"decoder.{b}.{name}", rows, cols
    yield from [("output.norm", 1, d), ("output.weight", fixed, d), ("output.bias", 1, fixed), ("pointer.query", d, d)]


def random_weights(random):
    """Norms far from one, biases and gates far from zero: leaving one out shows."""
    weights = {}
    for tap in CONFIG["taps"]:
        for name, rows, cols in shapes():
            values = random.normal(size=(rows, cols))
            if "norm" in name or name == "tap.scale":
                values = 1 + 0.4 * values
            elif rows > 1 and name not in ("ordinal", "pointer.ordinal", "token", "step", "depth"):
                values *= 1.3 / math.sqrt(cols)
            elif name == "tap.mean":
                values *= 0.3
            elif name in ("ordinal", "pointer.ordinal", "step", "depth"):
                values *= 0.7
            weights[f"layer.{tap}.{name}"] = values.astype(np.float16)
    return weights


def rms(x):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + CONFIG["eps"])


def silu(x):
    return x / (1 + np.exp(-x))


def attention(q, k, v, causal):
    """The result, and the weights' mean over heads."""
    n, m, d = len(q), len(k), CONFIG["width"] // CONFIG["heads"]
    out, mean = np.zeros_like(q), np.zeros((n, m))
    for h in range(CONFIG["heads"]):
        part = slice(h * d, (h + 1) * d)
        scores = q[:, part] @ k[:, part].T / math.sqrt(d)
        if causal:
            scores = np.where(np.tril(np.ones((n, m), bool)), scores, -np.inf)
        e = np.exp(scores - scores.max(-1, keepdims=True))
        weights = e / e.sum(-1, keepdims=True)
        out[:, part] = weights @ v[:, part]
        mean += weights / CONFIG["heads"]
    return out, mean


def swiglu(x, gate_up, down):
    both = x @ gate_up.T
    return silu(both[:, 0::2]) * both[:, 1::2] @ down.T


class Layer:
    def __init__(self, weights, tap):
        prefix = f"layer.{tap}."
        self.w = {name[len(prefix):]: v.astype(np.float64) for name, v in weights.items() if name.startswith(prefix)}

    def read(self, tap, question):
        """Steps 1 to 4 of the description."""
        w, d = self.w, CONFIG["width"]
        rows = np.concatenate([tap[first:first + count] for first, count in question["ranges"]])
        bound = CONFIG["bound"]
        x = np.clip((rms(rows) - w["tap.mean"]) * w["tap.scale"], -bound, bound)
        x = x @ w["input.weight"].T + w["input.bias"]
        pointers = question["numbers"] + ([] if question["previous"] is None else [question["previous"]])
        for k, token in enumerate(pointers):
            x[token] += w["ordinal"][k]
        for position in range(len(x)):
            angles = [position * 10000.0 ** (-i / (d // 2)) for i in range(d // 2)]
            x[position] += [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
        for b in range(CONFIG["encoder_blocks"]):
            p = lambda name: w[f"encoder.{b}.{name}"]
            q, k, v = np.split(rms(x) * p("norm1") @ p("qkv").T, 3, axis=1)
            x = x + attention(q, k, v, causal=False)[0] @ p("out").T
            x = x + swiglu(rms(x) * p("norm2"), p("gate_up"), p("down"))
        self.memory = rms(x) * w["memory.norm"]
        self.gate = (self.memory @ w["gate.weight"].T).mean() + w["gate.bias"].item()
        at = self.memory[pointers].reshape(len(pointers), d)
        self.keys = at @ w["pointer.key"].T + w["pointer.ordinal"][:len(pointers)]
        self.inputs = at @ w["pointer.input"].T

    def logits(self, outputs):
        """Steps 5 and 6: a row for each output and the end. The cross-attention's mean weights stay in `focus`."""
        w, rows, depth = self.w, [], 0
        for t, last in enumerate([None] + outputs):
            if last is not None:
                depth = after(depth, last)
            row = w["token"][P] if last is None else w["token"][last] if last < P else self.inputs[last - P]
            rows.append(row + w["step"][t] + w["depth"][depth])
        x = np.array(rows)
        for b in range(CONFIG["decoder_blocks"]):
            p = lambda name: w[f"decoder.{b}.{name}"]
            q, k, v = np.split(rms(x) * p("norm1") @ p("qkv").T, 3, axis=1)
            x = x + attention(q, k, v, causal=True)[0] @ p("out").T
            k, v = np.split(self.memory @ p("cross_kv").T, 2, axis=1)
            crossed, weights = attention(rms(x) * p("norm2") @ p("cross_q").T, k, v, causal=False)
            self.focus = weights / CONFIG["decoder_blocks"] + (self.focus if b else 0)
            x = x + np.tanh(p("cross_gate").item()) * crossed @ p("cross_out").T
            x = x + swiglu(rms(x) * p("norm3"), p("gate_up"), p("down"))
        x = rms(x) * w["output.norm"]
        fixed = x @ w["output.weight"].T + w["output.bias"]
        return np.concatenate([fixed, x @ w["pointer.query"].T @ self.keys.T / math.sqrt(CONFIG["width"])], axis=1)


def operands(output):
    return OPERANDS[output - 1][1] if 1 <= output <= len(OPERANDS) else 0


def after(depth, output):
    return depth - operands(output) + 1


def may_follow(outputs, depth, output):
    """End where one value is left; an instruction where its operands are there and the rest of the length can use up the
    stack."""
    if output == 0:
        return len(outputs) > 0 and depth == 1
    left = MOST_INSTRUCTIONS - len(outputs) - 1
    return left >= 0 and depth >= operands(output) and after(depth, output) - 1 <= left


def log_probabilities(logits, outputs, depth):
    masked = np.array([v if may_follow(outputs, depth, o) else -np.inf for o, v in enumerate(logits)])
    top = masked.max()
    return masked - top - math.log(np.exp(masked - top).sum())


def forced(layer, outputs):
    depth, values = 0, []
    logits = layer.logits(outputs)
    for t, output in enumerate(outputs + [0]):
        values.append(log_probabilities(logits[t], outputs[:t], depth)[output])
        depth = after(depth, output) if output else depth
    return values


# What is so much less likely than the best, in nats, is no candidate.
MARGIN = 5.0


def search(layer, width):
    """Beam search, recomputing everything at each step. Also the least gap between what was kept and what was not."""
    live, finished, gap = [([], 0, [])], [], math.inf
    while live:
        options = []
        for outputs, depth, values in live:
            for output, value in enumerate(log_probabilities(layer.logits(outputs)[-1], outputs, depth)):
                if value > -np.inf:
                    options.append((sum(values) + value, outputs + [output], depth, values + [value]))
        options.sort(key=lambda option: -option[0])
        sums = [option[0] for option in options]
        gap = min([gap] + [sums[i] - sums[i + 1] for i in range(min(2 * width, len(sums) - 1))])
        finished += [(o[0], o[1][:-1], o[3]) for o in options[:width] if o[1][-1] == 0]
        finished = sorted(finished, key=lambda f: -f[0])[:width]
        least = finished[0][0] - MARGIN if finished else -math.inf
        finished = [f for f in finished if f[0] >= least]
        going = [o for o in options if o[1][-1] != 0][:width]
        live = [(o[1], after(o[2], o[1][-1]), o[3]) for o in going
                if o[0] >= least and (len(finished) < width or o[0] > finished[-1][0])]
    gap = min([gap] + [a[0] - b[0] for a, b in zip(finished, finished[1:])])
    found = [{"outputs": o, "logprob": s, "min_logprob": min(values)} for s, o, values in finished]
    return found, gap


def write_safetensors(path, tensors, metadata=None):
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, values in tensors.items():
        kind = {np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}[values.dtype]
        raw = values.tobytes()
        header[name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    random = np.random.default_rng(1)
    weights = random_weights(random)
    taps = {}
    for tap in CONFIG["taps"]:
        # A channel far above the others, as trained models have, is what clamping is for.
        values = random.normal(size=(CONTEXT, CONFIG["hidden"])) * (1 + tap)
        values[:, 5] *= 6
        taps[f"tap.{tap}"] = values.astype(np.float32)
    layers = [Layer(weights, tap) for tap in CONFIG["taps"]]
    tensors, questions, gap = dict(taps), [], math.inf
    for question in QUESTIONS:
        for layer, tap in zip(layers, CONFIG["taps"]):
            layer.read(taps[f"tap.{tap}"].astype(np.float64), question)
        tensors[f"gates.{question['name']}"] = np.array([layer.gate for layer in layers], np.float32)
        programs = []
        for i, outputs in enumerate(PROGRAMS[question["name"]]):
            logits = np.stack([layer.logits(outputs) for layer in layers]).astype(np.float32)
            tensors[f"logits.{question['name']}.{i}"] = logits
            tensors[f"focus.{question['name']}.{i}"] = np.stack([layer.focus for layer in layers]).astype(np.float32)
            scores = [forced(layer, outputs) for layer in layers]
            programs.append({"outputs": outputs, "logprob": [sum(s) for s in scores], "min_logprob": [min(s) for s in scores]})
        searches = [search(layer, BEAMS) for layer in layers]
        greedy = [search(layer, 1) for layer in layers]
        gap = min([gap] + [g for _, g in searches + greedy])
        questions.append({**question, "programs": programs, "candidates": [c for c, _ in searches],
                          "greedy": [c[0] for c, _ in greedy]})
    # Where two sums are nearly equal, another order of summation may keep the other.
    assert gap > 3e-4, gap
    metadata = {"format": "wattage-wasm-layers", "version": "1", "config": json.dumps(CONFIG),
                "provenance": json.dumps({"data": "random"})}
    if "--check" in sys.argv:
        expected = json.loads((FOLDER / "layers.expected.json").read_text())
        for now, then in zip(questions, expected["questions"], strict=True):
            for a, b in zip(now["candidates"], then["candidates"], strict=True):
                for a, b in zip(a, b, strict=True):
                    assert a["outputs"] == b["outputs"] and abs(a["logprob"] - b["logprob"]) < 1e-6
        print("the same")
        return
    write_safetensors(FOLDER / "layers.safetensors", weights, metadata)
    write_safetensors(FOLDER / "layers.expected.safetensors", tensors)
    expected = {"beams": BEAMS, "context": CONTEXT, "least_gap": gap, "questions": questions}
    (FOLDER / "layers.expected.json").write_text(json.dumps(expected) + "\n")
    print("least gap", gap)
    for question in questions:
        for layer in question["candidates"]:
            print(question["name"], [(c["outputs"], round(c["logprob"], 2)) for c in layer])


main()
