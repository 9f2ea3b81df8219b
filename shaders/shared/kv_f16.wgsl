// The KV cache in f16, two values a word, read four values at a time; `i` counts vectors of four. Needs no feature.
@group(0) @binding(2) var<storage, read> keys: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> values: array<vec2<u32>>;

fn key4(i: u32) -> vec4<f32> {
    let w = keys[i];
    return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));
}

fn value4(i: u32) -> vec4<f32> {
    let w = values[i];
    return vec4<f32>(unpack2x16float(w.x), unpack2x16float(w.y));
}
