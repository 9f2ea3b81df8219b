//! The judge against the same model reading each expression alone.

use super::*;
use crate::{Cancel, Device, KvType, ModelFile, Source};

fn runner(device: Device, file: &ModelFile) -> Runner {
    let size = (2048, KvType::F32, &[3][..]);
    pollster::block_on(Runner::load(device, file, size, &Cancel::new(), &mut |_| {})).unwrap()
}

/// The score of an expression from the logits of a text that is read as one, in the conversation's own cache.
fn alone(runner: &mut Runner, judge: &Judge, question: &[u32], expression: &[usize]) -> Score {
    let mut text = judge.examples.clone();
    text.extend_from_slice(question);
    let first = text.len() - 1;
    text.extend(expression.iter().map(|place| judge.pieces.tokens[*place]));
    let kept = runner.keep_prefix(&text[..=first]);
    let mut score = Score { logprob: 0.0, min_logprob: 0.0 };
    for (at, piece) in (kept..).step_by(runner.chunk()).zip(text[kept..].chunks(runner.chunk())) {
        pollster::block_on(runner.prefill(piece, &Cancel::new(), &mut |_| {})).unwrap();
        for (place, row) in expression.iter().zip(first..) {
            if (at..at + piece.len()).contains(&row) {
                let logits = pollster::block_on(runner.logits(row - at)).unwrap();
                let few: Vec<f32> = judge.pieces.tokens.iter().map(|token| logits[*token as usize]).collect();
                let logprob = f64::from(few[*place]) - log_sum_exp(&few);
                score.logprob += logprob;
                score.min_logprob = score.min_logprob.min(logprob);
            }
        }
    }
    score
}

/// Greedy tokens behind what the runner holds.
fn tokens(runner: &mut Runner, last: usize) -> Vec<u32> {
    let mut all = Vec::new();
    let mut take = |token| {
        all.push(token);
        all.len() < 6
    };
    pollster::block_on(runner.generate(last, crate::Sampling::greedy(), &Cancel::new(), &mut take)).unwrap();
    all
}

#[test]
fn a_conversation_goes_on_behind_a_judgement_as_if_there_had_been_none() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../public/models/wattage-tiny/base.gguf");
    let file = pollster::block_on(ModelFile::open(vec![Source::file(path.as_ref()).unwrap()])).unwrap();
    let prompt = file.tokenizer.encode("How many eggs are 12 times 11? They are", false).unwrap();
    let programs =
        [Program::new(vec![Instruction::Local(0), Instruction::Local(0), Instruction::Op(Op::Add)], 1).unwrap()];
    for device in [Device::cpu(), pollster::block_on(Device::gpu()).unwrap()] {
        let mut runner = runner(device, &file);
        let mut judge = pollster::block_on(Judge::load(&mut runner, &file.tokenizer)).unwrap();
        let question = Judge::question(&file.tokenizer, "12 + 12", None).unwrap();
        let mut found = Vec::new();
        for judged in [false, true] {
            let kept = runner.keep_prefix(&prompt);
            let mut last = pollster::block_on(runner.prefill(&prompt[kept..], &Cancel::new(), &mut |_| {})).unwrap();
            if judged {
                pollster::block_on(judge.scores(&mut runner, &question, (&programs, &[12.0]))).unwrap();
                last = pollster::block_on(runner.read_last_again(&Cancel::new())).unwrap();
            }
            found.push((tokens(&mut runner, last), pollster::block_on(runner.taps()).unwrap()));
        }
        let [(tokens, taps), (others, other_taps)] = &found[..] else { panic!("two answers") };
        assert!(tokens.len() == 6 && tokens == others, "{tokens:?} {others:?}");
        // A token alone is rounded otherwise than among many.
        let (tap, other) = (&taps[0].1, &other_taps[0].1);
        let differs = tap.iter().zip(other).any(|(a, b)| (a - b).abs() > 0.01);
        assert!(tap.len() == other.len() && !differs, "the conversation's taps are others");
    }
}

