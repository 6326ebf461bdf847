//! What the rules of tables do to writes: schemas, references and unique values.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Database, Revision, Signature, Table, has_rules};
use crate::simulate::answer::Refusal;
use crate::simulate::doc::{Doc, FIELDS, Field, KeyForm, Name, WORDS};
use crate::simulate::operation::{Edit, To};
use crate::simulate::place::{Cell, MEMBERS, TEAMS};
use crate::simulate::rules::{INDEXES, Index, OnDelete, Property, Schema, Types, Validate};

/// Rows that are deleted together: nothing that follows depends on their order.
#[derive(Default)]
pub(super) struct Deletion {
    gone: BTreeSet<Cell>,
    is_hard: bool,
}

impl Database {
    /// Puts a document in the row's place, in the form that the table's schema gives it. A row that is like that
    /// already gets no revision, where it may stay.
    pub(super) fn store(
        &mut self,
        by: Signature,
        cell: Cell,
        mut doc: Doc,
        may_stay: bool,
    ) -> Result<(), Refusal> {
        let rules = self.tables.get(&cell.table).and_then(|it| it.enforced());
        let is_whole = rules.is_some_and(|(schema, _)| schema.id.is_some_and(|id| id.is_whole()));
        if doc.id == KeyForm::LeftOut {
            let is_number = cell.key().parse::<u64>().is_ok();
            doc.id = if is_whole && is_number {
                KeyForm::Whole
            } else {
                KeyForm::Text
            };
        }
        if let Some((schema, _)) = rules {
            schema.fill_in(&mut doc);
        }
        if !may_stay || self.current(cell) != Some(doc) {
            self.push(cell, Revision::of_doc(by, doc));
        }
        match rules {
            Some((schema, Validate::Strict))
                if !schema.fits(&doc) || self.is_dangling(&schema, &doc) =>
            {
                Err(Refusal::Unfit)
            }
            _ => Ok(()),
        }
    }

    /// Does what is to be done to rows that name one that was deleted, once all are that go together.
    pub(super) fn finish_deletion(
        &mut self,
        by: Signature,
        deletion: &mut Deletion,
    ) -> Result<(), Refusal> {
        let Deletion { mut gone, is_hard } = std::mem::take(deletion);
        let deletion = Revision::of_deletion(by, is_hard);
        // As long as there is a row that goes along.
        loop {
            let mut naming = self.naming(&gone);
            let along = naming.find(|(_, _, on_delete)| *on_delete == OnDelete::Cascade);
            drop(naming);
            let Some((along, ..)) = along else {
                break;
            };
            gone.insert(along);
            self.push(along, deletion.clone());
        }
        let left: Vec<_> = self.naming(&gone).collect();
        let mut is_kept = false;
        for (named, doc, on_delete) in left {
            let rules = self.tables.get(&named.table).and_then(|it| it.enforced());
            let Some((schema, validate)) = rules else {
                continue;
            };
            let is_strict = validate == Validate::Strict;
            if on_delete == OnDelete::SetNull {
                let mut doc = doc;
                doc.set(Name::Team, Field::Null);
                self.push(named, Revision::of_doc(by, doc));
                is_kept |= is_strict && !schema.fits(&doc);
            } else {
                is_kept |= is_strict;
            }
        }
        if is_kept { Err(Refusal::Kept) } else { Ok(()) }
    }

    /// Deletes a row. Those that name it are looked at later.
    pub(super) fn delete(
        &mut self,
        by: Signature,
        cell: Cell,
        is_hard: bool,
        deletion: &mut Deletion,
    ) {
        if self.current(cell).is_some() && has_rules(cell.table) {
            deletion.gone.insert(cell);
            deletion.is_hard |= is_hard;
        }
        self.push(cell, Revision::of_deletion(by, is_hard));
    }

