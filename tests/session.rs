//! What a session promises: the cost of a token, reuse of the context, sampling, stopping, limits, cancelling.
#![allow(clippy::unwrap_used, reason = "a failure here fails the test that called")]

use harness::golden::{self, Golden};
use wattage_engine::{
    Cancel, ChatOptions, Completion, DevicePreference, Error, Event, LoadOptions, Message, ModelFile, Prompt, Result,
    Role, Sampling, Session, StopReason,
};

const BOTH: [DevicePreference; 2] = [DevicePreference::Cpu, DevicePreference::Gpu];

fn tiny() -> Golden {
    golden::all().into_iter().find(|golden| golden.name == "qwen3-tiny.gguf").unwrap()
}

fn load(device: DevicePreference, context: usize) -> Session {
    tiny().load(&LoadOptions { device, context, ..LoadOptions::default() }).unwrap()
}

fn attempt(session: &mut Session, prompt: &[u32], options: &ChatOptions) -> Result<Completion> {
    pollster::block_on(session.complete(Prompt::Tokens(prompt), options, &Cancel::new(), &mut |_| {}))
}

fn complete(session: &mut Session, prompt: &[u32], options: &ChatOptions) -> Completion {
    attempt(session, prompt, options).unwrap()
}

fn greedy(max_tokens: usize) -> ChatOptions {
    ChatOptions { sampling: Sampling::greedy(), max_tokens, ..ChatOptions::default() }
}

fn prompt(count: u32) -> Vec<u32> {
    (0..count).map(|i| (i * 37 + 11) % 368).collect()
}

#[test]
fn a_token_is_one_submit_one_pass_and_a_few_bytes() {
    for device in BOTH {
        let mut session = load(device, 256);
        complete(&mut session, &prompt(9), &greedy(1));
        let before = session.counts();
        let tokens = 16;
        complete(&mut session, &prompt(9), &greedy(tokens + 1));
        let after = session.counts();
        // The prompt's last token is read again, and gives the first token: the rest are steps.
        let steps = after.submits - before.submits;
        assert!(steps <= tokens as u64 + 2, "{steps} submits for {tokens} tokens");
        assert_eq!(after.passes - before.passes, steps);
        assert!(after.read_bytes - before.read_bytes <= 16 * steps, "more than 16 bytes a greedy token");

        let sampled = ChatOptions { max_tokens: tokens + 1, ..ChatOptions::default() };
        let before = session.counts();
        complete(&mut session, &prompt(9), &sampled);
        let after = session.counts();
        let steps = after.submits - before.submits;
        assert!(steps <= tokens as u64 + 2);
        assert!(after.read_bytes - before.read_bytes <= 1024 * steps, "more than 1 KiB a sampled token");
    }
}

#[test]
fn a_decoded_token_of_28_layers_is_at_most_240_dispatches() {
    // A small model of as many layers would do; this one has the shapes of the real one, so that its head is split as well.
    let options = LoadOptions { device: DevicePreference::Cpu, context: 64, ..LoadOptions::default() };
    let file = ModelFile::random("qwen3-0.6b").unwrap();
    let mut session =
        pollster::block_on(Session::load_file(file, None, &options, &Cancel::new(), &mut |_| {})).unwrap();
    complete(&mut session, &prompt(3), &greedy(1));
    let before = session.counts();
    pollster::block_on(session.decode_speed(4)).unwrap();
    let after = session.counts();
    let dispatches = (after.dispatches - before.dispatches) as f64 / (after.submits - before.submits - 1) as f64;
    assert!(dispatches <= 240.0, "{dispatches} dispatches a token");
    assert!(dispatches > 28.0 * 6.0, "{dispatches} dispatches cannot be all");
    let layers = session.model().layers as f64;
    assert!((dispatches - 10.0) / layers <= 8.0, "{dispatches} dispatches over {layers} layers");
}

#[test]
fn the_context_that_two_prompts_share_is_read_once() {
    for device in BOTH {
        let mut session = load(device, 256);
        let first = prompt(40);
        complete(&mut session, &first, &greedy(4));
        let mut second = first[..30].to_vec();
        second.extend(prompt(50).split_off(45));
        let reused = complete(&mut session, &second, &greedy(8));
        assert_eq!(reused.reused_tokens, 30);
        session.reset();
        let fresh = complete(&mut session, &second, &greedy(8));
        assert_eq!(fresh.reused_tokens, 0);
        assert_eq!(reused.tokens, fresh.tokens);
        // The same prompt again: all but its last token is there.
        assert_eq!(complete(&mut session, &second, &greedy(8)).reused_tokens, second.len() - 1);
    }
}

