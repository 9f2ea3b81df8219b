// F16: 32 values = 4 vectors, two values a word.
fn halves(word: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(word.x), unpack2x16float(word.y));
}

// include quant_sixteen_bits
// include scale_none
