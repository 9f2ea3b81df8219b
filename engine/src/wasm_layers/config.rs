//! The shape of a base's WASM layers and the format of their file, `wasm_layers.safetensors`: defined here, used by the
//! trainer that writes it and the engine that reads it.
//!
//! The file's metadata has `format`, `version`, `config` (a [`LayersConfig`] as JSON) and `provenance` (JSON: data, seed, epochs,
//! measured accuracy). Its tensors, F16 or F32, are those of [`tensors`] for each tapped layer.

use serde::{Deserialize, Serialize};

use super::program::{Instruction, MOST_INSTRUCTIONS, MOST_NUMBERS, Op};
use crate::kernels::LayerAttend;
use crate::{Error, Result};

/// The name of the file beside its base.
pub const FILE: &str = "wasm_layers.safetensors";
/// The file's `format`.
pub const FORMAT: &str = "wattage-wasm-layers";
/// The file's `version`.
pub const VERSION: &str = "1";
/// Longest question that the layers read, in tokens.
pub const MOST_TOKENS: usize = 1024;
/// Numbers that a program can point at: those of the question, and what was computed before.
pub const POINTERS: usize = MOST_NUMBERS + 1;

/// The shape of a base's WASM layers, all of which have the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayersConfig {
    /// Which base they were trained on.
    pub base: String,
    /// Width of the base's residual stream.
    pub hidden: usize,
    /// The decoder layers that are tapped, from 0.
    pub taps: Vec<usize>,
    /// Width of a WASM layer; a multiple of 4.
    pub width: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of a feed-forward block; a multiple of 4.
    pub ffn: usize,
    /// Bidirectional blocks over the projected question.
    pub encoder_blocks: usize,
    /// Blocks of the decoder.
    pub decoder_blocks: usize,
    /// The numbers that `f64.const` can push.
    pub constants: Vec<f64>,
    /// Texts of the tokens that the base saw before each number of a question, the k-th before the k-th; empty for a base that
    /// saw questions as people write them.
    pub markers: Vec<String>,
    /// What standardised taps are clamped to, either side of zero.
    pub bound: f32,
    /// RMSNorm's epsilon.
    pub eps: f32,
}

/// What a decoder's output stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Token {
    /// The program is complete.
    End,
    /// An instruction that needs no pointer.
    Fixed(Instruction),
    /// `local.get` of this number.
    Pointer(u8),
}

impl LayersConfig {
    /// Refuses a shape that the kernels cannot take.
    ///
    /// # Errors
    /// [`Error::Format`] that names what is wrong.
    pub fn check(&self) -> Result<()> {
        let wrong = |why: &str| Err(Error::Format(format!("the WASM layers' configuration: {why}")));
        let sizes = [self.hidden, self.width, self.ffn];
        if sizes.iter().any(|size| *size == 0 || !size.is_multiple_of(4) || *size > 2048) {
            return wrong("widths are multiples of 4 up to 2048");
        }
        if !(1..=32).contains(&self.heads)
            || !self.width.is_multiple_of(self.heads)
            || self.width / self.heads > LayerAttend::WIDEST
        {
            return wrong("at most 32 heads, which divide the width and are at most 64 wide");
        }
        if self.taps.is_empty() || self.taps.len() > 8 || self.taps.windows(2).any(|pair| pair[0] >= pair[1]) {
            return wrong("one to eight taps, in ascending order");
        }
        if self.encoder_blocks > 4 || self.decoder_blocks == 0 || self.decoder_blocks > 4 {
            return wrong("at most four blocks, and one decoder block at least");
        }
        if self.constants.len() > 256 || self.constants.iter().any(|value| !value.is_finite()) {
            return wrong("at most 256 constants, all finite");
        }
        if (1..self.constants.len()).any(|at| self.constants[..at].contains(&self.constants[at])) {
            return wrong("each constant once, or an instruction would have two outputs");
        }
        if !(self.bound > 0.0 && self.bound.is_finite() && self.eps > 0.0 && self.eps < 1.0) {
            return wrong("a bound over zero, and an epsilon between zero and one");
        }
        if !self.markers.is_empty() && self.markers.len() < MOST_NUMBERS {
            return wrong("a marker for every number, or none");
        }
        Ok(())
    }

