// Q4_K: nibbles as in Q4_0; scales: four words a super-block of 8 blocks: f16 d and dmin, the low nibbles of the 8 scales,
// the low nibbles of the 8 minima, the upper two bits of the scales (low half) and of the minima (high half).
// w = (d scale) q - dmin minimum
fn nibbles(word: u32) -> vec4<f32> {
    return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u));
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block];
    let w = select(q.xy, q.zw, half == 1u);
    return mat4x4<f32>(nibbles(w.x), nibbles(w.x >> 16u), nibbles(w.y), nibbles(w.y >> 16u));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    let base = (block >> 3u) * 4u;
    let j = block & 7u;
    let d = unpack2x16float(scales[base]);
    let top = scales[base + 3u] >> (2u * j);
    let s = ((scales[base + 1u] >> (4u * j)) & 15u) | ((top & 3u) << 4u);
    let m = ((scales[base + 2u] >> (4u * j)) & 15u) | (((top >> 16u) & 3u) << 4u);
    return vec2<f32>(d.x * f32(s), -(d.y * f32(m)));
}
