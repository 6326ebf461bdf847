//! The command-line tools, and what they share.

/// Prints a line. With nobody left to read it, as behind `| head`, the work goes on: a panic
/// would leave channels behind.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod command_line;
mod discord;
mod host;
mod interrupt;
mod journal;
pub mod live;
pub mod register;
mod settings;
