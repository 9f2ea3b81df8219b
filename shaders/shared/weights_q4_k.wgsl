// Q4_K: nibbles; scales: four words a super-block of 8 blocks, as scale_k reads them. w = (d scale) q - dmin minimum
// include quant_fours
// include scale_k
fn scale2(block: u32, half: u32) -> vec2<f32> {
    return scale_k((block >> 3u) * 4u, block & 7u);
}
