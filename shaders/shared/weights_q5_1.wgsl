// Q5_1: low 4 bits as in Q4_0; scales: a block's f16 scale and minimum in one word, its 32 fifth bits in the next. w = d q + m
fn fives(word: u32, high: u32) -> vec4<f32> {
    let low = (vec4<u32>(word) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u);
    let top = ((vec4<u32>(high) >> vec4<u32>(0u, 1u, 2u, 3u)) & vec4<u32>(1u)) << vec4<u32>(4u);
    return vec4<f32>(low | top);
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block];
    let w = select(q.xy, q.zw, half == 1u);
    let h = scales[block * 2u + 1u] >> (half * 16u);
    return mat4x4<f32>(fives(w.x, h), fives(w.x >> 16u, h >> 4u), fives(w.y, h >> 8u), fives(w.y >> 16u, h >> 12u));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    return unpack2x16float(scales[block * 2u]);
}
