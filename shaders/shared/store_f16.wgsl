// Writing the KV cache in f16, two values a word; `i` counts vectors of four. Needs no feature.
@group(0) @binding(2) var<storage, read_write> keys: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> values: array<vec2<u32>>;

fn store_key4(i: u32, v: vec4<f32>) {
    keys[i] = vec2<u32>(pack2x16float(v.xy), pack2x16float(v.zw));
}

fn store_value4(i: u32, v: vec4<f32>) {
    values[i] = vec2<u32>(pack2x16float(v.xy), pack2x16float(v.zw));
}
