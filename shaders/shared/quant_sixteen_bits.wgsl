// `halves` is the format's: the four values in two words.
fn quant16(block: u32, half: u32) -> mat4x4<f32> {
    let a = quants[block * 4u + half * 2u];
    let b = quants[block * 4u + half * 2u + 1u];
    return mat4x4<f32>(halves(a.xy), halves(a.zw), halves(b.xy), halves(b.zw));
}
