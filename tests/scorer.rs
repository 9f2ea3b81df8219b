//! The scorer: its file, its store, and what its scores are made of.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use serde_json::Value;
use wattage_engine::scorer::features::{self, ALL, BEFORE};
use wattage_engine::scorer::{
    Asked, Judged, MOST_UNITS, Neighbours, Network, Scorer, Store, Together, Verifier, key, undecided,
};
use wattage_engine::wasm_layers::Score;
use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::program::{Instruction, Op, Program};
use wattage_engine::{Error, Source};

fn config() -> LayersConfig {
    LayersConfig {
        base: "a base".into(),
        hidden: 8,
        taps: vec![0, 1, 2],
        width: 8,
        heads: 1,
        ffn: 8,
        encoder_blocks: 1,
        decoder_blocks: 1,
        constants: vec![2.0, 100.0],
        markers: Vec::new(),
        bound: 6.0,
        eps: 1e-6,
    }
}

fn binary(op: Op) -> Program {
    Program::new(vec![Instruction::Local(0), Instruction::Local(1), Instruction::Op(op)], 2).unwrap()
}

/// Numbers that look random and are always the same.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

fn network(inputs: usize, seed: u32) -> Network {
    Network {
        w1: numbers(5 * inputs, seed),
        b1: numbers(5, seed + 1),
        w2: numbers(5, seed + 2),
        b2: numbers(1, seed + 3),
    }
}

fn scorer() -> Scorer {
    let example = |op: Op| (format!("What does {op:?} give?"), binary(op));
    let programs = [Op::Add, Op::Mul, Op::Sub].map(example).to_vec();
    Scorer {
        verifier: Verifier {
            mean: numbers(ALL, 1),
            scale: numbers(ALL, 2).into_iter().map(|value| value.abs() + 0.1).collect(),
            linear: numbers(ALL, 3),
            after: network(ALL, 10),
            before: network(BEFORE, 20),
        },
        store: Store::new(&numbers(24, 30), programs, 8).unwrap(),
        tap: 1,
        mean: numbers(8, 40),
        threshold: -2.5,
        asks_base: true,
    }
}

fn candidate(op: Op, place: usize, logprob: f64) -> Judged {
    let score = Score { logprob, min_logprob: logprob };
    Judged { program: binary(op), place, rank: 0, decoders: vec![score; 3], base: None }
}

fn judged() -> Vec<Judged> {
    vec![candidate(Op::Add, 0, -0.5), candidate(Op::Mul, 1, -0.25), candidate(Op::Add, 2, -1.0)]
}

#[test]
fn what_is_written_is_read() {
    let scorer = scorer();
    let file = scorer.to_bytes(&config(), &Value::Null).unwrap();
    let read = Scorer::from_bytes(&file, &config()).unwrap();
    assert_eq!(read.verifier, scorer.verifier);
    assert_eq!((read.tap, read.threshold, &read.mean, read.asks_base), (1, -2.5, &scorer.mean, true));
    let question = numbers(8, 50);
    let (a, b) = (scorer.store.nearest(&question), read.store.nearest(&question));
    assert_eq!(a.nearest(), b.nearest());
    assert!(a.examples().eq(b.examples()) && a.examples().count() == 3);
    assert!(a.examples().any(|example| example.text == "What does Mul give?" && example.program == binary(Op::Mul)));
    for op in [Op::Add, Op::Mul, Op::Sub] {
        assert_eq!(a.weight(|program| *program == binary(op)), b.weight(|program| *program == binary(op)));
    }
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let file = scorer().to_bytes(&config(), &Value::Null).unwrap();
    let other = LayersConfig { base: "another".into(), ..config() };
    assert!(matches!(Scorer::from_bytes(&file, &other), Err(Error::Unsupported(why)) if why.contains("another")));
    for cut in [0, 7, 100, file.len() / 2, file.len() - 1] {
        assert!(matches!(Scorer::from_bytes(&file[..cut], &config()), Err(Error::Format(_))), "{cut}");
    }
    let wider = LayersConfig { hidden: 12, ..config() };
    assert!(matches!(Scorer::from_bytes(&file, &wider), Err(Error::Format(_))));
    let fewer = LayersConfig { taps: vec![0], ..config() };
    assert!(matches!(Scorer::from_bytes(&file, &fewer), Err(Error::Format(_))));
    let mut broken = scorer();
    broken.verifier.after.w2[3] = f32::NAN;
    let file = broken.to_bytes(&config(), &Value::Null).unwrap();
    assert!(matches!(Scorer::from_bytes(&file, &config()), Err(Error::Format(_))));
    for units in [0, MOST_UNITS + 1] {
        let mut wide = scorer();
        wide.verifier.before.b1 = vec![0.5; units];
        let file = wide.to_bytes(&config(), &Value::Null).unwrap();
        assert!(
            matches!(Scorer::from_bytes(&file, &config()), Err(Error::Format(why)) if why.contains("units")),
            "{units}"
        );
    }
    let mut broken = scorer();
    broken.verifier.scale[0] = 0.0;
    let file = broken.to_bytes(&config(), &Value::Null).unwrap();
    assert!(matches!(Scorer::from_bytes(&file, &config()), Err(Error::Format(_))));
}

