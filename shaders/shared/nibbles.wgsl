// 32 nibbles = 1 vector: value i in bits 4 (i mod 8) of word i / 8.
fn nibbles(word: u32) -> vec4<u32> {
    return (vec4<u32>(word) >> vec4<u32>(0u, 4u, 8u, 12u)) & vec4<u32>(15u);
}
