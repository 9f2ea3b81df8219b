// Q6_K: nibbles; scales: 21 words a super-block of 8 blocks: f16 d, 4 words with the 16 signed scales of 16
// values each, then for each block two words with the upper two bits of its 32 values. w = (d scale) (q - 32)
// include nibbles
fn sixes(word: u32, high: u32) -> vec4<f32> {
    let top = ((vec4<u32>(high) >> vec4<u32>(0u, 2u, 4u, 6u)) & vec4<u32>(3u)) << vec4<u32>(4u);
    return vec4<f32>(nibbles(word) | top);
}

fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let q = quants[block];
    let w = select(q.xy, q.zw, half == 1u);
    let h = scales[(block >> 3u) * 21u + 5u + (block & 7u) * 2u + half];
    return mat4x4<f32>(sixes(w.x, h), sixes(w.x >> 16u, h >> 8u), sixes(w.y, h >> 16u), sixes(w.y >> 16u, h >> 24u));
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    let base = (block >> 3u) * 21u;
    let j = (block & 7u) * 2u + half;
    let s = extractBits(bitcast<i32>(scales[base + 1u + (j >> 2u)]), (j & 3u) * 8u, 8u);
    let d = unpack2x16float(scales[base]).x * f32(s);
    return vec2<f32>(d, -32.0 * d);
}