/// Each part is what its features alone make of it; the parts' sum is the score.
#[test]
fn a_file_comes_from_any_source_unless_it_is_too_large() {
    let (config, scorer) = (config(), scorer());
    let bytes = scorer.to_bytes(&config, &Value::Null).unwrap();
    let read = |bytes| pollster::block_on(Scorer::read(&Source::bytes("scorer.safetensors", bytes), &config));
    assert_eq!(read(bytes).unwrap().verifier, scorer.verifier);
    let refused = read(vec![0; (64 << 20) + 1]).unwrap_err();
    assert!(matches!(&refused, Error::Format(why) if why.contains("67108865 bytes")), "{refused}");
}

#[test]
fn parts_come_from_their_own_features() {
    let scorer = scorer();
    let base: [f32; ALL] = numbers(ALL, 60).try_into().unwrap();
    let parts = scorer.verifier.parts(&base);
    let sum = parts.logprob + parts.verifier + parts.agreement + parts.retrieval + parts.base.unwrap();
    assert!((parts.sum() - sum).abs() < 1e-6);
    for at in 0..ALL {
        let mut changed = base;
        changed[at] += 0.05;
        let other = scorer.verifier.parts(&changed);
        let retrieval = features::LOGPROB + features::SHAPE..BEFORE - features::BASE;
        let judged = retrieval.end..BEFORE;
        let agreement = BEFORE..BEFORE + features::AGREEMENT;
        assert_eq!(other.logprob != parts.logprob, at < features::LOGPROB, "{at}");
        assert_eq!(other.retrieval != parts.retrieval, retrieval.contains(&at), "{at}");
        assert_eq!(other.agreement != parts.agreement, agreement.contains(&at), "{at}");
        assert_eq!(other.base != parts.base, judged.contains(&at), "{at}");
        assert_ne!(other.verifier, parts.verifier, "{at}");
    }
}

/// The base's share is over different programs: one that two layers wrote is one.
#[test]
fn what_the_base_finds_is_shared_among_programs() {
    let mut candidates = judged();
    let found = |logprob: f64| Some(Score { logprob, min_logprob: logprob / 2.0 });
    (candidates[0].base, candidates[1].base, candidates[2].base) = (found(-1.0), found(-3.0), found(-1.0));
    let asked = Asked { numbers: &[2.0, 2.0], gate: 1.0, layers: 3 };
    let together = Together::of(&candidates);
    let of = |candidate: &Judged| {
        let before = features::before(candidate, (&candidates, &together), &asked, &Neighbours::default());
        <[f32; features::BASE]>::try_from(&before[BEFORE - features::BASE..]).unwrap()
    };
    let share = (1.0 / (1.0 + (-2f64).exp())) as f32;
    assert_eq!(of(&candidates[0]), [-1.0, 0.0, share, -0.5]);
    assert_eq!(of(&candidates[0]), of(&candidates[2]));
    assert_eq!(of(&candidates[1])[..2], [-3.0, -2.0]);
    assert!((of(&candidates[1])[2] + share - 1.0).abs() < 1e-6);
    // One that it could not read, and a base that was not asked, say nothing.
    let unread = Judged { base: None, ..candidates[1].clone() };
    assert_eq!(of(&unread), [0.0; features::BASE]);
    assert_eq!(features::before(&unread, (&[], &Together::of(&[])), &asked, &Neighbours::default())[0], -0.25);
}

