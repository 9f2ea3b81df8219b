// Q4_1: nibbles; scales: f16 scale and minimum, a word a block. w = d q + m
// include quant_fours
fn scale2(block: u32, half: u32) -> vec2<f32> {
    return unpack2x16float(scales[block]);
}
