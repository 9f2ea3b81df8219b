// BF16: 32 values = 4 vectors, two values a word; a bfloat16 is the upper half of an f32.
fn halves(word: vec2<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(word.x << 16u, word.x & 0xffff0000u, word.y << 16u, word.y & 0xffff0000u));
}

// include quant_sixteen_bits
// include scale_none
