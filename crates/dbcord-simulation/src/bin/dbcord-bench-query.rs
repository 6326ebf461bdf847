//! What queries cost; behind `scripts/bench query`.

fn main() -> std::process::ExitCode {
    dbcord_simulation::bench::query::command::main()
}
