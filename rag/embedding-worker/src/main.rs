//! What the tests start; people have `steward worker embed`, which runs the same code.

use std::process::ExitCode;

use clap::Parser;
use steward_embedding_worker::Arguments;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

fn main() -> ExitCode {
    match steward_embedding_worker::run(&Cli::parse().arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
