// Q8_0: 32 signed bytes = 2 vectors; scales: one f16 a block, two blocks a word. w = d q
// include scale_pair
fn bytes(word: u32) -> vec4<f32> {
    return vec4<f32>((vec4<i32>(bitcast<i32>(word)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block * 2u + half];
    return mat4x4<f32>(bytes(q.x), bytes(q.y), bytes(q.z), bytes(q.w));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    return vec2<f32>(scale_of(scales[block >> 1u], block), 0.0);
}
