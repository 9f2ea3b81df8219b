//! Each kernel against its definition, computed here in f64.

use half::f16;

use super::*;
use crate::kernels::{
    ArgmaxFinal, ArgmaxPartial, AttendMerge, AttendPrefill, AttendSplit, Embed, Glu, Matmul, Matvec, Penalise, Rmsnorm,
    RopeCache, Tap, TopkFinal, TopkPartial,
};
use crate::recording::Workgroups;

/// An executor with buffers that are easily made and read.
#[derive(Default)]
struct Bench {
    cpu: Cpu,
    seed: u64,
}

impl Bench {
    fn buffer<T: bytemuck::Pod>(&mut self, values: &[T]) -> Slice {
        let bytes: &[u8] = bytemuck::cast_slice(values);
        let buffer = self.cpu.create(bytes.len() as u64).unwrap();
        self.cpu.write(buffer, 0, bytes).unwrap();
        Slice { buffer, offset: 0, size: bytes.len() as u64 }
    }

    fn noise(&mut self, count: usize) -> Vec<f32> {
        let mut next = || {
            self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.seed >> 32) as i32 as f32 / 2f32.powi(30)
        };
        (0..count).map(|_| next()).collect()
    }

    fn read<T: bytemuck::Pod>(&self, slice: Slice) -> Vec<T> {
        bytemuck::pod_collect_to_vec(&self.cpu.read(slice).unwrap())
    }

    fn run(&mut self, run: Run, record: impl FnOnce(&mut Recording)) {
        let mut recording = Recording::default();
        record(&mut recording);
        self.cpu.run(&[&recording], run).unwrap();
    }
}

fn close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= tolerance * (1.0 + expected.abs()), "{i}: {found} is not {expected}");
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

fn norm(x: &[f64], gain: &[f32], eps: f32) -> Vec<f64> {
    let square: f64 = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64 + f64::from(eps);
    x.iter().zip(gain).map(|(v, g)| v / square.sqrt() * f64::from(*g)).collect()
}

fn silu(v: f64) -> f64 {
    v / (1.0 + (-v).exp())
}

const ONCE: Workgroups = Workgroups::Fixed(1, 1);

#[test]
fn rmsnorm_glu_and_tap() {
    let mut bench = Bench::default();
    let (rows, cols) = (3, 44);
    let (x, gain) = (bench.noise(2 * rows * cols), bench.noise(cols));
    let (x_at, gain_at) = (bench.buffer(&x), bench.buffer(&gain));
    let y = bench.buffer(&vec![0f32; rows * cols]);
    let by_row = Workgroups::Fixed(rows as u32, 1);
    bench.run(Run::default(), |r| r.push(Rmsnorm { x: x_at, gain: gain_at, y, cols4: 11, eps: 0.25 }, by_row));
    let expected: Vec<f64> = wide(&x)[..rows * cols].chunks(cols).flat_map(|row| norm(row, &gain, 0.25)).collect();
    close(&bench.read(y), &expected, 1e-6);

    bench.run(Run::default(), |r| r.push(Glu { x: x_at, y, rows: rows as u32, cols4: 11 }, by_row));
    let both = wide(&x);
    let expected = (0..rows * cols).map(|i| {
        let at = i / cols * 2 * cols + i % cols;
        silu(both[at]) * both[at + cols]
    });
    close(&bench.read(y), &expected.collect::<Vec<_>>(), 1e-6);

    let (state, kept) = (bench.buffer(&[2u32, 0, 0, 0]), bench.buffer(&vec![0f32; 6 * cols]));
    bench.run(Run::default(), |r| r.push(Tap { state, x: x_at, kept, cols4: 11 }, by_row));
    let found: Vec<f32> = bench.read(kept);
    assert_eq!(found[2 * cols..5 * cols], x[..rows * cols]);
    assert!(found[..2 * cols].iter().chain(&found[5 * cols..]).all(|v| *v == 0.0));
}

