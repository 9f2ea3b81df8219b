// Q4_1: 32 nibbles = 1 vector, value i in bits 4 (i mod 8) of word i / 8; scales: f16 scale and minimum, a word a block. w = d q + m
fn nibbles(word: u32) -> vec4<f32> {
    return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u));
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block];
    let w = select(q.xy, q.zw, half == 1u);
    return mat4x4<f32>(nibbles(w.x), nibbles(w.x >> 16u), nibbles(w.y), nibbles(w.y >> 16u));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    return unpack2x16float(scales[block]);
}
