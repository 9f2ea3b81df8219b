// Q4_0: nibbles; scales: one f16 a block, two blocks a word. w = d (q - 8)
// include quant_fours
// include scale_pair
fn scale2(block: u32, half: u32) -> vec2<f32> {
    let d = scale_of(scales[block >> 1u], block);
    return vec2<f32>(d, -8.0 * d);
}
