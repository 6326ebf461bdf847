//! What clients type about tables with rules: documents that mostly fit, changes that sometimes clash.

use fastrand::Rng;

use super::doc::{Doc, FIELDS, Field, KeyForm, Name, WORDS};
use super::operation::{Action, Change, Command, Edit, Mode, Patch, To};
use super::place::{Cell, MEMBERS, TEAMS, has_rules};
use super::plan::Ask;
use super::query::{Filter, Query};
use super::rules::{INDEXES, Schema, Validate, first_indexes};
use super::run::Run;

/// Schemas are drawn from so few that the same one is set again now and then.
const SCHEMAS: u64 = 8;

impl Run {
    /// A question; values up to the newest may be asked for.
    pub(super) fn question(&self, ask: &Ask) -> Command {
        let table = ask.cell.table;
        let query = Query::draw(&mut dice(ask), table, self.newest_value());
        Command::Ask { table, query }
    }

    pub(super) fn change_of_many(&self, ask: &Ask, is_deletion: bool) -> Command {
        let rng = &mut dice(ask);
        let table = ask.cell.table;
        // What a default puts back where it was is as it was, and elsewhere not: only its text tells.
        let unlike_default = |edit: Edit| match (edit.to, edit.name) {
            (To::Unset, Name::Role | Name::Rank | Name::Tags) => Edit {
                to: To::Set(Field::Null),
                ..edit
            },
            _ => edit,
        };
        Command::Many {
            table,
            filter: Filter::draw(rng, table, self.newest_value()),
            edit: (!is_deletion).then(|| unlike_default(draw_edit(rng, table))),
            expect: (rng.u8(..4) == 0).then(|| rng.usize(..4)),
        }
    }

    /// Two rows give each other their code: in two steps, which is refused where codes are unique, or in three.
    pub(super) fn swap(&mut self, ask: &Ask) -> Option<Command> {
        let (one, other) = (ask.cell, ask.other);
        let code = |cell: Cell| {
            let (_, doc) = self.seen[ask.client].get(&cell)?;
            Some(doc.field(Name::Code)).filter(|code| matches!(code, Field::Int(_)))
        };
        let (a, b) = code(one).zip(code(other))?;
        if one == other || one.table != other.table || !has_rules(one.table) {
            return None;
        }
        let in_three = ask.twist.is_multiple_of(2);
        let mut changes = Vec::new();
        let first = in_three.then_some((one, To::Unset));
        for (cell, to) in first
            .into_iter()
            .chain([(other, To::Set(a)), (one, To::Set(b))])
        {
            let edit = Edit {
                name: Name::Code,
                to,
            };
            changes.push(Change {
                cell,
                action: Action::Patch(Patch {
                    v: self.next_value(),
                    balance: None,
                    edit: Some(edit),
                }),
                if_rev: None,
            });
        }
        Some(Command::Transact(changes))
    }
}

/// All teams, and two members of the first: with one code where codes need not be unique at first.
pub fn first_rows(seed: u64) -> impl Iterator<Item = (Cell, [Field; FIELDS.len()])> {
    let teams = Cell::of_table(TEAMS).map(|cell| (cell, Field::Missing));
    let members = Cell::of_table(MEMBERS).take(2);
    let rows = teams.chain(members.map(|cell| (cell, Field::Int(1))));
    let are_unique = first_indexes(seed).contains(&0);
    rows.map(move |(cell, team)| {
        let mut fields = [Field::Missing; FIELDS.len()];
        fields[0] = Field::Int(match cell.table {
            MEMBERS if !are_unique => 0,
            _ => cell.key.into(),
        });
        fields[1] = team;
        (cell, fields)
    })
}

/// What an ask leaves to chance.
pub fn dice(ask: &Ask) -> Rng {
    Rng::with_seed(u64::from(ask.twist) ^ (u64::from(ask.pad) << 32))
}

pub fn set_schema(ask: &Ask) -> Command {
    let table = ask.cell.table;
    let mut rng = dice(ask);
    let mut of_schema = Rng::with_seed(rng.u64(..SCHEMAS));
    let schema = (rng.u8(..10) != 0).then(|| Schema::draw(&mut of_schema, table));
    let validate = match rng.u8(..8) {
        0 => Validate::Off,
        1 => Validate::Warn,
        _ => Validate::Strict,
    };
    Command::SetSchema {
        table,
        schema,
        validate,
    }
}

pub fn change_index(ask: &Ask) -> Command {
    let mut rng = dice(ask);
    let table = ask.cell.table;
    let index = rng.u8(..INDEXES.len() as u8);
    match rng.u8(..3) {
        0 => Command::DropIndex { table, index },
        _ => Command::MakeIndex { table, index },
    }
}

/// Gives a document what it has beside, where the table has rules.
pub fn furnish(rng: &mut Rng, cell: Cell, doc: Doc) -> Doc {
    if !has_rules(cell.table) {
        return doc;
    }
    let id = match (cell.table, rng.u8(..8)) {
        (_, 0..4) => KeyForm::LeftOut,
        (TEAMS, 4..7) => KeyForm::Whole,
        _ => KeyForm::Text,
    };
    let fields = FIELDS.map(|name| draw_field(rng, cell.table, name));
    Doc { id, fields, ..doc }
}

pub fn draw_edit(rng: &mut Rng, table: u8) -> Edit {
    let name = FIELDS[rng.usize(..FIELDS.len())];
    let to = match rng.u8(..8) {
        0 => To::Unset,
        1..3 if name != Name::Tags => To::Inc(rng.i16(-1..3)),
        _ => match draw_field(rng, table, name) {
            Field::Missing => To::Unset,
            field => To::Set(field),
        },
    };
    Edit { name, to }
}

pub fn edit_of(rng: &mut Rng, cell: Cell) -> Option<Edit> {
    (has_rules(cell.table) && rng.u8(..5) != 0).then(|| draw_edit(rng, cell.table))
}

/// A change of a row that may or may not be there.
pub fn draw_change(rng: &mut Rng, cell: Cell, doc: Doc) -> Change {
    let action = match rng.u8(..16) {
        0..8 => Action::Put(Mode::Upsert, furnish(rng, cell, doc)),
        8..11 => Action::Put(Mode::Insert, furnish(rng, cell, doc)),
        11 => Action::Put(Mode::Replace, furnish(rng, cell, doc)),
        12..14 => Action::Patch(Patch {
            v: doc.v,
            balance: None,
            edit: edit_of(rng, cell),
        }),
        _ => Action::Delete { is_hard: false },
    };
    Change {
        cell,
        action,
        if_rev: None,
    }
}

fn draw_field(rng: &mut Rng, table: u8, name: Name) -> Field {
    // The last words look like keys of teams; of the last of them, there never is a row.
    let key = WORDS.len() as u8 - 4 + rng.u8(..3);
    match (name, rng.u8(..16)) {
        (_, 0) => Field::Null,
        (_, 1..4) => Field::Missing,
        (Name::Team, 4..10) if table == TEAMS => Field::Missing,
        (Name::Team, 4) => Field::Int(4),
        (Name::Team, 5..8) => Field::Text(key),
        (Name::Team, _) => Field::Int(rng.i16(1..4)),
        (Name::Code | Name::Rank, 4) => Field::Text(2),
        (Name::Code, _) => Field::Int(rng.i16(0..5)),
        (Name::Rank, _) => Field::Int(rng.i16(-1..4)),
        (Name::Tags, _) => Field::List(rng.u8(..8)),
        (_, 4) => Field::Text(2),
        _ => Field::Text(rng.u8(..2)),
    }
}
