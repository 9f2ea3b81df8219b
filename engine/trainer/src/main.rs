//! The trainer's command line. Results go to files and stdout, counts to stderr.

mod data;
mod export_command;
mod questions_command;
mod scorer_command;
mod tiny;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "wattage-trainer", version, about = "Makes what the embedded model is trained on")]
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
    /// Writes a trained model as the files that the engine reads
    Export(export_command::Export),
    /// Writes a set that models are measured on as lines for `wattage eval`
    Questions(questions_command::Questions),
    /// Trains the scorer of an exported model, and fills its store
    Scorer(scorer_command::Scorer),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Data(data) => data::run(&data),
        Command::Tiny(tiny) => tiny::run(&tiny),
        Command::Export(export) => export_command::run(&export),
        Command::Questions(questions) => questions_command::run(&questions),
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
