// include nibbles
// Nibbles with a fifth bit each, from the low bits of `high`.
fn fives(word: u32, high: u32) -> vec4<f32> {
    let top = ((vec4<u32>(high) >> vec4<u32>(0u, 1u, 2u, 3u)) & vec4<u32>(1u)) << vec4<u32>(4u);
    return vec4<f32>(nibbles(word) | top);
}

// `fifth_bits` is the format's: the 32 fifth bits of a block, value i in bit i.
fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block];
    let w = select(q.xy, q.zw, half == 1u);
    let h = fifth_bits(block) >> (half * 16u);
    return mat4x4<f32>(fives(w.x, h), fives(w.x >> 16u, h >> 4u), fives(w.y, h >> 8u), fives(w.y >> 16u, h >> 12u));
}