    /// Outputs that are not pointers: end, the operations, the constants.
    pub fn fixed(&self) -> usize {
        1 + Op::ALL.len() + self.constants.len()
    }

    /// What output `id` stands for; pointers follow the fixed ones.
    pub fn token(&self, id: usize) -> Option<Token> {
        let constants = 1 + Op::ALL.len();
        match id {
            0 => Some(Token::End),
            _ if id < constants => Some(Token::Fixed(Instruction::Op(Op::ALL[id - 1]))),
            _ if id < self.fixed() => Some(Token::Fixed(Instruction::Const(self.constants[id - constants]))),
            _ => u8::try_from(id - self.fixed()).ok().filter(|k| usize::from(*k) < POINTERS).map(Token::Pointer),
        }
    }

    /// The output that stands for an instruction; none for a constant that the vocabulary lacks. End is 0.
    pub fn id(&self, instruction: Instruction) -> Option<usize> {
        match instruction {
            Instruction::Op(op) => Op::ALL.iter().position(|other| *other == op).map(|at| 1 + at),
            Instruction::Const(value) => {
                self.constants.iter().position(|other| *other == value).map(|at| 1 + Op::ALL.len() + at)
            }
            Instruction::Local(k) => (usize::from(k) < POINTERS).then(|| self.fixed() + usize::from(k)),
        }
    }
}

/// A tensor of one WASM layer: its name after `layer.N.`, and its shape [rows, cols]; one row for a vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerTensor {
    /// Name after the layer's prefix.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

/// The tensors of one WASM layer, in the order of the computation.
///
/// 1. A token's tap x [hidden] is divided by its root mean square, less `tap.mean`, times `tap.scale`, clamped, and projected by
///    `input.weight`, `input.bias`. To it are added row k of `ordinal` where it is the last token of the k-th number, and the
///    sines and cosines of its place in the question ([`place`]).
/// 2. Encoder blocks (pre-norm): x += out(attention(qkv(norm1 x))) over all tokens, x += down(silu(gate) * up of norm2 x);
///    `gate_up` has rows that alternate gate, up. What comes out, under `memory.norm`, is the memory.
/// 3. The gate: the mean over the tokens of `gate.weight` · memory, plus `gate.bias`, as a logit.
/// 4. Pointer k: key = `pointer.key` · memory at the last token of the k-th number + row k of `pointer.ordinal`; as an input to
///    the decoder `pointer.input` · memory there.
/// 5. Decoder, a step an instruction: the input is the last instruction's row of `token` (the last row at the start) or its
///    pointer's, plus row t of `step` and, for the stack's depth, row d of `depth`. Blocks (pre-norm): causal self-attention;
///    x += tanh(`cross_gate`) * cross_out(attention of cross_q(norm2 x) over cross_kv(memory)); SwiGLU as above.
/// 6. Under `output.norm`: logits of the fixed outputs by `output.weight`, `output.bias`; of pointer k by
///    (`pointer.query` · x) · key / sqrt(width).
pub fn tensors(config: &LayersConfig) -> Vec<LayerTensor> {
    let (d, f) = (config.width, config.ffn);
    let mut all = Vec::new();
    let mut add = |name: String, rows: usize, cols: usize| all.push(LayerTensor { name, rows, cols });
    add("tap.mean".into(), 1, config.hidden);
    add("tap.scale".into(), 1, config.hidden);
    add("input.weight".into(), d, config.hidden);
    add("input.bias".into(), 1, d);
    add("ordinal".into(), POINTERS, d);
    for block in 0..config.encoder_blocks {
        let name = |part: &str| format!("encoder.{block}.{part}");
        add(name("norm1"), 1, d);
        add(name("qkv"), 3 * d, d);
        add(name("out"), d, d);
        add(name("norm2"), 1, d);
        add(name("gate_up"), 2 * f, d);
        add(name("down"), d, f);
    }
    add("memory.norm".into(), 1, d);
    add("gate.weight".into(), 1, d);
    add("gate.bias".into(), 1, 1);
    add("pointer.key".into(), d, d);
    add("pointer.ordinal".into(), POINTERS, d);
    add("pointer.input".into(), d, d);
    add("token".into(), config.fixed() + 1, d);
    add("step".into(), MOST_INSTRUCTIONS + 1, d);
    add("depth".into(), MOST_INSTRUCTIONS + 1, d);
    for block in 0..config.decoder_blocks {
        let name = |part: &str| format!("decoder.{block}.{part}");
        add(name("norm1"), 1, d);
        add(name("qkv"), 3 * d, d);
        add(name("out"), d, d);
        add(name("norm2"), 1, d);
        add(name("cross_q"), d, d);
        add(name("cross_kv"), 2 * d, d);
        add(name("cross_out"), d, d);
        add(name("cross_gate"), 1, 1);
        add(name("norm3"), 1, d);
        add(name("gate_up"), 2 * f, d);
        add(name("down"), d, f);
    }
    add("output.norm".into(), 1, d);
    add("output.weight".into(), config.fixed(), d);
    add("output.bias".into(), 1, config.fixed());
    add("pointer.query".into(), d, d);
    all
}