#[test]
fn products_with_norm_bias_and_epilogues() {
    let mut bench = Bench::default();
    let (rows, cols, tokens) = (38usize, 96usize, 5usize);
    let (w, gain, bias) = (bench.noise(rows * cols), bench.noise(cols), bench.noise(rows + 3));
    let (x, before) = (bench.noise(tokens * cols), bench.noise(tokens * 60));
    let product =
        |x: &[f64], row: usize| -> f64 { w[row * cols..][..cols].iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum() };
    let (quants, scales) = (bench.buffer(&w), bench.buffer(&[0u32; 4]));
    let (x_at, gain_at, bias_at) = (bench.buffer(&x), bench.buffer(&gain), bench.buffer(&bias));
    for epilogue in 0..3u32 {
        let finish = |sums: &[f64], before: &[f32]| -> Vec<f64> {
            match epilogue {
                0 => sums.to_vec(),
                1 => sums.iter().zip(before).map(|(sum, y)| sum + f64::from(*y)).collect(),
                _ => sums.chunks(2).map(|pair| silu(pair[0]) * pair[1]).collect(),
            }
        };
        let y = bench.buffer(&before);
        let kernel = Matvec {
            x: x_at,
            gain: gain_at,
            quants,
            scales,
            bias: bias_at,
            y,
            rows: rows as u32,
            blocks: 3,
            x_first: 24,
            y_first: 7,
            bias_first: 3,
            lanes: 4,
            norm: 1,
            eps: 0.1,
            biased: u32::from(epilogue == 0),
            epilogue,
        };
        bench.run(Run::default(), |r| r.push_weights(kernel, DType::F32, kernel.workgroups()));
        let normed = norm(&wide(&x[cols..2 * cols]), &gain, 0.1);
        let with_bias = |row: usize| if epilogue == 0 { f64::from(bias[3 + row]) } else { 0.0 };
        let sums: Vec<f64> = (0..rows).map(|row| product(&normed, row) + with_bias(row)).collect();
        let expected = finish(&sums, &before[7..]);
        let found: Vec<f32> = bench.read(y);
        close(&found[7..7 + expected.len()], &expected, 1e-5);
        assert!(found[..7] == before[..7] && found[7 + expected.len()..] == before[7 + expected.len()..]);

        let y = bench.buffer(&before);
        let kernel = Matmul {
            x: x_at,
            quants,
            scales,
            bias: bias_at,
            y,
            tokens: tokens as u32,
            rows: rows as u32,
            blocks: 3,
            y_stride: 60,
            y_first: 7,
            bias_first: 3,
            biased: u32::from(epilogue == 0),
            epilogue,
        };
        bench.run(Run::default(), |r| r.push_weights(kernel, DType::F32, ONCE));
        let found: Vec<f32> = bench.read(y);
        for token in 0..tokens {
            let x = wide(&x[token * cols..][..cols]);
            let sums: Vec<f64> = (0..rows).map(|row| product(&x, row) + with_bias(row)).collect();
            let (found, before) = (&found[token * 60..][..60], &before[token * 60..][..60]);
            let expected = finish(&sums, &before[7..]);
            close(&found[7..7 + expected.len()], &expected, 1e-5);
            assert!(found[..7] == before[..7] && found[7 + expected.len()..] == before[7 + expected.len()..]);
        }
    }
}

#[test]
fn embedding_in_pieces_leaves_other_rows_alone() {
    let mut bench = Bench::default();
    let table = bench.noise(5 * 64);
    let state = bench.buffer(&[0u32, 0, 0, 0, 0, 0, 0, 0, 12, 9, 10, 15]);
    let (quants, scales) = (bench.buffer(&table), bench.buffer(&[0u32; 4]));
    let x = bench.buffer(&[9f32; 4 * 64]);
    let kernel = Embed { state, quants, scales, x, first_row: 10, rows: 5, blocks: 2 };
    bench.run(Run::default(), |r| r.push_weights(kernel, DType::F32, Workgroups::Fixed(4, 1)));
    let found: Vec<f32> = bench.read(x);
    assert_eq!(found[..64], table[128..192]);
    assert_eq!(found[64..128], [9.0; 64]);
    assert_eq!(found[128..192], table[..64]);
    assert_eq!(found[192..], [9.0; 64]);
}

