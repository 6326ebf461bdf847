//! What there is before anything else happens.

use super::doc::{Doc, KeyForm};
use super::model::Request;
use super::operation::{Action, Change, Command, Mode};
use super::place::{BALANCE, BANKS, Cell, DATABASE, LASTING, MEMBERS, TABLES, TEAMS};
use super::plan::has_bank;
use super::ruled;
use super::rules::{Schema, Validate, first_indexes};
use super::run::{Run, index};
use crate::harness::world::content;

impl Run {
    /// The tables and the accounts, before anything goes wrong.
    pub(super) fn set_up(&mut self) {
        self.world.ok(&format!("/dbc_init database:{DATABASE}"));
        for table in &TABLES[..usize::from(LASTING)] {
            let line = format!("/dbc_table_create database:{DATABASE} table:{table} pk:id");
            self.world.ok(&line);
        }
        for table in 0..BANKS {
            self.world.ok(&index(table, false));
        }
        for table in [TEAMS, MEMBERS] {
            self.begin_with(Command::SetSchema {
                table,
                schema: Some(Schema::first(table, self.seed)),
                validate: Validate::Strict,
            });
        }
        let of_members = first_indexes(self.seed).map(|index| (MEMBERS, index));
        for (table, index) in std::iter::once((TEAMS, 0)).chain(of_members) {
            self.begin_with(Command::MakeIndex { table, index });
        }
        for (cell, fields) in ruled::first_rows(self.seed) {
            let doc = Doc {
                v: self.next_value(),
                id: KeyForm::LeftOut,
                fields,
                ..Doc::default()
            };
            self.begin_with(Command::Change(Change {
                cell,
                action: Action::Put(Mode::Insert, doc),
                if_rev: None,
            }));
        }
        for cell in Cell::all().filter(|cell| has_bank() && cell.is_account()) {
            let doc = Doc {
                v: self.next_value(),
                balance: BALANCE,
                ..Doc::default()
            };
            self.begin_with(Command::Change(Change {
                cell,
                action: Action::Put(Mode::Insert, doc),
                if_rev: None,
            }));
        }
        self.before.forget();
        self.world.settle();
    }

    /// What is so before anything else.
    fn begin_with(&mut self, command: Command) {
        let user = self.user(0);
        self.pasts.will_write(user.0, &command);
        let spec = command.spec(self.world.guild.guild_id, user);
        let mut reply = content(&self.world.interact(spec.clone()));
        if reply.contains("Discord's rate limit") {
            // Much is made at once here.
            self.world.wait(60_000);
            reply = content(&self.world.interact(spec));
        }
        assert!(reply.contains("(commit #"), "{command}: {reply}");
        let user = user.0;
        self.before.invoke(&Request { user, command });
    }
}
