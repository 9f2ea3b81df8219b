//! The forward pass of Qwen2 and Qwen3, as recordings (Qwen2 and Qwen3 technical reports; Hugging Face `modeling_qwen3`).

use super::pass::{Epilogue, Pass, Rows};
use super::state::{CHUNK, Lanes};
use super::weights::{Matrix, Weights};
use super::{Beside, Config, RunState};
use crate::kernels::{ArgmaxFinal, ArgmaxPartial, Penalise, TopkFinal, TopkPartial};
use crate::recording::{Recording, Slice, Workgroups};

/// One token through all layers, its position and id taken from the state words. Leaves the residual stream in `x`.
pub(crate) fn decode(config: &Config, weights: &Weights, state: &RunState) -> Recording {
    let mut pass = Pass { taps: &state.taps, ..Pass::new(config, state, &state.cache, 1) };
    pass.embed(weights);
    for (i, layer) in weights.layers.iter().enumerate() {
        // 1. RMSNorm, q, k, v and their bias.
        for part in &layer.qkv {
            pass.matvec(
                &part.matrix,
                state.x,
                0,
                Some(layer.attention_norm),
                part.bias,
                state.qkv,
                part.first,
                Epilogue::Store,
            );
        }
        // 2. Norm of q and k, rotary embedding, cache.
        pass.rope_cache(layer, i);
        // 3. Attention over pieces of the context, 4. merged.
        pass.attend_one(i);
        // 5. Output projection onto the residual stream.
        pass.matvec(&layer.output, state.attended, 0, None, None, state.x, 0, Epilogue::Add);
        // 6. RMSNorm, gate and up, SwiGLU.
        pass.gate_up_one(layer);
        // 7. Down projection onto the residual stream.
        pass.matvec(&layer.down, state.activated, 0, None, None, state.x, 0, Epilogue::Add);
        pass.tap(i);
    }
    pass.recording
}

/// `rows` tokens through all layers. Leaves the residual stream of each in `x`.
pub(crate) fn prefill(config: &Config, weights: &Weights, state: &RunState, rows: usize) -> Recording {
    many(config, weights, Pass { taps: &state.taps, ..Pass::new(config, state, &state.cache, rows) }, &[])
}

/// As [`prefill`], beside the conversation: in another cache, and no tap is kept.
pub(crate) fn beside(config: &Config, weights: &Weights, state: &RunState, beside: &Beside, rows: usize) -> Recording {
    many(config, weights, Pass::new(config, state, &beside.cache, rows), &[])
}

/// A greedy step of several texts, each in its lane: products go over the rows of all of them, so that weights are read and decoded
/// once. Leaves each lane's next token in `greedy` and in its state words.
pub(crate) fn together(
    config: &Config,
    weights: &Weights,
    state: &RunState,
    lanes: &Lanes,
    active: &[usize],
) -> Recording {
    let row_of = |whole: Slice, row: usize, width: usize| {
        let size = 4 * width as u64;
        Slice { offset: whole.offset + row as u64 * size, size, ..whole }
    };
    let qkv_heads = config.heads + 2 * config.kv_heads;
    let texts: Vec<Rows<'_>> = active
        .iter()
        .enumerate()
        .map(|(row, lane)| Rows {
            count: 1,
            words: row_of(lanes.words, *lane, Lanes::WORDS),
            x: row_of(state.x, row, config.hidden),
            qkv: row_of(state.qkv, row, qkv_heads * config.head_dim),
            attended: row_of(state.attended, row, config.heads * config.head_dim),
            cache: &lanes.caches[*lane].cache,
        })
        .collect();
    // 1. Through all layers.
    let mut recording = many(config, weights, Pass::new(config, state, &[], active.len()), &texts);
    // 2. The logits of each.
    let logits = (weights.head(), lanes.logits, lanes.stride);
    recording.dispatches.append(&mut heads(config, weights, state, logits, active.len()).dispatches);
    // 3. The most likely token of each.
    for (row, (lane, text)) in active.iter().zip(&texts).enumerate() {
        let logits = row_of(lanes.logits, row, lanes.stride);
        let result = row_of(lanes.greedy, *lane, Lanes::WORDS);
        argmax(config, (logits, state.best), (text.words, result), &mut recording);
    }
    recording
}