/// One layer's heads: rope and cache, then attention one way and the other.
#[test]
fn rope_cache_and_attention() {
    for (kv, norm_on, tolerance) in [(KvType::F32, 0u32, 2e-5), (KvType::F32, 1, 2e-5), (KvType::F16, 1, 4e-3)] {
        let mut bench = Bench::default();
        let (heads, kv_heads, dim, rows, position) = (6usize, 2usize, 24usize, 3usize, 70usize);
        let (width, length) = ((heads + 2 * kv_heads) * dim, position + rows);
        let (qkv, gains) = (bench.noise(rows * width), bench.noise(2 * dim));
        let table = bench.noise(length * dim);
        // What the cache has of earlier positions.
        let old = bench.noise(2 * length * kv_heads * dim);
        let (old_keys, old_values) = old.split_at(length * kv_heads * dim);
        let halved = |values: &[f32]| values.iter().map(|v| f16::from_f32(*v)).collect::<Vec<_>>();
        let mut cache = |values: &[f32]| match kv {
            KvType::F32 => bench.buffer(values),
            KvType::F16 => bench.buffer(&halved(values)),
        };
        let (keys, values) = (cache(old_keys), cache(old_values));
        let (state, table_at) = (bench.buffer(&[position as u32, 0, 0, 0, 0, 0, 0, 0]), bench.buffer(&table));
        let (q_gain, k_gain) = (bench.buffer(&gains[..dim]), bench.buffer(&gains[dim..]));
        let qkv_at = bench.buffer(&qkv);
        let kernel = RopeCache {
            state,
            keys,
            values,
            table: table_at,
            q_gain,
            k_gain,
            qkv: qkv_at,
            heads: heads as u32,
            kv_heads: kv_heads as u32,
            dim4: dim as u32 / 4,
            norm: norm_on,
            eps: 1e-3,
        };
        let every_head = Workgroups::Fixed((heads + 2 * kv_heads) as u32, rows as u32);
        bench.run(Run::default(), |r| r.push_kv(kernel, kv, every_head));

        let turned = |row: usize, h: usize| -> Vec<f64> {
            let mut v = wide(&qkv[row * width + h * dim..][..dim]);
            if norm_on == 1 {
                v = norm(&v, if h < heads { &gains[..dim] } else { &gains[dim..] }, 1e-3);
            }
            let turns = wide(&table[(position + row) * dim..][..dim]);
            let half = dim / 2;
            (0..dim)
                .map(|i| {
                    let (cos, sin) = (turns[i % half * 2], turns[i % half * 2 + 1]);
                    if i < half { v[i] * cos - v[i + half] * sin } else { v[i] * cos + v[i - half] * sin }
                })
                .collect()
        };
        let (mut all_keys, mut all_values) = (wide(old_keys), wide(old_values));
        for row in 0..rows {
            for h in 0..kv_heads {
                let to = ((position + row) * kv_heads + h) * dim;
                all_keys[to..to + dim].copy_from_slice(&turned(row, heads + h));
                let value = wide(&qkv[row * width + (heads + kv_heads + h) * dim..][..dim]);
                all_values[to..to + dim].copy_from_slice(&value);
            }
        }
        let found = |slice| match kv {
            KvType::F32 => bench.read::<f32>(slice),
            KvType::F16 => bench.read::<f16>(slice).iter().map(|v| v.to_f32()).collect(),
        };
        close(&found(keys), &all_keys, tolerance / 4.0);
        close(&found(values), &all_values, tolerance / 4.0);

        let scale = 1.0 / (dim as f64).sqrt();
        let attended =
            |row: usize| -> Vec<f64> {
                let mut all = Vec::new();
                for h in 0..heads {
                    let q = turned(row, h);
                    let at = |i: usize| (i * kv_heads + h / (heads / kv_heads)) * dim;
                    let score = |i: usize| (0..dim).map(|d| q[d] * all_keys[at(i) + d]).sum::<f64>() * scale;
                    let weights: Vec<f64> = (0..=position + row).map(|i| score(i).exp()).collect();
                    let total: f64 = weights.iter().sum();
                    all.extend((0..dim).map(|d| {
                        weights.iter().enumerate().map(|(i, w)| w * all_values[at(i) + d]).sum::<f64>() / total
                    }));
                }
                all
            };
        let y = bench.buffer(&vec![0f32; rows * heads * dim]);
        let (group, dim4, scale) = ((heads / kv_heads) as u32, dim as u32 / 4, scale as f32);
        let kernel = AttendPrefill {
            state,
            keys,
            values,
            qkv: qkv_at,
            y,
            tokens: rows as u32,
            heads: heads as u32,
            group,
            dim4,
            scale,
        };
        bench.run(Run::default(), |r| r.push_kv(kernel, kv, Workgroups::Fixed(heads as u32, 1)));
        close(&bench.read(y), &(0..rows).flat_map(attended).collect::<Vec<_>>(), tolerance);

        // The first token alone, over pieces.
        let (split, room) = (32u32, 4u32);
        let partial = bench.buffer(&vec![0f32; heads * room as usize * (dim + 4)]);
        let y = bench.buffer(&vec![0f32; heads * dim]);
        let one = AttendSplit {
            state,
            keys,
            values,
            qkv: qkv_at,
            pieces_out: partial,
            heads: heads as u32,
            group,
            dim4,
            split,
            pieces: room,
            scale,
        };
        let merge = AttendMerge { state, pieces_in: partial, y, dim4, split, pieces: room };
        bench.run(Run { positions: position as u32 + 1, seen: 0 }, |r| {
            r.push_kv(one, kv, Workgroups::PerPiece(heads as u32, split));
            r.push(merge, Workgroups::Fixed(heads as u32, 1));
        });
        close(&bench.read(y), &attended(0), tolerance);
    }
}