#[test]
fn the_same_seed_gives_the_same_text_and_another_seed_another() {
    for device in BOTH {
        let mut session = load(device, 256);
        let with = |seed, repetition_penalty| ChatOptions {
            sampling: Sampling {
                temperature: 1.5,
                top_k: 0,
                top_p: 1.0,
                seed,
                repetition_penalty,
                ..Sampling::default()
            },
            max_tokens: 24,
            ..ChatOptions::default()
        };
        for penalty in [1.0, 1.3] {
            let one = complete(&mut session, &prompt(9), &with(1, penalty));
            assert_eq!(one.tokens, complete(&mut session, &prompt(9), &with(1, penalty)).tokens);
            assert_ne!(one.tokens, complete(&mut session, &prompt(9), &with(2, penalty)).tokens);
        }
    }
}

#[test]
fn penalties_keep_a_greedy_answer_from_repeating() {
    for device in BOTH {
        let mut session = load(device, 256);
        let options = ChatOptions {
            sampling: Sampling { presence_penalty: 10.0, frequency_penalty: 10.0, ..Sampling::greedy() },
            ..greedy(40)
        };
        let prompt = prompt(9);
        let mut answer = complete(&mut session, &prompt, &options).tokens;
        let count = answer.len();
        answer.extend(&prompt);
        let different: std::collections::HashSet<_> = answer.iter().collect();
        assert_eq!(different.len(), count + prompt.len(), "a token was repeated: {answer:?}");
    }
}

#[test]
fn stop_texts_end_the_answer_and_are_not_part_of_it() {
    let mut session = load(DevicePreference::Cpu, 256);
    let whole = complete(&mut session, &prompt(9), &greedy(40)).text;
    let middle: Vec<char> = whole.chars().collect();
    let stop: String = middle[10..13].iter().collect();
    let options = ChatOptions { stop: vec![stop.clone()], ..greedy(40) };
    let mut told = String::new();
    let prompt = prompt(9);
    let mut tell = |event| {
        if let Event::Token { text, .. } = event {
            told.push_str(&text);
        }
    };
    let answer =
        pollster::block_on(session.complete(Prompt::Tokens(&prompt), &options, &Cancel::new(), &mut tell)).unwrap();
    assert_eq!(answer.stop, StopReason::StopString);
    assert_eq!(answer.text, whole[..whole.find(&stop).unwrap()]);
    assert_eq!(told, answer.text, "what was told differs from the answer");
}

#[test]
fn the_context_ends_an_answer_and_refuses_a_prompt_at_its_limit() {
    for device in BOTH {
        let mut session = load(device, 32);
        let full = complete(&mut session, &prompt(28), &greedy(100));
        assert_eq!(full.stop, StopReason::ContextFull);
        assert_eq!(full.tokens.len(), 4);
        assert_eq!(complete(&mut session, &prompt(31), &greedy(100)).tokens.len(), 1);
        let refused = attempt(&mut session, &prompt(32), &greedy(1));
        assert!(matches!(refused, Err(Error::ContextFull { needed: 33, limit: 32 })));
        // Nothing is broken by that.
        assert_eq!(complete(&mut session, &prompt(28), &greedy(100)).tokens, full.tokens);
    }
}

#[test]
fn an_answer_is_stopped_and_the_next_one_is_whole() {
    for device in BOTH {
        let mut session = load(device, 256);
        let tokens = prompt(9);
        let whole = complete(&mut session, &tokens, &greedy(20));
        let cancel = Cancel::new();
        let mut seen = 0;
        let mut stop_at_third = |event| {
            if matches!(event, Event::Token { .. }) {
                seen += 1;
                if seen == 3 {
                    cancel.cancel();
                }
            }
        };
        let options = greedy(20);
        let stopped = session.complete(Prompt::Tokens(&tokens), &options, &cancel, &mut stop_at_third);
        let stopped = pollster::block_on(stopped).unwrap();
        assert_eq!(stopped.stop, StopReason::Cancelled);
        assert_eq!(stopped.tokens, whole.tokens[..3]);
        assert_eq!(complete(&mut session, &tokens, &greedy(20)).tokens, whole.tokens);
    }
}

#[test]
fn a_load_is_cancelled() {
    let cancel = Cancel::new();
    cancel.cancel();
    let file = golden::folder().join("qwen3-tiny.gguf");
    let source = wattage_engine::Source::file(&file).unwrap();
    let options = LoadOptions { device: DevicePreference::Cpu, ..LoadOptions::default() };
    let loaded = pollster::block_on(Session::load(vec![source], &options, &cancel, &mut |_| {}));
    assert!(matches!(loaded, Err(Error::Cancelled)));
}

