//! What a seed means: a list of steps, drawn before anything runs, so that steps can be taken out
//! of it and the rest still makes sense.

use std::sync::OnceLock;

use discord_sim::{Fault, FaultKind, FaultPlan};
use fastrand::Rng;
use serde_json::Value;

use super::deed::Deed;
use super::operation::Mode;
use super::place::{ACCOUNTS, BANKS, Cell, KEYS, LASTING, MEMBERS, TABLES, TEAMS};
use crate::harness::host::Side;

pub const CLIENTS: usize = 4;

/// What clients may ask for, how often, and the command and option that it takes. What this build
/// does not offer is not asked for.
const OPERATIONS: &[(Intent, u32, &str, &str)] = &[
    (Intent::Get, 30, "dbc_get", "key"),
    (Intent::Put(Mode::Insert), 40, "dbc_insert", "value_json"),
    (Intent::Put(Mode::Upsert), 15, "dbc_insert", "mode"),
    (Intent::Put(Mode::Replace), 8, "dbc_insert", "mode"),
    (Intent::Update, 25, "dbc_update", "patch_json"),
    (Intent::Delete, 12, "dbc_delete", "key"),
    (Intent::DeleteForGood, 6, "dbc_delete", "hard"),
    (Intent::Restore, 6, "dbc_restore_row", "rev"),
    (Intent::Past, 12, "dbc_history", "limit"),
    (Intent::Transact, 20, "dbc_transact", "ops_json"),
    (Intent::Transfer, 20, "dbc_transact", "ops_json"),
    (Intent::Create, 6, "dbc_table_create", "mirror"),
    (Intent::Rename, 4, "dbc_table_rename", "to"),
    (Intent::Drop, 3, "dbc_table_drop", "confirm"),
    (Intent::Ask, 36, "dbc_find", "where_json"),
    (Intent::AskElsewhere, 16, "dbc_find", "via"),
    (Intent::UpdateMany, 8, "dbc_update_many", "expect"),
    (Intent::DeleteMany, 4, "dbc_delete_many", "expect"),
    (Intent::SetSchema, 10, "dbc_schema_set", "validate"),
    (Intent::ChangeIndex, 11, "dbc_index_create", "unique"),
];

/// What may go wrong, and how often.
const MISFORTUNES: &[(Misfortune, u32)] = &[
    (Misfortune::Evict, 12),
    (Misfortune::Replace, 12),
    (Misfortune::Crash, 20),
    (Misfortune::Network, 40),
    (Misfortune::BadLuck, 12),
    (Misfortune::FlakyStorage, 6),
    (Misfortune::LatePost, 6),
    (Misfortune::StaleReads, 6),
    (Misfortune::WipeStorage, 6),
    (Misfortune::ByHand, 10),
    (Misfortune::MoveOn, 2),
    (Misfortune::NoFiles, 3),
    (Misfortune::ClockBack, 4),
    (Misfortune::Blind, 5),
];

/// What a client wants; what exactly, when it comes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    Get,
    Put(Mode),
    Update,
    Delete,
    /// With every copy.
    DeleteForGood,
    /// Back to an earlier revision.
    Restore,
    /// What the row was.
    Past,
    /// Several changes at once.
    Transact,
    /// From one account to another, with the revisions that were read.
    Transfer,
    /// A table.
    Create,
    Rename,
    Drop,
    /// A question about a table.
    Ask,
    /// One that is answered from messages.
    AskElsewhere,
    UpdateMany,
    DeleteMany,
    /// What is asked of the rows of a table with rules.
    SetSchema,
    ChangeIndex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Misfortune {
    Evict,
    Replace,
    Crash,
    Network,
    BadLuck,
    FlakyStorage,
    LatePost,
    StaleReads,
    WipeStorage,
    ByHand,
    MoveOn,
    NoFiles,
    ClockBack,
    Blind,
}

/// What the bot cannot do in a table's channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blindness {
    pub table: u8,
    /// It lacks View Channel; otherwise Read Message History.
    pub is_hidden: bool,
}

/// A client's request, as far as it is known beforehand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ask {
    pub client: usize,
    pub intent: Intent,
    pub cell: Cell,
    pub other: Cell,
    pub third: Cell,
    /// Decides what a transaction does to the rows after its first.
    pub twist: u32,
    pub pad: u32,
    /// Whether to insist on the revision that the client saw last.
    pub insists: bool,
    /// Where there are two deployments, it goes to the one that has no commands any more.
    pub strays: bool,
}