#[test]
fn argmax_takes_the_first_of_equals_and_moves_on() {
    let mut bench = Bench::default();
    let mut logits = bench.noise(9001);
    logits[4100] = 7.5;
    logits[8200] = 7.5;
    logits[17] = f32::NAN;
    let logits_at = bench.buffer(&logits);
    let best = bench.buffer(&[0u32; 6]);
    let state = bench.buffer(&[40u32, 3, 0, 0, 0, 0, 0, 0, 5, 6, 7]);
    let result = bench.buffer(&[1u32; 4]);
    bench.run(Run::default(), |r| {
        r.push(ArgmaxPartial { logits: logits_at, best, count: 9001 }, Workgroups::Fixed(3, 1));
        r.push(ArgmaxFinal { best, state, result, pieces: 3 }, ONCE);
    });
    assert_eq!(bench.read::<u32>(result), [4100, 7.5f32.to_bits(), 40, 0]);
    assert_eq!(bench.read::<u32>(state), [43, 1, 0, 0, 0, 0, 0, 0, 4100, 6, 7]);
}

#[test]
fn penalties_then_the_likeliest_tokens_with_their_normaliser() {
    let mut bench = Bench::default();
    let mut logits = bench.noise(2500);
    logits[1030] = logits[3];
    let (temperature, repetition, frequency, presence) = (0.7f32, 1.3f32, 0.25f32, 0.5f32);
    let bits = |v: f32| v.to_bits();
    let inverse = 1.0 / temperature;
    let state = bench.buffer(&[9, 1, bits(inverse), 3, bits(repetition), bits(frequency), bits(presence), 0]);
    let seen = bench.buffer(&[[7u32, 2], [2400, 1], [1500, 5]]);
    let logits_at = bench.buffer(&logits);
    let (tops, result) = (bench.buffer(&[[0u32; 2]; 3 * 65]), bench.buffer(&[[0u32; 2]; 66]));
    bench.run(Run { positions: 0, seen: 3 }, |r| {
        r.push(Penalise { state, seen, logits: logits_at }, Workgroups::PerSeen);
        r.push(TopkPartial { state, logits: logits_at, tops, count: 2500 }, Workgroups::Fixed(3, 1));
        r.push(TopkFinal { state, tops, result, pieces: 3 }, ONCE);
    });
    let mut expected = wide(&logits);
    for (token, count) in [(7, 2.0), (2400, 1.0), (1500, 5.0)] {
        let v: f64 = expected[token];
        let v = if v > 0.0 { v / f64::from(repetition) } else { v * f64::from(repetition) };
        expected[token] = v - f64::from(frequency) * count - f64::from(presence);
    }
    let penalised: Vec<f32> = bench.read(logits_at);
    close(&penalised, &expected, 1e-6);

    let mut order: Vec<u32> = (0..2500).collect();
    order.sort_by(|a, b| penalised[*b as usize].total_cmp(&penalised[*a as usize]).then(a.cmp(b)));
    let found: Vec<[u32; 2]> = bench.read(result);
    for (found, token) in found.iter().zip(&order[..64]) {
        assert_eq!(*found, [penalised[*token as usize].to_bits(), *token]);
    }
    let maximum = f64::from(penalised[order[0] as usize]);
    let sum: f64 = penalised.iter().map(|v| ((f64::from(*v) - maximum) * f64::from(inverse)).exp()).sum();
    close(&found[64].map(f32::from_bits), &[maximum, sum], 1e-5);
    assert_eq!(found[65], [9, 0]);
}

#[test]
fn a_call_that_reaches_outside_is_an_error() {
    let mut bench = Bench::default();
    let (x, y) = (bench.buffer(&[1f32; 8]), bench.buffer(&[0f32; 8]));
    for (cols4, rows, from) in [(3, 1, x), (2, 2, x), (2, 1, y), (2, 1, Slice { size: 64, ..x })] {
        let mut recording = Recording::default();
        recording.push(Rmsnorm { x: from, gain: x, y, cols4, eps: 0.1 }, Workgroups::Fixed(rows, 1));
        assert!(matches!(bench.cpu.run(&[&recording], Run::default()), Err(Error::Request(_))));
    }
    assert!(bench.cpu.write(y.buffer, 28, &[0; 8]).is_err());
    assert!(bench.cpu.create(1 << 60).is_err());
    let before = bench.cpu.bytes();
    bench.cpu.free(y.buffer);
    assert_eq!(before - bench.cpu.bytes(), 32);
    assert!(bench.cpu.read(y).is_err());
}
