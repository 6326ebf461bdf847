//! Questions, answered by looking at every row, in the plainest way there is.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Database, Table};
use crate::simulate::doc::{Doc, Field, KeyForm, Name, WORDS, tags_of};
use crate::simulate::found::Found;
use crate::simulate::place::{Cell, MEMBERS};
use crate::simulate::query::{Filter, Find, Query, Scalar, Stages, Test};

/// What a row has under a name.
enum Held {
    Missing,
    One(Scalar),
    List(Vec<Scalar>),
}

impl Database {
    pub fn answer(&self, table: u8, query: &Query) -> Option<Found> {
        let found = self.tables.get(&table)?;
        Some(match query {
            Query::Find(find) => self.find(table, find),
            Query::Explain(find) => Found {
                shown: None,
                indexes: Some(found.indexes).filter(|_| super::has_rules(table)),
                ..self.find(table, find)
            },
            Query::Count(filter) => Found {
                count: self.matching(table, filter).len(),
                ..Found::default()
            },
            Query::Distinct(name, filter) => {
                let mut values: Vec<Scalar> = Vec::new();
                for (cell, doc) in self.matching(table, filter) {
                    values.extend(held(cell, &doc, *name).scalars());
                }
                values.sort_unstable();
                values.dedup();
                list(values.into_iter().map(Scalar::json).collect())
            }
            Query::Aggregate(filter, stages) => list(self.aggregate(table, filter, *stages)),
        })
    }

    /// The rows that match, in the order of their keys.
    pub fn matching(&self, table: u8, filter: &Filter) -> Vec<(Cell, Doc)> {
        let mut rows = self.live(table);
        rows.retain(|(cell, doc)| filter.matches(*cell, doc));
        rows
    }

    /// The rows that are there, in the order of their keys.
    pub fn live(&self, table: u8) -> Vec<(Cell, Doc)> {
        let rows = self.tables.get(&table).map(|table| &table.rows);
        let rows = rows.into_iter().flatten();
        let live = rows.filter_map(|(&key, row)| Some((Cell { table, key }, row.current()?)));
        live.collect()
    }

    fn find(&self, table: u8, find: &Find) -> Found {
        let mut rows = self.matching(table, &find.filter);
        let matched = rows.len();
        sort(&mut rows, &find.sort);
        let rows = rows.into_iter().skip(find.skip).take(find.limit);
        let shown: Vec<Value> = rows
            .map(|(cell, doc)| {
                let Value::Object(mut fields) = doc.json(cell.key()) else {
                    return Value::Null;
                };
                fields.retain(|name, _| find.select.has(name));
                Value::Object(fields)
            })
            .collect();
        Found {
            count: shown.len(),
            matched: Some(matched),
            has_more: Some(matched > find.skip + find.limit),
            shown: Some(shown),
            indexes: None,
        }
    }

    fn aggregate(&self, table: u8, filter: &Filter, stages: Stages) -> Vec<Value> {
        let rows = self.matching(table, filter);
        // By the value of `_id`.
        let mut groups: BTreeMap<Scalar, Vec<Doc>> = BTreeMap::new();
        match stages {
            Stages::Count => {
                let count = Some(rows.len()).filter(|count| *count > 0);
                return count.into_iter().map(|n| json!({ "n": n })).collect();
            }
            Stages::Group(name) => {
                for (cell, doc) in rows {
                    let value = held(cell, &doc, name).scalars().pop();
                    groups
                        .entry(value.unwrap_or(Scalar::Null))
                        .or_default()
                        .push(doc);
                }
            }
            Stages::Unwind => {
                for (cell, doc) in rows {
                    for tag in held(cell, &doc, Name::Tags).scalars() {
                        if tag != Scalar::Null {
                            groups.entry(tag).or_default().push(doc);
                        }
                    }
                }
            }
            Stages::Lookup => {
                for (cell, doc) in rows {
                    for id in held(cell, &doc, Name::Id).scalars() {
                        let named = Filter::Is(Name::Team, Test::Eq(id));
                        for (_, member) in self.matching(MEMBERS, &named) {
                            groups.entry(id).or_default().push(member);
                        }
                    }
                }
            }
        }
        let is_whole = matches!(stages, Stages::Group(_));
        let groups = groups.into_iter().map(|(id, docs)| {
            let mut group = Map::new();
            group.insert("_id".to_owned(), id.json());
            group.insert("n".to_owned(), json!(docs.len()));
            if is_whole {
                let sum: i64 = docs.iter().map(|doc| doc.balance).sum();
                let codes = docs.iter().flat_map(|doc| scalar(doc.field(Name::Code)));
                let most = codes.max().unwrap_or(Scalar::Null);
                group.insert("sum".to_owned(), json!(sum));
                group.insert("most".to_owned(), most.json());
            }
            Value::Object(group)
        });
        groups.collect()
    }
}

