"""Random blocks of every storage format, decoded by the gguf package; `make_models.py` writes and checks them."""

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type


def blocks() -> dict:
    """Random blocks of every format and their values as the gguf package decodes them, bit for bit."""
    rng = np.random.default_rng(29)
    halves = {  # byte offsets of the block's f16 scales
        Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
        Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
    }
    tensors = {}
    for kind in [Type.F32, Type.F16, Type.BF16, *halves]:
        values, size = gguf.GGML_QUANT_SIZES[kind]
        count = 8 if values == 256 else 24 if values == 32 else 256
        raw = rng.integers(0, 256, (count, size), dtype=np.uint8)
        if values == 1:
            source = rng.normal(0.0, 2.0, (1, count)).astype(np.float32)
            raw = gguf.quants.quantize(source, kind).view(np.uint8).reshape(count, size)
        for at in halves.get(kind, []):
            # Both signs, one zero and one subnormal scale among them.
            scales = rng.normal(0.0, 0.02, count).astype(np.float16)
            scales[0], scales[1] = 0.0, 3e-6
            raw[:, at:at + 2] = scales.view(np.uint8).reshape(count, 2)
        flat = raw.reshape(1, -1) if values > 1 else raw.reshape(-1).view(
            {Type.F32: np.float32, Type.F16: np.float16, Type.BF16: np.uint8}[kind]).reshape(1, -1)
        decoded = gguf.quants.dequantize(flat, kind).astype(np.float32).reshape(-1)
        assert decoded.size == count * values and np.isfinite(decoded).all()
        tensors[f"{kind.name}.bytes"] = torch.from_numpy(raw.reshape(-1).copy())
        tensors[f"{kind.name}.values"] = torch.from_numpy(decoded.copy())
    return tensors
