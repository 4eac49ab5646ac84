//! The program `steward`: everything it does is a subcommand, see [`steward_gateway::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    steward_gateway::cli::main(steward_gateway::compose::modules)
}
