// Q4_0: 32 nibbles = 1 vector, value i in bits 4 (i mod 8) of word i / 8; scales: one f16 a block, two blocks a word. w = d (q - 8)
fn nibbles(word: u32) -> vec4<f32> {
    return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u));
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block];
    let w = select(q.xy, q.zw, half == 1u);
    return mat4x4<f32>(nibbles(w.x), nibbles(w.x >> 16u), nibbles(w.y), nibbles(w.y >> 16u));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    let pair = unpack2x16float(scales[block >> 1u]);
    let d = select(pair.x, pair.y, (block & 1u) == 1u);
    return vec2<f32>(d, -8.0 * d);
}
