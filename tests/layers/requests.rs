//! What is asked of a device, and what is refused.

use wattage_engine::wasm_layers::Question;
use wattage_engine::wasm_layers::program::{Instruction, Program};
use wattage_engine::{Counts, Device, Error};

use super::{Loaded, devices, program};

fn question() -> Question {
    Question { ranges: vec![(8, 20), (34, 3)], numbers: vec![4, 11], previous: Some(22) }
}

/// What was done since `before`.
fn since(loaded: &Loaded, before: Counts) -> Counts {
    let now = loaded.device.counts();
    Counts {
        submits: now.submits - before.submits,
        passes: now.passes - before.passes,
        dispatches: now.dispatches - before.dispatches,
        read_bytes: now.read_bytes - before.read_bytes,
    }
}

#[test]
fn a_question_a_step_and_a_score_are_a_submit_each() {
    pollster::block_on(async {
        for device in devices().await {
            let mut loaded = Loaded::new(device).await;
            let (layers, ranges, tokens, encoder_blocks, decoder_blocks, outputs) = (3, 2, 23, 1, 2, 20 + 3);

            let before = loaded.device.counts();
            loaded.encode(&question()).await.unwrap();
            let done = since(&loaded, before);
            assert_eq!(done.submits, 1);
            assert!(done.dispatches <= layers * ranges + 5 * encoder_blocks + decoder_blocks + 7, "{done:?}");
            assert!(done.read_bytes <= 4 * layers * tokens, "{done:?}");

            let before = loaded.device.counts();
            let candidates = loaded.layers.candidates(&mut loaded.device, 4).await.unwrap();
            let done = since(&loaded, before);
            let steps = 25;
            assert!(done.submits <= steps, "{done:?}");
            assert!(done.dispatches <= done.submits * (8 * decoder_blocks + 6), "{done:?}");
            assert!(done.read_bytes <= done.submits * 4 * layers * 4 * outputs, "{done:?}");

            let programs: Vec<Program> = candidates.into_iter().flatten().map(|candidate| candidate.program).collect();
            let rows: usize = programs.iter().map(|program| program.instructions().len() + 1).sum();
            let before = loaded.device.counts();
            loaded.layers.rescore(&mut loaded.device, &programs).await.unwrap();
            let done = since(&loaded, before);
            assert_eq!(done.submits, 1);
            assert!(done.dispatches <= 8 * decoder_blocks + 6, "{done:?}");
            assert!(done.read_bytes <= 4 * layers * rows as u64 * outputs, "{done:?}");

            let bytes = loaded.device.allocated();
            let before = loaded.device.counts();
            loaded.layers.focus(&mut loaded.device, &programs).await.unwrap();
            let done = since(&loaded, before);
            assert_eq!(done.submits, 1);
            assert!(done.dispatches <= 9 * decoder_blocks + 6, "{done:?}");
            assert!(done.read_bytes <= 4 * layers * rows as u64 * tokens, "{done:?}");
            assert_eq!(loaded.device.allocated(), bytes);
        }
    });
}

/// More programs than one submit takes: the same scores as one by one.
#[test]
fn many_programs_are_scored_in_several_submits() {
    pollster::block_on(async {
        let mut loaded = Loaded::new(Device::cpu()).await;
        loaded.encode(&question()).await.unwrap();
        let longest = [vec![20; 12], vec![1; 11], vec![5]].concat();
        let one = [program(loaded.layers.config(), &longest), program(loaded.layers.config(), &[21, 22, 2])];
        let alone = loaded.layers.rescore(&mut loaded.device, &one).await.unwrap();
        let many: Vec<Program> = one.iter().cycle().take(101).cloned().collect();
        let before = loaded.device.counts();
        let scores = loaded.layers.rescore(&mut loaded.device, &many).await.unwrap();
        assert_eq!(since(&loaded, before).submits, 3);
        for (i, score) in scores.iter().enumerate() {
            for (a, b) in score.as_ref().unwrap().iter().zip(alone[i % 2].as_ref().unwrap()) {
                assert!((a.logprob - b.logprob).abs() < 1e-6 && (a.min_logprob - b.min_logprob).abs() < 1e-6);
            }
        }
    });
}

#[test]
fn programs_that_the_layers_cannot_write_have_no_score() {
    pollster::block_on(async {
        let mut loaded = Loaded::new(Device::cpu()).await;
        loaded.encode(&question()).await.unwrap();
        let of = |instruction| Program::new(vec![instruction], 17).unwrap();
        // A constant of the vocabulary and one that is not; the last pointer and one beyond.
        let programs = [
            of(Instruction::Const(100.0)),
            of(Instruction::Const(7.0)),
            of(Instruction::Local(2)),
            of(Instruction::Local(3)),
        ];
        let scores = loaded.layers.rescore(&mut loaded.device, &programs).await.unwrap();
        assert_eq!(scores.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, false]);
        assert!(loaded.layers.rescore(&mut loaded.device, &[]).await.unwrap().is_empty());
        assert!(loaded.layers.rescore(&mut loaded.device, &programs[1..2]).await.unwrap()[0].is_none());
        assert!(loaded.layers.logits(&mut loaded.device, &programs[1]).await.unwrap().is_none());
    });
}