#[test]
fn a_conversation_is_answered_and_goes_on() {
    let mut session = load(DevicePreference::Cpu, 512);
    let user = |text: &str| Message { role: Role::User, content: text.to_owned() };
    let mut messages = vec![user("Hello <|im_end|> there")];
    let first = pollster::block_on(session.chat(&messages, &greedy(12), &Cancel::new(), &mut |_| {})).unwrap();
    messages.push(Message { role: Role::Assistant, content: first.text.clone() });
    messages.push(user("Go on"));
    let second = pollster::block_on(session.chat(&messages, &greedy(12), &Cancel::new(), &mut |_| {})).unwrap();
    assert!(second.prompt_tokens > first.prompt_tokens);
    assert!(second.reused_tokens >= first.prompt_tokens / 2, "the conversation was read again");
}

#[test]
fn settings_out_of_range_and_unknown_tokens_are_refused() {
    let mut session = load(DevicePreference::Cpu, 64);
    let options = ChatOptions { sampling: Sampling { top_p: 2.0, ..Sampling::default() }, ..greedy(1) };
    let refused = attempt(&mut session, &[1], &options);
    assert!(matches!(refused, Err(Error::Request(_))));
    let refused = attempt(&mut session, &[4000], &greedy(1));
    assert!(matches!(refused, Err(Error::Request(_))));
    let refused = attempt(&mut session, &[], &greedy(1));
    assert!(matches!(refused, Err(Error::Request(_))));
}

#[test]
fn answers_side_by_side_are_those_one_after_another() {
    // More conversations than lanes, of different lengths: lanes are used again, and never at the same position.
    let words = ["Hello", "What is 3 plus 4? Say it in words.", "Why", "Tell me about 17, 4 and 203.", "Thanks a lot"];
    let conversations: Vec<Vec<Message>> =
        words.iter().map(|text| vec![Message { role: Role::User, content: (*text).to_owned() }]).collect();
    for device in BOTH {
        let mut session = harness::tiny::load_with(device, &[]).unwrap();
        let options = ChatOptions { layers: false, ..greedy(24) };
        let mut alone = Vec::new();
        for messages in &conversations {
            let prompt = Prompt::Chat(messages);
            let answer = pollster::block_on(session.complete(prompt, &options, &Cancel::new(), &mut |_| {})).unwrap();
            alone.push((answer.tokens, answer.text, answer.stop, answer.prompt_tokens));
        }
        for lanes in [1, 3] {
            let before = session.counts().submits;
            let mut beside = vec![None; conversations.len()];
            let mut on_answer = |at: usize, answer: Completion| {
                beside[at] = Some((answer.tokens, answer.text, answer.stop, answer.prompt_tokens));
                Ok(())
            };
            let cancel = Cancel::new();
            let work = session.complete_together(&conversations, (lanes, &options), &cancel, &mut on_answer);
            pollster::block_on(work).unwrap();
            let beside: Vec<_> = beside.into_iter().flatten().collect();
            assert_eq!(beside, alone, "{lanes} lanes");
            let steps: usize = alone.iter().map(|(tokens, ..)| tokens.len() + 1).sum();
            let submits = (session.counts().submits - before) as usize;
            // A submit a prompt, and steps that the lanes share.
            assert!(
                submits <= conversations.len() + if lanes == 1 { steps } else { steps * 2 / 3 },
                "{submits} submits"
            );
        }
    }
}

#[test]
fn side_by_side_is_refused_where_it_cannot_be() {
    let mut session = harness::tiny::load();
    let conversations = vec![vec![harness::tiny::user("Hello")]];
    let mut attempt = |lanes, options: &ChatOptions, cancel: &Cancel| {
        pollster::block_on(session.complete_together(&conversations, (lanes, options), cancel, &mut |_, _| Ok(())))
    };
    let options = ChatOptions { layers: false, ..greedy(4) };
    for lanes in [0, 257] {
        assert!(matches!(attempt(lanes, &options, &Cancel::new()), Err(Error::Request(_))));
    }
    let computing = ChatOptions { layers: true, ..options.clone() };
    assert!(matches!(attempt(1, &computing, &Cancel::new()), Err(Error::Request(_))));
    let sampled = ChatOptions { sampling: Sampling::default(), ..options.clone() };
    assert!(matches!(attempt(1, &sampled, &Cancel::new()), Err(Error::Request(_))));
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(matches!(attempt(1, &options, &cancel), Err(Error::Cancelled)));
    attempt(1, &options, &Cancel::new()).unwrap();
}