#[derive(Debug, Clone)]
pub enum Step {
    Ask(Ask),
    /// Time passes.
    Wait(u64),
    /// Everybody waits for their answers.
    Join,
    /// Nobody asks for anything for so long that the object is dropped from memory.
    Idle(u64),
    Evict,
    /// A second object takes over while the first goes on.
    Replace,
    CrashAt {
        step: u64,
        side: Side,
    },
    Fault(Fault),
    /// Requests meet faults of every kind, as the seed has it, until it is calm again.
    BadLuck {
        seed: u64,
    },
    FlakyStorage {
        passes: u64,
        fails: u64,
    },
    LatePost(u64),
    StaleReads(u64),
    /// The clock is set back by so much.
    ClockBack(u64),
    /// The bot lacks a permission in a table's channel until it is calm again.
    Blind(Blindness),
    WipeStorage,
    /// A table that comes and goes gets an index, or loses it; nobody waits for the answer.
    Index {
        table: u8,
        is_drop: bool,
    },
    /// People meddle with the channels.
    ByHand(Deed),
    /// Another deployment of the bot gets the commands, and is told to take over.
    MoveOn,
    /// What goes wrong stops.
    Calm,
    /// Calm, an hour of rest, and everything is compared.
    Quiet,
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    /// The host lets nobody fetch files, from the beginning on.
    pub refuses_files: bool,
    pub steps: Vec<Step>,
}

impl Plan {
    /// The plan of a seed, with about so many operations.
    pub fn draw(seed: u64, operations: usize) -> Plan {
        let mut rng = Rng::with_seed(seed);
        let mut steps = Vec::new();
        // A part of the runs has no faults at all: there, stricter rules hold.
        let is_calm = rng.u8(..6) == 0;
        let refuses_files = rng.u8(..16) == 0;
        let mut asked = 0;
        while asked < operations {
            let in_phase = rng.usize(8..=20).min(operations - asked);
            asked += in_phase;
            let style = Style::draw(&mut rng, is_calm);
            for _ in 0..in_phase {
                style.draw_steps(&mut rng, &mut steps);
            }
            steps.push(Step::Join);
            if rng.u8(..3) == 0 {
                steps.push(Step::Idle(rng.u64(11_000..40_000)));
            }
            steps.push(if rng.bool() { Step::Quiet } else { Step::Calm });
        }
        if refuses_files {
            steps.iter_mut().for_each(without_files);
        }
        Plan {
            seed,
            refuses_files,
            steps,
        }
    }

    /// Whether files can be read all the time.
    pub fn has_files(&self) -> bool {
        let refuses = |step: &Step| matches!(step, Step::Fault(fault) if fault.kind == FaultKind::AttachmentsRefused);
        !self.refuses_files && !self.steps.iter().any(refuses)
    }

    /// Whether the channels keep the names that they are given.
    pub fn has_names(&self) -> bool {
        let renames = |step: &Step| matches!(step, Step::ByHand(Deed::RenameChannel(_)));
        !self.steps.iter().any(renames)
    }

    /// Whether the clock steps back in it.
    pub fn sets_clock_back(&self) -> bool {
        let is_back = |step: &Step| matches!(step, Step::ClockBack(_));
        self.steps.iter().any(is_back)
    }

    pub fn has_faults(&self) -> bool {
        let is_harmless = |step: &Step| {
            use Step::{Ask, Calm, Idle, Index, Join, Quiet, Wait};
            let is_index = matches!(step, Index { .. });
            is_index || matches!(step, Ask(_) | Wait(_) | Join | Idle(_) | Calm | Quiet)
        };
        !self.steps.iter().all(is_harmless)
    }
}

/// Where no file can be given, a large document is what an option holds: its commit takes several messages.
fn without_files(step: &mut Step) {
    if let Step::Ask(ask) = step
        && ask.pad >= 280
    {
        ask.pad = 900 + ask.pad % 4_900;
    }
}

/// How a phase goes: who is busy, how fast, and how often something goes wrong.
struct Style {
    clients: usize,
    is_concurrent: bool,
    keys: usize,
    trouble_in_256: u8,
}

