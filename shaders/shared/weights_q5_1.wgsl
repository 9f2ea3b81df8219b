// Q5_1: nibbles; scales: a block's f16 scale and minimum in one word, its 32 fifth bits in the next. w = d q + m
// include quant_fives
fn fifth_bits(block: u32) -> u32 {
    return scales[block * 2u + 1u];
}

fn scale2(block: u32, half: u32) -> vec2<f32> {
    return unpack2x16float(scales[block * 2u]);
}
