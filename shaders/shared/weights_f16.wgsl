// F16: 32 values = 4 vectors, two values a word.
fn halves(word: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(word.x), unpack2x16float(word.y));
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let a = quants[block * 4u + half * 2u];
    let b = quants[block * 4u + half * 2u + 1u];
    return mat4x4<f32>(halves(a.xy), halves(a.zw), halves(b.xy), halves(b.zw));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    return vec2<f32>(1.0, 0.0);
}