#[test]
fn the_base_is_asked_where_the_best_candidates_differ_and_else_says_nothing() {
    let programs = |ops: &[Op]| ops.iter().copied().map(binary).collect::<Vec<_>>();
    let asked = |ops: &[Op]| undecided(programs(ops).iter());
    assert!(!asked(&[]) && !asked(&[Op::Add]) && !asked(&[Op::Add; 3]) && asked(&[Op::Add, Op::Add, Op::Mul]));

    let mut scorer = Scorer { asks_base: true, ..scorer() };
    for at in BEFORE - features::BASE..BEFORE {
        (scorer.verifier.mean[at], scorer.verifier.linear[at]) = (0.0, 1.0);
    }
    let candidates = judged();
    let asked = Asked { numbers: &[2.0, 2.0], gate: 1.0, layers: 3 };
    let results = [Some(4.0); 3];
    let parts = |candidates: &[Judged]| {
        let known = scorer.before(candidates, &asked, &Neighbours::default());
        scorer.after((candidates, &results), 4.0, &asked, &known[0].1)
    };
    assert_eq!(parts(&candidates).base, None);
    let base = Some(Score { logprob: -2.0, min_logprob: -1.0 });
    let judged: Vec<Judged> = candidates.into_iter().map(|candidate| Judged { base, ..candidate }).collect();
    assert!(parts(&judged).base.is_some_and(|base| base != 0.0));
}

/// Layers are not equally good, so the scorer is told what the shallowest and the deepest think, beside the mean.
#[test]
fn depth_is_told_apart() {
    let mut candidates = judged();
    let scores = |logprobs: [f64; 3]| logprobs.map(|logprob| Score { logprob, min_logprob: logprob / 4.0 }).to_vec();
    candidates[0].decoders = scores([-1.0, -2.0, -3.0]);
    candidates[1].decoders = scores([-4.0, -2.0, -0.5]);
    candidates[2].decoders = scores([-1.0, -2.0, -3.0]);
    let asked = Asked { numbers: &[2.0, 3.0], gate: 1.0, layers: 3 };
    let together = Together::of(&candidates);
    let all = (candidates.as_slice(), &together);
    let of = |at: usize| features::before(&candidates[at], all, &asked, &Neighbours::default());
    let near = |found: &[f32], wanted: &[f64]| {
        let close = found.iter().zip(wanted).all(|(found, wanted)| (f64::from(*found) - wanted).abs() < 1e-6);
        assert!(close && found.len() == wanted.len(), "{found:?} is not {wanted:?}");
    };
    let share = |ahead: f64| 1.0 / (1.0 + (-ahead).exp());
    // The shallowest and the deepest, and the least sure step of the deepest.
    near(&of(0)[8..11], &[-1.0, -3.0, -0.75]);
    near(&of(1)[8..11], &[-4.0, -0.5, -0.125]);
    // How far behind each decoder's best: the shallowest, the mean, the deepest. A program that two layers wrote is one.
    near(&of(0)[11..14], &[0.0, -2.5 / 3.0, -2.5]);
    near(&of(1)[11..14], &[-3.0, -1.0, 0.0]);
    near(&of(0)[14..17], &[share(3.0), (share(3.0) + 0.5 + share(-2.5)) / 3.0, share(-2.5)]);
    // Whose best it is.
    near(&of(0)[17..20], &[1.0, 2.0 / 3.0, 1.0]);
    near(&of(1)[17..20], &[0.0, 1.0 / 3.0, 0.0]);
    // Results: 2 + 3 is the shallowest's and the deepest's, 2 × 3 the middle one's.
    let results = [Some(5.0), Some(6.0), Some(5.0)];
    let after = features::after(all, &results, 6.0, &asked);
    near(&after[4..6], &[0.0, 0.0]);
    let shares = [share(-3.0), (share(-3.0) + 0.5 + share(2.5)) / 3.0, share(2.5)];
    near(&after[6..9], &shares);
    near(&after[9..12], &[(shares[1] + 1e-6).ln(), 0.0, 0.0]);
    near(&features::after(all, &results, 5.0, &asked)[4..6], &[1.0, 1.0]);
}

