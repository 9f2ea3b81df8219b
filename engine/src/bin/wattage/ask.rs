//! `ask`: one question, with everything that the layers made of it.

use serde_json::{Value, json};
use wattage_engine::{
    Cancel, CandidateRow, ChatOptions, Completion, Event, Message, ModelInfo, Prompt, Result, Role, Sampling, Voice,
    row_of, trace,
};

use crate::cli;

pub(crate) async fn run(args: cli::Ask) -> Result<()> {
    let mut session = cli::load(&args.load, &[], args.text_voice).await?;
    let options = ChatOptions {
        sampling: Sampling::greedy(),
        max_tokens: args.max_tokens,
        layers: !args.no_layers,
        ..ChatOptions::default()
    };
    let ask = [Message { role: Role::User, content: args.text.clone() }];
    let began = std::time::Instant::now();
    let mut unread = None;
    let mut on_event = |event: Event| {
        if let Event::NotRead(why) = event {
            unread = Some(why);
        }
    };
    let answer = session.complete(Prompt::Chat(&ask), &options, &Cancel::new(), &mut on_event).await?;
    let total = began.elapsed().as_secs_f64();
    if let Some(why) = &unread {
        eprintln!("The WASM layers were not used: {why}");
    }
    let voices = &voices(session.model());
    if args.json {
        println!("{}", as_json(&answer, voices, total));
        return Ok(());
    }
    println!("{}", answer.text.trim_end());
    if args.trace {
        let computation = answer.computation.as_ref();
        let rows = computation.map(|computation| computation.candidates.as_slice()).unwrap_or_default();
        let error = computation.and_then(|computation| computation.error.as_deref());
        println!("\n{}", trace(answer.gate.as_ref(), rows, voices, error));
    }
    Ok(())
}

/// Who writes functions for a model.
pub(crate) fn voices(model: &ModelInfo) -> Vec<Voice> {
    model.wasm_layers.iter().map(|layer| Voice::Layer(*layer)).chain(model.text_voice.then_some(Voice::Text)).collect()
}

/// The contract's object.
pub(crate) fn as_json(answer: &Completion, voices: &[Voice], seconds: f64) -> Value {
    let computation = answer.computation.as_ref();
    let all = computation.map(|computation| computation.candidates.as_slice()).unwrap_or_default();
    let rows: Vec<Value> = voices
        .iter()
        .filter_map(|voice| row_of(all, *voice))
        .map(|row| {
            let mut value = candidate(row);
            let others = all.iter().filter(|other| other.voice == row.voice && other.id != row.id);
            value["alternatives"] = others.map(candidate).collect();
            value
        })
        .collect();
    json!({
        "text": answer.text,
        "gate": answer.gate.as_ref().map(|gate| json!({
            "open": gate.open, "logit": gate.logit,
            "layers": gate.layers.iter().map(|(layer, logit)| (layer.to_string(), *logit)).collect::<std::collections::BTreeMap<_, _>>(),
        })),
        "numbers": computation.map(|computation| &computation.numbers),
        "candidates": rows,
        "similar": computation.map(|computation| &computation.similar),
        "chosen": computation.and_then(|computation| computation.winner()).map(|row| row.voice),
        "computed": computation.and_then(|computation| computation.value),
        "error": computation.and_then(|computation| computation.error.as_ref()),
        "timings": {
            "total_ms": seconds * 1e3,
            "prefill_ms": answer.prompt_tokens.saturating_sub(answer.reused_tokens) as f64 / answer.prefill_tps.max(1e-9) * 1e3,
            "compute_ms": computation.map(|computation| computation.micros as f64 / 1e3),
            "decode_tokens_per_second": answer.decode_tps,
        },
    })
}

fn candidate(row: &CandidateRow) -> Value {
    json!({
        "layer": row.voice, "rank": row.rank, "wat": row.wat, "op": row.op, "args": row.args,
        "status": row.status, "result": row.result, "shown": row.shown, "exact": row.exactness, "error": row.error,
        "score": row.score, "parts": row.parts, "logprob": row.logprob, "fuel": row.fuel,
        "compile_us": row.compile_us, "run_us": row.run_us,
    })
}
