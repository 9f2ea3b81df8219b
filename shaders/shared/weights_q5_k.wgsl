// Q5_K: as Q4_K, then 8 more words of scales with each block's 32 fifth bits: 12 words a super-block.
// w = (d scale) q - dmin minimum
// include quant_fives
// include scale_k
fn fifth_bits(block: u32) -> u32 {
    return scales[(block >> 3u) * 12u + 4u + (block & 7u)];
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    return scale_k((block >> 3u) * 12u, block & 7u);
}