    /// Two rows have the same unique value after a write; within it, they may.
    pub(super) fn check_unique(&self) -> Result<(), Refusal> {
        let clashes = |(&table, found): (&u8, &Rc<Table>)| {
            let mut indexes = INDEXES.iter().enumerate();
            indexes.any(|(at, index)| {
                found.has_index(at as u8) && index.is_unique && self.clash(table, index).is_some()
            })
        };
        match self.tables.iter().any(clashes) {
            true => Err(Refusal::Clash),
            false => Ok(()),
        }
    }

    pub(super) fn set_schema(
        &mut self,
        table: u8,
        schema: Option<Schema>,
        validate: Validate,
    ) -> Result<u64, Refusal> {
        if let (Some(schema), Validate::Strict) = (&schema, validate) {
            let rows = self.live(table);
            let fits = |doc: &Doc| schema.fits(doc) && !self.is_dangling(schema, doc);
            if !rows.iter().all(|(_, doc)| fits(doc)) {
                return Err(Refusal::Unfit);
            }
        }
        let found = self.table_mut(table);
        let next = schema.map(|schema| (schema, validate));
        // The same once more is no version of its own.
        if found.schema != next {
            found.version += 1;
            found.schema = next;
        }
        Ok(found.version)
    }

    pub(super) fn make_index(&mut self, table: u8, index: u8) -> Result<(), Refusal> {
        if self.table_mut(table).has_index(index) {
            return Err(Refusal::Taken);
        }
        let definition = &INDEXES[usize::from(index)];
        if definition.is_unique && self.clash(table, definition).is_some() {
            return Err(Refusal::Clash);
        }
        self.table_mut(table).indexes |= 1 << index;
        Ok(())
    }

    pub(super) fn drop_index(&mut self, table: u8, index: u8) -> Result<(), Refusal> {
        let found = self.table_mut(table);
        if !found.has_index(index) {
            return Err(Refusal::Missing);
        }
        found.indexes &= !(1 << index);
        Ok(())
    }

    /// Two rows with the same value in an index.
    fn clash(&self, table: u8, index: &Index) -> Option<(Cell, Cell)> {
        let rows = self.live(table);
        let values = rows
            .iter()
            .map(|(cell, doc)| (*cell, index.value(doc)))
            .collect::<Vec<_>>();
        values.iter().enumerate().find_map(|(at, (one, value))| {
            let value = value.as_ref()?;
            let mut others = values[at + 1..].iter();
            let other = others.find(|(_, other)| other.as_ref() == Some(value))?;
            Some((*one, other.0))
        })
    }

    /// What is not as the rules of the tables promise, in words.
    pub fn broken_rule(&self) -> Option<String> {
        for table in [TEAMS, MEMBERS] {
            let found = self.tables.get(&table)?;
            for (at, index) in INDEXES.iter().enumerate() {
                if !(found.has_index(at as u8) && index.is_unique) {
                    continue;
                }
                if let Some((one, other)) = self.clash(table, index) {
                    return Some(format!("{one} and {other} have the same {index}"));
                }
            }
            // A schema that is strict was so when its first row was held against it.
            let Some((schema, Validate::Strict)) = found.enforced() else {
                continue;
            };
            for (cell, doc) in self.live(table) {
                if self.is_dangling(&schema, &doc) {
                    return Some(format!("{cell} names a team that is not there"));
                }
                if !schema.fits(&doc) {
                    return Some(format!("{cell} does not fit its schema: {doc:?}"));
                }
            }
        }
        None
    }

    /// The rows that name one of these, and what becomes of them.
    fn naming(&self, gone: &BTreeSet<Cell>) -> impl Iterator<Item = (Cell, Doc, OnDelete)> {
        let mut found = Vec::new();
        for table in [TEAMS, MEMBERS] {
            let rules = self.tables.get(&table).and_then(|it| it.enforced());
            let reference = rules.and_then(|(schema, _)| schema.property(Name::Team)?.reference);
            let Some(on_delete) = reference else {
                continue;
            };
            for (cell, doc) in self.live(table) {
                let is_gone = |gone: &Cell| gone.table == TEAMS && doc.names(gone.key());
                if gone.iter().any(is_gone) {
                    found.push((cell, doc, on_delete));
                }
            }
        }
        found.into_iter()
    }

