// BF16: 32 values = 4 vectors, two values a word; a bfloat16 is the upper half of an f32.
fn halves(word: vec2<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(word.x << 16u, word.x & 0xffff0000u, word.y << 16u, word.y & 0xffff0000u));
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let a = quants[block * 4u + half * 2u];
    let b = quants[block * 4u + half * 2u + 1u];
    return mat4x4<f32>(halves(a.xy), halves(a.zw), halves(b.xy), halves(b.zw));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    return vec2<f32>(1.0, 0.0);
}
