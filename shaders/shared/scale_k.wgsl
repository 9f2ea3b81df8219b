// Scale and offset of block j of a super-block whose four words of scales begin at `base`: f16 d and dmin, the low nibbles of
// the 8 scales, those of the 8 minima, the upper two bits of the scales (low half) and of the minima (high half).
fn scale_k(base: u32, j: u32) -> vec2<f32> {
    let d = unpack2x16float(scales[base]);
    let top = scales[base + 3u] >> (2u * j);
    let s = ((scales[base + 1u] >> (4u * j)) & 15u) | ((top & 3u) << 4u);
    let m = ((scales[base + 2u] >> (4u * j)) & 15u) | (((top >> 16u) & 3u) << 4u);
    return vec2<f32>(d.x * f32(s), -(d.y * f32(m)));
}