/// Rows of one text, or of `texts` one each.
fn many<'a>(config: &Config, weights: &Weights, mut pass: Pass<'a>, texts: &[Rows<'a>]) -> Recording {
    debug_assert!(pass.rows.count <= CHUNK);
    let state = pass.state;
    pass.each(texts, |pass| pass.embed(weights));
    for (i, layer) in weights.layers.iter().enumerate() {
        pass.norm(layer.attention_norm);
        for part in &layer.qkv {
            let stride = (config.heads + 2 * config.kv_heads) * config.head_dim;
            pass.matmul(&part.matrix, state.normed, part.bias, state.qkv, stride, part.first, Epilogue::Store);
        }
        pass.each(texts, |pass| {
            pass.rope_cache(layer, i);
            pass.attend_many(i);
        });
        pass.matmul(&layer.output, state.attended, None, state.x, config.hidden, 0, Epilogue::Add);
        pass.norm(layer.mlp_norm);
        pass.gate_up_many(&layer.gate_up);
        pass.matmul(&layer.down, state.activated, None, state.x, config.hidden, 0, Epilogue::Add);
        pass.tap(i);
    }
    pass.recording
}

/// The logits of row `row` of the residual stream: final RMSNorm and head.
pub(crate) fn head(config: &Config, weights: &Weights, state: &RunState, row: usize) -> Recording {
    let mut pass = Pass::new(config, state, &state.cache, 1);
    let first = row * config.hidden / 4;
    pass.matvec(weights.head(), state.x, first, Some(weights.norm), None, state.logits, 0, Epilogue::Store);
    pass.recording
}

/// The logits [rows, stride] of a head, for each row of the residual stream.
pub(crate) fn heads(
    config: &Config,
    weights: &Weights,
    state: &RunState,
    (head, logits, stride): (&Matrix, Slice, usize),
    rows: usize,
) -> Recording {
    let mut pass = Pass::new(config, state, &state.cache, rows);
    pass.norm(weights.norm);
    pass.matmul(head, state.normed, None, logits, stride, 0, Epilogue::Store);
    pass.recording
}

/// The most likely token from the logits, into `greedy` and the state words of the next step.
pub(crate) fn greedy(config: &Config, state: &RunState) -> Recording {
    let mut recording = Recording::default();
    argmax(config, (state.logits, state.best), (state.state, state.greedy), &mut recording);
    recording
}

/// The most likely token from `logits` by way of `best`, into `result` and the state words.
fn argmax(config: &Config, (logits, best): (Slice, Slice), (words, result): (Slice, Slice), recording: &mut Recording) {
    let pieces = config.vocab.div_ceil(ArgmaxPartial::PIECE) as u32;
    recording.push(ArgmaxPartial { logits, best, count: config.vocab as u32 }, Workgroups::Fixed(pieces, 1));
    recording.push(ArgmaxFinal { best, state: words, result, pieces }, Workgroups::Fixed(1, 1));
}

/// The likeliest tokens and the normaliser from the logits, into `top`; with penalties on tokens seen, where asked for.
pub(crate) fn sample(config: &Config, state: &RunState, penalise: bool) -> Recording {
    let mut recording = Recording::default();
    if penalise {
        recording.push(Penalise { state: state.state, seen: state.seen, logits: state.logits }, Workgroups::PerSeen);
    }
    let pieces = config.vocab.div_ceil(TopkPartial::PIECE) as u32;
    recording.push(
        TopkPartial { state: state.state, logits: state.logits, tops: state.tops, count: config.vocab as u32 },
        Workgroups::Fixed(pieces, 1),
    );
    recording
        .push(TopkFinal { state: state.state, tops: state.tops, result: state.top, pieces }, Workgroups::Fixed(1, 1));
    recording
}