/// What is added to the token at `position` of a question: sines, then cosines, of geometric rates (Vaswani et al. 2017).
pub fn place(position: usize, width: usize) -> Vec<f32> {
    let half = width / 2;
    let angle = |i: usize| position as f64 * 1e4f64.powf(-(i as f64) / half as f64);
    (0..half).map(|i| angle(i).sin() as f32).chain((0..half).map(|i| angle(i).cos() as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> LayersConfig {
        LayersConfig {
            base: "test".into(),
            hidden: 64,
            taps: vec![3, 7, 11],
            width: 48,
            heads: 3,
            ffn: 96,
            encoder_blocks: 1,
            decoder_blocks: 1,
            constants: vec![1.0, 100.0, 0.5],
            markers: Vec::new(),
            bound: 6.0,
            eps: 1e-6,
        }
    }

    #[test]
    fn outputs_and_instructions_stand_for_each_other() {
        let config = config();
        config.check().unwrap();
        for id in 1..config.fixed() + POINTERS {
            let instruction = match config.token(id).unwrap() {
                Token::Fixed(instruction) => instruction,
                Token::Pointer(k) => Instruction::Local(k),
                Token::End => panic!("only output 0 is the end"),
            };
            assert_eq!(config.id(instruction), Some(id));
        }
        assert_eq!(config.token(config.fixed() + POINTERS), None);
        assert_eq!(config.id(Instruction::Const(3.0)), None);
    }

    #[test]
    fn shapes_that_the_kernels_cannot_take_are_refused() {
        let refused = [
            LayersConfig { width: 50, ..config() },
            LayersConfig { heads: 5, ..config() },
            LayersConfig { heads: 48, ..config() },
            LayersConfig { heads: 0, ..config() },
            LayersConfig { constants: vec![1.0, 2.0, 1.0], ..config() },
            LayersConfig { bound: f32::NAN, ..config() },
            LayersConfig { eps: 0.0, ..config() },
            LayersConfig { taps: vec![7, 3], ..config() },
            LayersConfig { decoder_blocks: 0, ..config() },
            LayersConfig { constants: vec![f64::NAN], ..config() },
            LayersConfig { markers: vec!["<|n0|>".into()], ..config() },
        ];
        for config in refused {
            assert!(matches!(config.check(), Err(Error::Format(_))), "{config:?}");
        }
    }
}
