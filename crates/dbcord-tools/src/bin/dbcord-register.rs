//! Tells Discord about the slash commands, and says what changed.

fn main() -> std::process::ExitCode {
    dbcord_tools::register::main()
}