#[test]
fn questions_that_do_not_fit_are_refused_and_leave_nothing_to_decode() {
    let fine = question();
    let refused = [
        Question { ranges: vec![], numbers: vec![], previous: None },
        Question { ranges: vec![(3, 0)], numbers: vec![], previous: None },
        Question { ranges: vec![(0, 20), (5, 0)], ..fine.clone() },
        Question { ranges: vec![(0, 1025)], ..fine.clone() },
        Question { ranges: vec![(0, 40); 26], ..fine.clone() },
        Question { ranges: vec![(0, usize::MAX), (0, usize::MAX)], ..fine.clone() },
        Question { ranges: vec![(usize::MAX, 30)], ..fine.clone() },
        Question { ranges: vec![(18, 23)], ..fine.clone() },
        Question { numbers: vec![4, 23], ..fine.clone() },
        Question { previous: Some(23), ..fine.clone() },
        Question { numbers: vec![1; 17], ..fine.clone() },
    ];
    pollster::block_on(async {
        for device in devices().await {
            let mut loaded = Loaded::new(device).await;
            assert!(matches!(loaded.layers.candidates(&mut loaded.device, 4).await, Err(Error::Request(_))));
            for question in &refused {
                loaded.encode(&fine).await.unwrap();
                assert!(matches!(loaded.encode(question).await, Err(Error::Request(_))), "{question:?}");
                assert!(matches!(loaded.layers.candidates(&mut loaded.device, 4).await, Err(Error::Request(_))));
                assert!(matches!(loaded.layers.rescore(&mut loaded.device, &[]).await, Ok(none) if none.is_empty()));
            }
            let taps = loaded.taps[..2].to_vec();
            let fewer = loaded.layers.encode(&mut loaded.device, &taps, &fine).await;
            assert!(matches!(fewer, Err(Error::Request(_))));
            loaded.encode(&fine).await.unwrap();
            for beams in [0, 33, usize::MAX] {
                assert!(matches!(loaded.layers.candidates(&mut loaded.device, beams).await, Err(Error::Request(_))));
            }
        }
    });
}

/// The most of everything: tokens over many pieces, sixteen numbers and one before, thirty-two beams.
#[test]
fn the_most_that_fits_fits() {
    pollster::block_on(async {
        for device in devices().await {
            let mut loaded = Loaded::new(device).await;
            // A small one first, so that the device's memory has to grow.
            loaded.encode(&question()).await.unwrap();
            let ranges = [vec![(0, 40); 25], vec![(3, 24)]].concat();
            let numbers = [vec![1023; 3], (0..13).map(|k| k * 70).collect()].concat();
            let most = Question { ranges, numbers, previous: Some(1023) };
            let gates = loaded.encode(&most).await.unwrap();
            assert!(gates.len() == 3 && gates.iter().all(|gate| gate.is_finite()));
            for candidates in loaded.layers.candidates(&mut loaded.device, 32).await.unwrap() {
                assert!(candidates.len() > 4 && candidates.is_sorted_by(|a, b| a.logprob >= b.logprob));
                for (i, candidate) in candidates.iter().enumerate() {
                    assert!(candidates[..i].iter().all(|other| other.program != candidate.program));
                }
            }
        }
    });
}

#[test]
fn hidden_states_that_are_no_numbers_are_an_error() {
    pollster::block_on(async {
        for device in devices().await {
            let mut loaded = Loaded::new(device).await;
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38] {
                let tap = loaded.taps[1];
                // Within the question, at its second piece; sums of squares overflow where the value itself does not.
                let place = 4 * (35 * 32 + 7);
                let old = loaded.device.read(wattage_engine::Slice { offset: 0, ..tap }).await.unwrap();
                loaded.device.write(tap.buffer, place, &value.to_le_bytes()).unwrap();
                let found = loaded.encode(&question()).await;
                assert!(matches!(found, Err(Error::SelfCheck(_))), "{value}: {found:?}");
                assert!(matches!(loaded.layers.candidates(&mut loaded.device, 4).await, Err(Error::Request(_))));
                // Outside the question it does no harm.
                let outside = Question { ranges: vec![(8, 20)], numbers: vec![4, 11], previous: None };
                loaded.encode(&outside).await.unwrap();
                loaded.device.write(tap.buffer, 0, &old).unwrap();
            }
            loaded.encode(&question()).await.unwrap();
        }
    });
}

/// What is given back is given back.
#[test]
fn freed_layers_leave_nothing_on_the_device() {
    pollster::block_on(async {
        for device in devices().await {
            let mut loaded = Loaded::new(device).await;
            loaded.encode(&question()).await.unwrap();
            loaded.layers.candidates(&mut loaded.device, 4).await.unwrap();
            let taps: u64 = loaded.taps.iter().map(|tap| tap.size.next_multiple_of(16)).sum();
            assert!(loaded.device.allocated() > taps);
            loaded.layers.free(&mut loaded.device);
            assert_eq!(loaded.device.allocated(), taps);
        }
    });
}
