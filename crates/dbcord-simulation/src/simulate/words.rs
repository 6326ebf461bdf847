//! Steps in words, for the account of a run.

use std::fmt;

use discord_sim::FaultKind;

use super::place::TABLES;
use super::plan::{Blindness, Step};
use crate::harness::host::Side;

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Ask(ask) => write!(f, "client {} asks", ask.client),
            Step::Wait(ms) => write!(f, "{ms} ms pass"),
            Step::Index { table, is_drop } => {
                let table = TABLES[usize::from(*table)];
                let what = if *is_drop { "loses its" } else { "gets an" };
                write!(f, "table {table} {what} index")
            }
            Step::Join => f.write_str("everybody waits for their answers"),
            Step::Idle(ms) => write!(f, "nothing happens for {ms} ms, and the object is dropped"),
            Step::Evict => f.write_str("the object loses its memory"),
            Step::Replace => {
                f.write_str("another object takes over, and this one goes on for a while")
            }
            Step::CrashAt {
                step,
                side: Side::Before,
            } => write!(f, "the object will die before its step {step} from here"),
            Step::CrashAt {
                step,
                side: Side::After,
            } => write!(
                f,
                "the object will die after its step {step} from here took effect"
            ),
            Step::Fault(fault) => {
                let method = fault.method.as_deref().unwrap_or("any");
                write!(
                    f,
                    "of the requests with {method} method, after {} more, {} meet {:?}",
                    fault.skip, fault.times, fault.kind
                )?;
                match fault.kind {
                    FaultKind::Delay => write!(f, " of {} ms", fault.ms.unwrap_or_default()),
                    FaultKind::Status => write!(f, " {}", fault.status.unwrap_or_default()),
                    _ => Ok(()),
                }
            }
            Step::FlakyStorage { passes, fails } => {
                write!(f, "storage will fail {fails} times, after {passes} writes")
            }
            Step::LatePost(ms) => write!(
                f,
                "the next message posted arrives {ms} ms late, unanswered"
            ),
            Step::ClockBack(ms) => write!(f, "the clock is set back by {ms} ms"),
            Step::Blind(Blindness { table, is_hidden }) => {
                let table = TABLES[usize::from(*table)];
                let what = if *is_hidden { "see" } else { "read" };
                write!(f, "the bot cannot {what} the channel of {table}")
            }
            Step::StaleReads(ms) => write!(f, "lists of messages miss the newest {ms} ms"),
            Step::ByHand(deed) => deed.fmt(f),
            Step::MoveOn => {
                f.write_str("another deployment gets the commands, and is to take over")
            }
            Step::WipeStorage => f.write_str("object storage is wiped"),
            Step::Calm => f.write_str("nothing goes wrong any more"),
            Step::BadLuck { seed } => {
                write!(f, "requests have bad luck of every kind, by seed {seed}")
            }
            Step::Quiet => f.write_str("an hour of rest, then everything is compared"),
        }
    }
}