impl Style {
    fn draw(rng: &mut Rng, is_calm: bool) -> Style {
        let is_concurrent = rng.u8(..4) != 0;
        Style {
            clients: if is_concurrent {
                rng.usize(2..=CLIENTS)
            } else {
                1
            },
            is_concurrent,
            keys: rng.usize(1..=KEYS.len() - ACCOUNTS),
            trouble_in_256: if is_calm {
                0
            } else {
                [0, 40, 90][rng.usize(..3)]
            },
        }
    }

    fn draw_steps(&self, rng: &mut Rng, steps: &mut Vec<Step>) {
        if rng.u8(..) < self.trouble_in_256 {
            let misfortune = weighted(rng, MISFORTUNES);
            steps.push(misfortune.draw(rng));
        }
        if rng.u8(..30) == 0 {
            steps.push(Step::Index {
                table: rng.u8(LASTING..TABLES.len() as u8),
                is_drop: rng.u8(..3) == 0,
            });
        }
        let intent = weighted(rng, offered());
        let draw = match intent {
            Intent::Transfer => draw_account,
            Intent::Create | Intent::Rename | Intent::Drop => |rng: &mut Rng, _| draw_passing(rng),
            Intent::SetSchema | Intent::ChangeIndex => |rng: &mut Rng, _| draw_ruled(rng),
            // Most of the time there is something.
            Intent::AskElsewhere => |rng: &mut Rng, keys| match rng.u8(..8) {
                0 => draw_passing(rng),
                1..5 => draw_ruled(rng),
                _ => draw_cell(rng, keys),
            },
            // Accounts belong to transfers.
            Intent::UpdateMany | Intent::DeleteMany => |rng: &mut Rng, _| match rng.u8(..4) {
                0 => draw_passing(rng),
                _ => draw_ruled(rng),
            },
            // What others name is deleted more often than what names it.
            Intent::Delete | Intent::DeleteForGood if rng.u8(..4) == 0 => {
                |rng: &mut Rng, _| draw_of_table(rng, TEAMS)
            }
            _ => draw_cell,
        };
        steps.push(Step::Ask(Ask {
            client: rng.usize(..self.clients),
            intent,
            cell: draw(rng, self.keys),
            other: draw(rng, self.keys),
            third: draw(rng, self.keys),
            twist: rng.u32(..),
            // Most documents stand in the content of their commit, some in embeds, a few in a file.
            pad: match rng.u8(..16) {
                0 => rng.u32(500..800),
                1 => rng.u32(280..500),
                2 if rng.u8(..4) == 0 => rng.u32(6_000..90_000),
                _ => rng.u32(..40),
            },
            insists: rng.u8(..4) == 0,
            strays: rng.u8(..4) == 0,
        }));
        if !self.is_concurrent {
            steps.push(Step::Join);
        } else if rng.bool() {
            steps.push(Step::Wait(rng.u64(1..400)));
        }
    }
}

impl Misfortune {
    fn draw(self, rng: &mut Rng) -> Step {
        match self {
            Misfortune::Evict => Step::Evict,
            Misfortune::Replace => Step::Replace,
            Misfortune::WipeStorage => Step::WipeStorage,
            Misfortune::ByHand => Step::ByHand(Deed::draw(rng)),
            Misfortune::MoveOn => Step::MoveOn,
            // A step that no question notices makes the lease longer by as much: what the wait for a
            // takeover leaves for that and for reads that are out of date.
            Misfortune::ClockBack => Step::ClockBack(rng.u64(100..20_000)),
            Misfortune::Blind => Step::Blind(Blindness {
                table: rng.u8(..TABLES.len() as u8),
                is_hidden: rng.bool(),
            }),
            Misfortune::NoFiles => Step::Fault(no_files(rng.u64(1..30))),
            Misfortune::LatePost => Step::LatePost(rng.u64(500..50_000)),
            Misfortune::StaleReads => Step::StaleReads(rng.u64(100..5_000)),
            Misfortune::BadLuck => Step::BadLuck { seed: rng.u64(..) },
            Misfortune::FlakyStorage => Step::FlakyStorage {
                passes: rng.u64(..4),
                fails: rng.u64(1..4),
            },
            Misfortune::Crash => Step::CrashAt {
                step: rng.u64(1..12),
                side: [Side::Before, Side::After][rng.usize(..2)],
            },
            Misfortune::Network => Step::Fault(draw_fault(rng)),
        }
    }
}