#[test]
fn branches_are_scored_as_if_each_was_read_alone() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../public/models/wattage-tiny/base.gguf");
    let file = pollster::block_on(ModelFile::open(vec![Source::file(path.as_ref()).unwrap()])).unwrap();
    let numbers = [12.0, 0.5, 3.25, 1e30];
    let ops = [Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Power, Op::Max];
    let mut programs = Vec::new();
    for first in ops {
        for second in ops {
            let all = [
                Instruction::Local(0),
                Instruction::Local(1),
                Instruction::Op(first),
                Instruction::Local(2),
                Instruction::Op(second),
            ];
            programs.push(Program::new(all.to_vec(), 3).unwrap());
        }
    }
    // One that cannot be written.
    programs.insert(5, Program::new(vec![Instruction::Local(3)], 4).unwrap());
    // A GPU that computes on the CPU takes its time.
    let gpu = pollster::block_on(Device::gpu()).unwrap();
    for (device, count, every, asked) in [(Device::cpu(), 37, 7, 2), (gpu, 12, 5, 1)] {
        let programs = &programs[..count];
        let mut runner = runner(device, &file);
        let mut judge = pollster::block_on(Judge::load(&mut runner, &file.tokenizer)).unwrap();
        let ask = |text| Judge::question(&file.tokenizer, text, None).unwrap();
        let mut found = Vec::new();
        // The second question finds the examples in the cache, and what the first left behind them.
        for question in
            [ask("How many eggs are 12 times 0.5 and 3.25?"), ask("What is 12 + 0.5?")].into_iter().take(asked)
        {
            let before = pollster::block_on(runner.taps()).unwrap();
            let scores = pollster::block_on(judge.scores(&mut runner, &question, (programs, &numbers))).unwrap();
            assert_eq!(pollster::block_on(runner.taps()).unwrap(), before, "the conversation's taps stay");
            found.push((question, scores));
        }
        for (question, scores) in found {
            assert!(scores[5].is_none());
            let mut different = 0;
            for (program, score) in programs.iter().zip(scores).filter(|(_, score)| score.is_some()).step_by(every) {
                let text = written(program, &numbers).unwrap();
                let expression = judge.pieces.places(&text).unwrap();
                let (wanted, score) = (alone(&mut runner, &judge, &question, &expression), score.unwrap());
                assert!((wanted.logprob - score.logprob).abs() < 0.02, "{text}: {score:?} where {wanted:?} is right");
                assert!((wanted.min_logprob - score.min_logprob).abs() < 0.02, "{text}");
                different += 1;
            }
            assert!(different > 2 - usize::from(count < 37));
        }
        // A question that leaves no room is not judged.
        let long = ask(&"eggs ".repeat(1000));
        let scores = pollster::block_on(judge.scores(&mut runner, &long, (programs, &numbers))).unwrap();
        assert!(scores.iter().all(Option::is_none));
    }
}

#[test]
fn what_is_written_is_a_program_and_scored_as_the_judge_scores_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../public/models/wattage-tiny/base.gguf");
    let file = pollster::block_on(ModelFile::open(vec![Source::file(path.as_ref()).unwrap()])).unwrap();
    let mut runner = runner(Device::cpu(), &file);
    let mut judge = pollster::block_on(Judge::load(&mut runner, &file.tokenizer)).unwrap();
    let (mut whole, mut compared) = (0, 0);
    let mut texts = Vec::new();
    for (question, numbers) in [
        ("What is 12 * 11?", &[12.0, 11.0][..]),
        ("half of 7", &[0.5, 7.0]),
        ("I have 3 and 9", &[3.0, 9.0]),
        ("5 less than 8", &[5.0, 8.0]),
        ("twice 21", &[2.0, 21.0]),
        ("the square root of 64", &[64.0]),
        // What a small model writes is chance: some of many are as the judge writes them.
        ("What is 3 + 4?", &[3.0, 4.0]),
        ("20 minus 8", &[20.0, 8.0]),
        ("divide 30 by 6", &[30.0, 6.0]),
        ("7 x 8", &[7.0, 8.0]),
        ("15% of 80", &[0.15, 80.0]),
        ("Tom has 5 apples", &[5.0]),
        ("Hello", &[]),
        ("add 1, 2 and 3", &[1.0, 2.0, 3.0]),
        ("2 to the power of 5", &[2.0, 5.0]),
        ("9", &[9.0]),
    ] {
        let question = Judge::question(&file.tokenizer, question, None).unwrap();
        let wrote = pollster::block_on(judge.write(&mut runner, &question, (numbers, true))).unwrap().unwrap();
        assert!(wrote.gate.is_finite());
        let again = pollster::block_on(judge.write(&mut runner, &question, (numbers, true))).unwrap().unwrap();
        assert_eq!(wrote.gate, again.gate);
        let Some((program, score)) = wrote.program else { continue };
        assert!(program.parameters() <= numbers.len());
        whole += 1;
        // Where it finds that there is nothing to compute, it does not.
        let asked = pollster::block_on(judge.write(&mut runner, &question, (numbers, false))).unwrap().unwrap();
        assert_eq!(asked.program.is_some(), asked.gate > 0.0);
        // Token by token or all at once, as a branch: the same, where both take the same tokens for the text.
        let text = [Some(wrote.text.trim_start().to_owned())];
        let scores = pollster::block_on(judge.scores_of(&mut runner, &question, &text)).unwrap();
        let Some(judged) = scores[0] else { continue };
        let near = (judged.logprob - score.logprob).abs() < 0.05;
        compared += usize::from(near);
        texts.push((wrote.text, judged.logprob, score.logprob));
    }
    assert!(compared > 0 && compared == texts.len(), "of {whole} whole expressions {compared} agree: {texts:?}");
}