#[test]
fn agreement_counts_results_and_not_programs() {
    let candidates = judged();
    let asked = Asked { numbers: &[2.0, 2.0], gate: 1.0, layers: 3 };
    let all = (candidates.as_slice(), &Together::of(&candidates));
    let of = |results: [Option<f64>; 3]| features::after(all, &results, 4.0, &asked);
    // 2 + 2 and 2 × 2 agree, though they are different programs.
    let all = of([Some(4.0), Some(4.0), Some(4.0)]);
    assert_eq!(&all[..2], &[1.0, 1.0]);
    let one = of([None, Some(4.0), Some(5.0)]);
    assert!((one[0] - 1.0 / 3.0).abs() < 1e-6 && (one[1] - 1.0 / 3.0).abs() < 1e-6, "{one:?}");
    assert_eq!(one[2], 0.0);
}

#[test]
fn features_are_finite_whatever_the_candidate() {
    let asked = Asked { numbers: &[], gate: f64::from(f32::MAX), layers: 3 };
    let bare = Judged { program: binary(Op::Div), place: 7, rank: 0, decoders: Vec::new(), base: None };
    let unlikely = candidate(Op::Div, 0, f64::NEG_INFINITY);
    for candidate in [bare, unlikely] {
        let together = Together::of(std::slice::from_ref(&candidate));
        let all = (std::slice::from_ref(&candidate), &together);
        let before = features::before(&candidate, all, &asked, &Neighbours::default());
        assert!(before.iter().all(|value| value.is_finite()), "{before:?}");
        for value in [0.0, 1e300, -1e-300] {
            let after = features::after(all, &[Some(value)], value, &asked);
            assert!(after.iter().all(|value| value.is_finite()), "{after:?}");
        }
    }
}

#[test]
fn the_nearest_example_weighs_most() {
    let mut keys = vec![0.0; 3 * 8];
    (keys[0], keys[9], keys[18]) = (1.0, 2.0, 3.0);
    let example = |op: Op| (op.word().to_owned(), binary(op));
    let store = Store::new(&keys, [Op::Add, Op::Mul, Op::Sub].map(example).to_vec(), 8).unwrap();
    assert_eq!(store.len(), 3);
    let mut question = vec![0.1; 8];
    question[1] = 5.0;
    let found = store.nearest(&question);
    assert!(found.nearest() > 0.99, "{}", found.nearest());
    assert_eq!(found.examples().next().map(|example| example.text.as_str()), Some("multiply"));
    assert!(found.weight(|program| *program == binary(Op::Mul)) > 0.99);
    assert!((found.weight(|_| true) - 1.0).abs() < 1e-9);
    // A key of another width has no neighbours, and neither has an empty store.
    assert_eq!(store.nearest(&[1.0]).weight(|_| true), 0.0);
    assert_eq!(Store::default().nearest(&question).weight(|_| true), 0.0);
    assert!(Store::new(&keys, vec![example(Op::Add)], 8).is_err());
    for text in ["a\0b".to_owned(), "long ".repeat(2000)] {
        assert!(Store::new(&[1.0; 8], vec![(text, binary(Op::Add))], 8).is_err());
    }
}

#[test]
fn a_key_is_the_mean_direction_of_the_states() {
    let states = [2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let found = key(&states, &[0.0; 8]);
    assert!((found[0] - found[1]).abs() < 1e-3 && found[0] > 1.0, "the states' lengths do not count: {found:?}");
    let centred = key(&states, &found);
    assert!(centred.iter().all(|value| value.abs() < 1e-6));
}