    /// Whether the row names a team that is not there.
    fn is_dangling(&self, schema: &Schema, doc: &Doc) -> bool {
        let property = schema.property(Name::Team);
        let is_reference = property.is_some_and(|property| property.reference.is_some());
        let is_name = matches!(doc.field(Name::Team), Field::Int(_) | Field::Text(_));
        let mut teams = self.live(TEAMS).into_iter();
        is_reference && is_name && !teams.any(|(cell, _)| doc.names(cell.key()))
    }
}

impl Table {
    /// The schema that rows are held against.
    fn enforced(&self) -> Option<(Schema, Validate)> {
        self.schema
            .filter(|(_, validate)| *validate != Validate::Off)
    }
}

impl Doc {
    /// Whether it names the team with this key.
    fn names(&self, key: &str) -> bool {
        match self.field(Name::Team) {
            Field::Int(number) => number.to_string() == key,
            Field::Text(word) => WORDS[usize::from(word)] == key,
            _ => false,
        }
    }

    pub(super) fn edit(&mut self, edit: Edit) -> Result<(), Refusal> {
        let field = match (edit.to, self.field(edit.name)) {
            (To::Set(field), _) => field,
            (To::Unset, _) => Field::Missing,
            (To::Inc(by), Field::Int(number)) => Field::Int(number + by),
            (To::Inc(by), Field::Missing) => Field::Int(by),
            (To::Inc(_), _) => return Err(Refusal::NoNumber),
        };
        self.set(edit.name, field);
        Ok(())
    }
}

impl Index {
    /// What a row has in an index whose values are unique; a field that is missing counts as null.
    fn value(&self, doc: &Doc) -> Option<Vec<Field>> {
        let fields = self.names.iter().map(|name| doc.field(*name));
        let is_there = fields.clone().any(|field| field != Field::Missing);
        let as_null = |field| match field {
            Field::Missing => Field::Null,
            field => field,
        };
        (is_there || !self.is_sparse).then(|| fields.map(as_null).collect())
    }
}

impl Schema {
    fn fill_in(&self, doc: &mut Doc) {
        for (field, property) in doc.fields.iter_mut().zip(self.properties) {
            if let (Field::Missing, Some(property)) = (*field, property) {
                *field = property.default;
            }
        }
    }

    fn fits(&self, doc: &Doc) -> bool {
        let id = match doc.id {
            KeyForm::Whole => Field::Int(0),
            KeyForm::Text | KeyForm::LeftOut => Field::Text(0),
        };
        let has_key = self.id.is_none_or(|types| types.allow(id));
        let places = 0..FIELDS.len();
        has_key
            && places
                .into_iter()
                .all(|place| match (doc.fields[place], &self.properties[place]) {
                    (Field::Missing, _) => !self.required[place],
                    (_, None) => !self.is_closed,
                    (field, Some(property)) => property.allows(field),
                })
    }
}

impl Property {
    fn allows(&self, field: Field) -> bool {
        let is_within = |number: i16| {
            self.at_least.is_none_or(|least| number >= least)
                && self.at_most.is_none_or(|most| number <= most)
        };
        let is_word = |field: Field, words: u8| matches!(field, Field::Text(word) if word < words);
        self.types.allow(field)
            && !matches!(field, Field::Int(number) if !is_within(number))
            && self.words.is_none_or(|words| is_word(field, words))
    }
}

impl Types {
    fn allow(self, field: Field) -> bool {
        match field {
            Field::Missing => true,
            Field::Null => self.null,
            Field::Int(_) => self.int,
            Field::Text(_) => self.text,
            Field::List(_) => self.list,
        }
    }

    /// A whole number, and nothing else.
    fn is_whole(self) -> bool {
        self.int && !(self.text || self.null || self.list)
    }
}
