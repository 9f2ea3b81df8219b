// Q5_0: nibbles; scales: for a pair of blocks three words, the two f16 scales and each block's 32 fifth bits. w = d (q - 16)
// include quant_fives
// include scale_pair
fn fifth_bits(block: u32) -> u32 {
    return scales[(block >> 1u) * 3u + 1u + (block & 1u)];
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    let d = scale_of(scales[(block >> 1u) * 3u], block);
    return vec2<f32>(d, -16.0 * d);
}
