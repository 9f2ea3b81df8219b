enable f16;

// The weights' tile in workgroup memory as f16: half the bytes. Activations stay f32, which f16 could not always hold.
alias Tile = f16;
