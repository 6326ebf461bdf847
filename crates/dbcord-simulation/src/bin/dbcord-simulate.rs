//! Simulation runs by seed; behind `scripts/simulate`.

fn main() -> std::process::ExitCode {
    dbcord_simulation::command::main()
}
