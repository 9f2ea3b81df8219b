//! `generate`, `logits` and `check`.

use std::collections::BTreeMap;
use std::io::Write as _;

use safetensors::tensor::{Dtype, TensorView};
use wattage_engine::kernels::VARIANTS;
use wattage_engine::{Cancel, ChatOptions, Device, Error, Event, Message, Prompt, Result, Role, Sampling, check};

use crate::cli;

pub(crate) async fn generate(args: cli::Generate) -> Result<()> {
    let mut session = cli::load(&args.load, &[], cli::Text::Off).await?;
    let options = ChatOptions {
        sampling: if args.greedy {
            Sampling { repetition_penalty: args.repetition_penalty, ..Sampling::greedy() }
        } else {
            Sampling {
                temperature: args.temperature,
                top_k: args.top_k,
                top_p: args.top_p,
                min_p: args.min_p,
                repetition_penalty: args.repetition_penalty,
                frequency_penalty: args.frequency_penalty,
                presence_penalty: args.presence_penalty,
                seed: args.seed,
            }
        },
        max_tokens: args.max_tokens,
        think: !args.no_think,
        stop: args.stop.clone(),
        ..ChatOptions::default()
    };
    let mut messages = Vec::new();
    if let Some(system) = &args.system {
        messages.push(Message { role: Role::System, content: system.clone() });
    }
    messages.push(Message { role: Role::User, content: args.prompt.clone() });
    let prompt = if args.raw { Prompt::Raw(&args.prompt) } else { Prompt::Chat(&messages) };
    let mut on_event = |event: Event| {
        if let (Event::Token { text, .. }, false) = (event, args.json) {
            print!("{text}");
            // A closed pipe shows at the end.
            let _ = std::io::stdout().flush();
        }
    };
    let answer = session.complete(prompt, &options, &Cancel::new(), &mut on_event).await?;
    if args.json {
        let json = serde_json::json!({
            "text": answer.text,
            "tokens": answer.tokens,
            "prompt_tokens": answer.prompt_tokens,
            "prefill_tps": answer.prefill_tps,
            "decode_tps": answer.decode_tps,
            "adapter": session.device().adapter,
            "stop": answer.stop,
        });
        println!("{json}");
    } else {
        println!();
        eprintln!(
            "{} prompt tokens at {:.1}/s, {} tokens at {:.1}/s on {}; {:?}",
            answer.prompt_tokens,
            answer.prefill_tps,
            answer.tokens.len(),
            answer.decode_tps,
            session.device().adapter,
            answer.stop
        );
    }
    Ok(())
}

pub(crate) async fn logits(args: cli::Logits) -> Result<()> {
    let mut session = cli::load(&args.load, &args.taps, cli::Text::Off).await?;
    let (logits, taps) = session.logits(&args.tokens).await?;
    let count = args.tokens.len();
    let mut arrays = BTreeMap::from([("logits".to_owned(), logits)]);
    arrays.extend(taps.into_iter().map(|(layer, values)| (format!("tap.{layer}"), values)));
    let bytes: BTreeMap<_, Vec<u8>> = arrays
        .iter()
        .map(|(name, values)| (name.clone(), values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let unwritable = |why: &dyn std::fmt::Display| Error::Source {
        what: args.out.display().to_string(),
        why: format!("it could not be written: {why}"),
    };
    let mut views = BTreeMap::new();
    for (name, bytes) in &bytes {
        let shape = vec![count, bytes.len() / 4 / count];
        views.insert(name.clone(), TensorView::new(Dtype::F32, shape, bytes).map_err(|why| unwritable(&why))?);
    }
    safetensors::serialize_to_file(&views, None, &args.out).map_err(|why| unwritable(&why))
}

pub(crate) async fn check(args: cli::Check) -> Result<()> {
    let mut device = if args.device == cli::Where::Cpu { Device::cpu() } else { Device::gpu().await? };
    let adapter = device.adapter().map_or("CPU executor".to_owned(), |info| info.name.clone());
    let mut rows = Vec::new();
    let mut failed = 0;
    for (index, variant) in VARIANTS.iter().enumerate() {
        if !device.runs(variant) || !variant.name.starts_with(&args.only) {
            continue;
        }
        let small = check::variant(&mut device, index, check::Size::Small).await?;
        let large = check::variant(&mut device, index, check::Size::Large).await?;
        let error = small.max_error.max(large.max_error);
        let passed = small.passed() && large.passed();
        failed += usize::from(!passed);
        let (gflops, gbytes) = (large.flops as f64 / large.seconds / 1e9, large.bytes as f64 / large.seconds / 1e9);
        if !args.json {
            let word = if passed { "ok" } else { "WRONG" };
            println!("{word:5} {:28} error {error:8.1e}  {gflops:8.2} GFLOP/s  {gbytes:7.2} GB/s", variant.name);
        }
        rows.push(serde_json::json!({
            "kernel": variant.stem.name(), "variant": variant.name, "error": error, "passed": passed,
            "gflops": gflops, "gbytes_per_second": gbytes, "seconds": large.seconds,
        }));
    }
    if args.json {
        println!("{}", serde_json::json!({ "adapter": adapter, "kernels": rows }));
    } else {
        println!("{} kernels on {adapter}, {failed} wrong", rows.len());
    }
    match failed {
        0 => Ok(()),
        _ => Err(Error::SelfCheck(format!("{failed} kernels differ from their CPU twins"))),
    }
}
