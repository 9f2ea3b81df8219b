//! The trainer's command line. Results go to files and stdout, counts to stderr.

mod controls_command;
mod data;
mod digits_command;
mod examples;
mod export_command;
mod layers_command;
mod metrics;
mod mistakes_command;
mod provenance;
mod questions_command;
mod scorer_command;
mod states_command;
mod tiny;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "wattage-trainer", version, about = "Trains the embedded model, and WASM layers on pretrained ones")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes training examples, or counts them
    Data(data::Data),
    /// Trains the embedded model
    Tiny(tiny::Tiny),
    /// Runs a pretrained base over questions once, and keeps what its WASM layers will read
    States(states_command::States),
    /// Trains WASM layers on a pretrained base, from what `states` kept
    Layers(layers_command::Layers),
    /// Writes a trained model as the files that the engine reads
    Export(export_command::Export),
    /// Writes a set that models are measured on as lines for `wattage eval`
    Questions(questions_command::Questions),
    /// Draws how many answers to direct arithmetic are right by number of digits, from what `wattage eval` wrote
    Digits(digits_command::Digits),
    /// Tells what is wrong with the programs that gave wrong results, from what `wattage eval` wrote
    Mistakes(mistakes_command::Mistakes),
    /// Counts what layers still have right where something that they need is taken from them
    Controls(controls_command::Controls),
    /// Trains the scorer of an exported model, and fills its store
    Scorer(scorer_command::Scorer),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Data(data) => data::run(&data),
        Command::Tiny(tiny) => tiny::run(&tiny),
        Command::States(states) => states_command::run(&states),
        Command::Layers(layers) => layers_command::run(&layers),
        Command::Export(export) => export_command::run(&export),
        Command::Questions(questions) => questions_command::run(&questions),
        Command::Digits(digits) => digits_command::run(&digits),
        Command::Mistakes(mistakes) => mistakes_command::run(&mistakes),
        Command::Controls(controls) => controls_command::run(&controls),
        Command::Scorer(scorer) => scorer_command::run(&scorer),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wattage-trainer: {error}");
            ExitCode::FAILURE
        }
    }
}