/// Puts rows in this order; those that are equal in it stand in the order of their keys.
pub fn sort(rows: &mut [(Cell, Doc)], by: &[(Name, bool)]) {
    rows.sort_by_key(|(cell, _)| cell.key());
    for (name, is_down) in by.iter().rev() {
        rows.sort_by(|(a, x), (b, y)| {
            let of = |cell: &Cell, doc: &Doc| held(*cell, doc, *name).place(*is_down);
            let order = of(a, x).cmp(&of(b, y));
            if *is_down { order.reverse() } else { order }
        });
    }
}

/// The values that a row has there.
pub fn values(cell: Cell, doc: &Doc, name: Name) -> Vec<Scalar> {
    held(cell, doc, name).scalars()
}

impl Table {
    /// Whether the table has that one of the indexes.
    pub fn has_index(&self, index: u8) -> bool {
        self.indexes & (1 << index) != 0
    }
}

fn list(values: Vec<Value>) -> Found {
    Found {
        count: values.len(),
        shown: Some(values),
        ..Found::default()
    }
}

fn held(cell: Cell, doc: &Doc, name: Name) -> Held {
    match name {
        Name::Id => Held::One(match doc.id {
            KeyForm::Whole => Scalar::Int(cell.key().parse().unwrap_or_default()),
            KeyForm::Text | KeyForm::LeftOut => Scalar::Text(cell.key()),
        }),
        Name::V => Held::One(Scalar::Int(doc.v as i64)),
        Name::Balance => Held::One(Scalar::Int(doc.balance)),
        name => match doc.field(name) {
            Field::List(tags) => Held::List(tags_of(tags).map(Scalar::Text).collect()),
            field => scalar(field).map_or(Held::Missing, Held::One),
        },
    }
}

fn scalar(field: Field) -> Option<Scalar> {
    match field {
        Field::Null => Some(Scalar::Null),
        Field::Int(number) => Some(Scalar::Int(number.into())),
        Field::Text(word) => Some(Scalar::Text(WORDS[usize::from(word)])),
        Field::Missing | Field::List(_) => None,
    }
}

impl Held {
    fn scalars(self) -> Vec<Scalar> {
        match self {
            Held::Missing => Vec::new(),
            Held::One(scalar) => vec![scalar],
            Held::List(items) => items,
        }
    }

    /// Where it stands in an order: an empty list comes before null, and null before the rest.
    fn place(self, is_down: bool) -> (bool, Scalar) {
        match self {
            Held::Missing => (true, Scalar::Null),
            Held::One(scalar) => (true, scalar),
            Held::List(items) => {
                let counts = match is_down {
                    true => items.iter().max(),
                    false => items.iter().min(),
                };
                counts.map_or((false, Scalar::Null), |item| (true, *item))
            }
        }
    }

    fn is_any(&self, test: impl Fn(Scalar) -> bool) -> bool {
        match self {
            Held::Missing => test(Scalar::Null),
            Held::One(scalar) => test(*scalar),
            Held::List(items) => items.iter().any(|item| test(*item)),
        }
    }
}

impl Filter {
    pub fn matches(&self, cell: Cell, doc: &Doc) -> bool {
        match self {
            Filter::All => true,
            Filter::Is(name, test) => test.holds(&held(cell, doc, *name)),
            Filter::And(all) => all.iter().all(|one| one.matches(cell, doc)),
            Filter::Or(any) => any.iter().any(|one| one.matches(cell, doc)),
            Filter::Nor(none) => !none.iter().any(|one| one.matches(cell, doc)),
        }
    }
}

impl Test {
    fn holds(&self, held: &Held) -> bool {
        match self {
            Test::Eq(value) => held.is_any(|one| one == *value),
            Test::Ne(value) => !held.is_any(|one| one == *value),
            Test::In(values) => held.is_any(|one| values.contains(&one)),
            Test::Nin(values) => !held.is_any(|one| values.contains(&one)),
            Test::Exists(is_there) => *is_there != matches!(held, Held::Missing),
            // Each bound may be met by another item of a list.
            Test::Range(low, high) => {
                let is_met = |bound: &Option<(Scalar, bool)>, is_low: bool| {
                    bound.is_none_or(|(bound, is_in)| {
                        held.is_any(|one| {
                            let is_beyond = if is_low { one > bound } else { one < bound };
                            one.is_like(bound) && (is_beyond || is_in && one == bound)
                        })
                    })
                };
                is_met(low, true) && is_met(high, false)
            }
        }
    }
}

impl Scalar {
    /// Whether they are of one kind.
    fn is_like(self, other: Scalar) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}
