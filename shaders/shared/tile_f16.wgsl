enable f16;

// The weights' tile in workgroup memory as f16: half the bytes, and exact where the weights are f16 themselves. Activations
// stay f32, which f16 could not always hold.
alias Tile = f16;
