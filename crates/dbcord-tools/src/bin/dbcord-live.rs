//! Tries dbcord's engine on a real guild, and observes what Discord's documentation leaves open.

fn main() -> std::process::ExitCode {
    dbcord_tools::live::main()
}
