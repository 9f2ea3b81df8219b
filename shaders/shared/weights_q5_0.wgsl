// Q5_0: low 4 bits as in Q4_0; scales: for a pair of blocks three words, the two f16 scales and each block's 32 fifth bits. w = d (q - 16)
fn fives(word: u32, high: u32) -> vec4<f32> {
    let low = (vec4<u32>(word) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u);
    let top = ((vec4<u32>(high) >> vec4<u32>(0u, 1u, 2u, 3u)) & vec4<u32>(1u)) << vec4<u32>(4u);
    return vec4<f32>(low | top);
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block];
    let w = select(q.xy, q.zw, half == 1u);
    let h = scales[(block >> 1u) * 3u + 1u + (block & 1u)] >> (half * 16u);
    return mat4x4<f32>(fives(w.x, h), fives(w.x >> 16u, h >> 4u), fives(w.y, h >> 8u), fives(w.y >> 16u, h >> 12u));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    let pair = unpack2x16float(scales[(block >> 1u) * 3u]);
    let d = select(pair.x, pair.y, (block & 1u) == 1u);
    return vec2<f32>(d, -16.0 * d);
}
