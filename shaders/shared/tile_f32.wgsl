// The weights' tile in workgroup memory as f32.
alias Tile = f32;
