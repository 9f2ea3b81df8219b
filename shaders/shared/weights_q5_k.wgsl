// Q5_K: as Q4_K, then 8 more words of scales with each block's 32 fifth bits: 12 words a super-block.
// w = (d scale) q - dmin minimum
fn fives(word: u32, high: u32) -> vec4<f32> {
    let low = (vec4<u32>(word) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u);
    let top = ((vec4<u32>(high) >> vec4<u32>(0u, 1u, 2u, 3u)) & vec4<u32>(1u)) << vec4<u32>(4u);
    return vec4<f32>(low | top);
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block];
    let w = select(q.xy, q.zw, half == 1u);
    let h = scales[(block >> 3u) * 12u + 4u + (block & 7u)] >> (half * 16u);
    return mat4x4<f32>(fives(w.x, h), fives(w.x >> 16u, h >> 4u), fives(w.y, h >> 8u), fives(w.y >> 16u, h >> 12u));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    let base = (block >> 3u) * 12u;
    let j = block & 7u;
    let d = unpack2x16float(scales[base]);
    let top = scales[base + 3u] >> (2u * j);
    let s = ((scales[base + 1u] >> (4u * j)) & 15u) | ((top & 3u) << 4u);
    let m = ((scales[base + 2u] >> (4u * j)) & 15u) | (((top >> 16u) & 3u) << 4u);
    return vec2<f32>(d.x * f32(s), -(d.y * f32(m)));
}