/// Files cannot be fetched, so many times.
fn no_files(times: u64) -> Fault {
    Fault {
        times,
        ..Fault::new(FaultKind::AttachmentsRefused)
    }
}

fn draw_fault(rng: &mut Rng) -> Fault {
    let kinds = [
        FaultKind::LostRequest,
        FaultKind::LostResponse,
        FaultKind::LostResponse,
        FaultKind::Delay,
        FaultKind::Status,
    ];
    let methods = [None, Some("POST"), Some("GET")];
    Fault {
        method: methods[rng.usize(..3)].map(str::to_owned),
        skip: rng.u64(..4),
        times: rng.u64(1..6),
        ms: Some(rng.u64(500..13_000)),
        status: Some([500, 502, 503, 429][rng.usize(..4)]),
        ..Fault::new(kinds[rng.usize(..kinds.len())])
    }
}

/// A little of everything. What is late arrives before the database's longest wait is over.
pub fn bad_luck(seed: u64) -> FaultPlan {
    FaultPlan::new(seed)
        .rate(FaultKind::LostRequest, 0.02)
        .rate(FaultKind::LostResponse, 0.03)
        .rate(FaultKind::Delay, 0.03)
        .rate(FaultKind::Status, 0.03)
        .rate(FaultKind::Late, 0.02)
        .rate(FaultKind::StaleRead, 0.05)
        .rate(FaultKind::IdsOutOfOrder, 0.1)
        .lasting(FaultKind::Late, 100, 50_000)
}

fn draw_cell(rng: &mut Rng, keys: usize) -> Cell {
    // Most of the work is in tables with accounts: whoever works in another one depends on all that happens
    // to it, or to the rows that its rules connect.
    match rng.u8(..16) {
        0..3 => draw_passing(rng),
        3..9 => draw_ruled(rng),
        _ => Cell {
            table: rng.u8(..BANKS),
            key: rng.u8(..keys as u8),
        },
    }
}

fn draw_ruled(rng: &mut Rng) -> Cell {
    let table = if rng.u8(..5) < 2 { TEAMS } else { MEMBERS };
    draw_of_table(rng, table)
}

fn draw_passing(rng: &mut Rng) -> Cell {
    let table = rng.u8(LASTING..TABLES.len() as u8);
    draw_of_table(rng, table)
}

fn draw_of_table(rng: &mut Rng, table: u8) -> Cell {
    let keys = Cell::of_table(table).count();
    Cell {
        table,
        key: rng.u8(..keys as u8),
    }
}

fn draw_account(rng: &mut Rng, _keys: usize) -> Cell {
    Cell {
        table: rng.u8(..BANKS),
        key: (KEYS.len() - 1 - rng.usize(..ACCOUNTS)) as u8,
    }
}

fn weighted<T: Copy>(rng: &mut Rng, table: &[(T, u32)]) -> T {
    let mut left = rng.u32(..table.iter().map(|(_, weight)| weight).sum::<u32>());
    for (value, weight) in table {
        if left < *weight {
            return *value;
        }
        left -= weight;
    }
    unreachable!("the weights were summed up")
}

/// The operations that this build offers.
pub(super) fn offered() -> &'static [(Intent, u32)] {
    static OFFERED: OnceLock<Vec<(Intent, u32)>> = OnceLock::new();
    OFFERED.get_or_init(|| {
        let registration = Value::from(dbcord::commands::registration());
        let has = |list: &Value, name: &str| {
            let mut list = list.as_array().into_iter().flatten();
            list.find(|entry| entry["name"] == name).cloned()
        };
        let is_offered = |command: &str, option: &str| {
            let command = has(&registration, command);
            command.is_some_and(|command| has(&command["options"], option).is_some())
        };
        let offered = OPERATIONS
            .iter()
            .filter(|(_, _, command, option)| is_offered(command, option));
        offered
            .map(|(intent, weight, _, _)| (*intent, *weight))
            .collect()
    })
}

/// Whether money moves between accounts.
pub fn has_bank() -> bool {
    offered()
        .iter()
        .any(|(intent, _)| *intent == Intent::Transfer)
}

#[cfg(test)]
mod tests;
