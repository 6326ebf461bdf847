//! Ctrl-C: stops what is going on, but not the cleaning up.

use std::io::Write as _;
use std::sync::atomic::{AtomicU8, Ordering};

const WORKING: u8 = 0;
const ASKED_TO_STOP: u8 = 1;
const CLEANING_UP: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(WORKING);

/// Takes Ctrl-C, and SIGTERM where there is such a thing. A second one ends the program at once.
///
/// # Errors
/// When the system does not let us.
pub fn listen() -> Result<(), String> {
    let stop = || {
        let asked =
            STATE.compare_exchange(WORKING, ASKED_TO_STOP, Ordering::Relaxed, Ordering::Relaxed);
        if asked.is_ok() {
            tell("Stopping; what was made will be removed. Once more to leave it there.");
        } else {
            tell("Stopped. Channels that this run made may be left in the guild.");
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(stop).map_err(|error| format!("Ctrl-C cannot be caught: {error}."))
}

/// Whether work should stop: no request is sent and no wait is sat out any more.
pub fn requested() -> bool {
    STATE.load(Ordering::Relaxed) == ASKED_TO_STOP
}

/// Lets requests through again, for cleaning up.
pub fn ignore_until_done() {
    STATE.store(CLEANING_UP, Ordering::Relaxed);
}

/// The terminal may be what went away.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
