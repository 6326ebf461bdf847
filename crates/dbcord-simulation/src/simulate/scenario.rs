//! A fixed plan that has something of everything.

use super::place::{ACCOUNTS, Cell, KEYS, LASTING, MEMBERS, TEAMS};
use super::plan::{Ask, Intent, Plan, Step, offered};

/// Everything is shown by then, and a checkpoint taken.
const SHOWN_MS: u64 = 40_000;
/// Nobody can be told any more what became of a command: records of deleted rows go.
const FORGOTTEN_MS: u64 = 1_000_000;
/// The wait of whoever has new storage.
const NEW_MS: u64 = 65_000;
/// Another deployment has taken the database over.
const TAKEN_OVER_MS: u64 = 130_000;

impl Plan {
    /// Two clients at a time, documents of every size, an object that is dropped, channels brought
    /// up to date, a checkpoint, rows that leave no copy, and another deployment at last.
    pub fn scenario() -> Plan {
        let mut steps = Vec::new();
        for (round, pads) in [[10, 700], [300, 20]].into_iter().enumerate() {
            for (intent, _) in offered() {
                for (client, pad) in pads.into_iter().enumerate() {
                    steps.push(Step::Ask(ask(round, client, *intent, pad)));
                    steps.push(Step::Wait(20));
                }
                steps.push(Step::Wait(2_000));
            }
            steps.push(Step::Wait(SHOWN_MS));
            steps.push(Step::Idle(15_000));
        }
        steps.push(Step::Wait(FORGOTTEN_MS));
        // Who has new storage waits before it is told to take over: there, back, and there again.
        steps.extend([Step::MoveOn, Step::MoveOn, Step::Wait(NEW_MS)]);
        steps.extend([Step::MoveOn, Step::Wait(TAKEN_OVER_MS)]);
        for intent in [Intent::Update, Intent::Past, Intent::Transact] {
            steps.push(Step::Ask(ask(2, 0, intent, 10)));
            steps.push(Step::Wait(2_000));
        }
        Plan {
            seed: 1,
            refuses_files: false,
            steps,
        }
    }
}

fn ask(round: usize, client: usize, intent: Intent, pad: u32) -> Ask {
    let key = match intent {
        Intent::Transfer => KEYS.len() - 1 - client,
        _ => (round + client) % (KEYS.len() - ACCOUNTS),
    };
    let cell = |table| Cell {
        table,
        key: key as u8,
    };
    // One table is created, renamed, and dropped under its new name; the other client is refused.
    let table = match intent {
        Intent::Create | Intent::Rename => LASTING,
        Intent::Drop => LASTING + 1 - client as u8,
        // Only tables with rules have these.
        Intent::SetSchema | Intent::ChangeIndex | Intent::UpdateMany | Intent::DeleteMany => {
            [TEAMS, MEMBERS][client % 2]
        }
        _ => u8::from(pad > 500),
    };
    Ask {
        client,
        intent,
        cell: cell(table),
        other: cell(1 - table % 2),
        third: Cell {
            table: LASTING,
            key: 0,
        },
        // The third row as well.
        twist: 3 << 16,
        pad,
        insists: round == 1,
        strays: false,
    }
}
