//! `bench`: tokens a second, and what a token costs.

use wattage_engine::{Cancel, ChatOptions, Error, Prompt, Result, Sampling};

use crate::cli;

pub(crate) async fn run(args: cli::Bench) -> Result<()> {
    if args.prompt_tokens == 0 || args.gen_tokens < 2 || args.runs == 0 {
        return Err(Error::Request("bench needs a prompt, two tokens to decode, and a run".to_owned()));
    }
    let began = std::time::Instant::now();
    let mut session = cli::load(&args.load, &[], cli::Text::Off).await?;
    let load_seconds = began.elapsed().as_secs_f64();
    let (mut prefill, mut decode) = (Vec::new(), Vec::new());
    let vocab = session.model().vocab as u32;
    let mut per_token = [0.0; 4];
    // Any tokens will do; the same in each run, so that runs are alike.
    let prompt: Vec<u32> = (0..args.prompt_tokens as u32).map(|i| (i * 7919 + 13) % vocab.min(1000)).collect();
    let one = ChatOptions { sampling: Sampling::greedy(), max_tokens: 1, ..ChatOptions::default() };
    for _ in 0..args.runs {
        session.reset();
        let first = session.complete(Prompt::Tokens(&prompt), &one, &Cancel::new(), &mut |_| {}).await?;
        prefill.push(first.prefill_tps);
        let before = session.counts();
        decode.push(session.decode_speed(args.gen_tokens).await?);
        let after = session.counts();
        per_token = [
            after.dispatches - before.dispatches,
            after.passes - before.passes,
            after.submits - before.submits,
            after.read_bytes - before.read_bytes,
        ]
        .map(|count| count as f64 / args.gen_tokens as f64);
    }
    let (model, device) = (session.model(), session.device());
    let json = serde_json::json!({
        "prefill_tps": median(&mut prefill),
        "decode_tps": median(&mut decode),
        "dispatches_per_token": per_token[0],
        "passes_per_token": per_token[1],
        "submits_per_token": per_token[2],
        "readback_bytes_per_token": per_token[3],
        "weight_bytes_per_token": model.weight_bytes,
        "gpu_bytes": model.gpu_bytes,
        "load_seconds": load_seconds,
        "adapter": device.adapter,
        "features": device.features,
    });
    if args.json {
        println!("{json}");
    } else {
        println!("{json:#}");
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
