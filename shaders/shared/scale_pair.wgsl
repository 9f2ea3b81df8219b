// The f16 scale of a block, of two that share a word.
fn scale_of(word: u32, block: u32) -> f32 {
    let pair = unpack2x16float(word);
    return select(pair.x, pair.y, (block & 1u) == 1u);
}
