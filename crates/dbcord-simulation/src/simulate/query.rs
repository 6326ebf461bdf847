//! Questions about a table: a small part of what can be asked.

use std::fmt;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::doc::{FIELDS, Name, TAGS, WORDS};
use super::place::{Cell, MEMBERS, TABLES, TEAMS, has_rules};

/// A value to compare with. They are in the order of all values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scalar {
    Null,
    Int(i64),
    Text(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    All,
    /// The field fulfils this.
    Is(Name, Test),
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Nor(Vec<Filter>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Test {
    Eq(Scalar),
    Ne(Scalar),
    In(Vec<Scalar>),
    Nin(Vec<Scalar>),
    /// From the first to the second, where there is one; whether each of them counts.
    Range(Option<(Scalar, bool)>, Option<(Scalar, bool)>),
    Exists(bool),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Find {
    pub filter: Filter,
    /// Each upwards or downwards.
    pub sort: Vec<(Name, bool)>,
    pub skip: usize,
    pub limit: usize,
    pub select: Select,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Select {
    Everything,
    /// All but the padding.
    Short,
    /// These, and the key.
    Two(Name, Name),
}

/// Where the rows of a question are to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    Memory,
    /// All messages of the table's channel.
    Scan,
    /// Messages that Discord's search finds.
    Search,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Query {
    Find(Find),
    /// How it is answered. The rows are not shown.
    Explain(Find),
    Count(Filter),
    Distinct(Name, Filter),
    Aggregate(Filter, Stages),
}

/// What a pipeline does to the rows that match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stages {
    Count,
    /// In groups of those with an equal value: how many, the sum of their balances, and the greatest code.
    Group(Name),
    /// How many have each of the tags.
    Unwind,
    /// How many members each of the teams has.
    Lookup,
}

impl Via {
    pub fn text(self) -> &'static str {
        match self {
            Via::Memory => "memory",
            Via::Scan => "scan",
            Via::Search => "search",
        }
    }
}

impl Scalar {
    pub fn json(self) -> Value {
        match self {
            Scalar::Null => Value::Null,
            Scalar::Int(number) => json!(number),
            Scalar::Text(text) => json!(text),
        }
    }
}

impl Filter {
    pub fn json(&self) -> Value {
        let list = |filters: &[Filter]| filters.iter().map(Filter::json).collect::<Value>();
        match self {
            Filter::All => json!({}),
            Filter::Is(name, test) => json!({ name.text(): test.json() }),
            Filter::And(filters) => json!({ "$and": list(filters) }),
            Filter::Or(filters) => json!({ "$or": list(filters) }),
            Filter::Nor(filters) => json!({ "$nor": list(filters) }),
        }
    }

    /// The same, in a way that no index helps with.
    pub fn in_disguise(self) -> Filter {
        Filter::Nor(vec![Filter::Nor(vec![self])])
    }

    pub fn draw(rng: &mut Rng, table: u8, newest: u64) -> Filter {
        let mut one = || Filter::draw_test(rng, table, newest);
        let (a, b) = (one(), one());
        match rng.u8(..8) {
            0 => Filter::All,
            1 => Filter::And(vec![a, b]),
            2 => Filter::Or(vec![a, b]),
            3 => Filter::Nor(vec![a, b]),
            _ => a,
        }
    }

    fn draw_test(rng: &mut Rng, table: u8, newest: u64) -> Filter {
        let name = draw_name(rng, table);
        let mut value = || draw_scalar(rng, table, name, newest);
        let (a, b, c) = (value(), value(), value());
        let has_order = |scalar: &Scalar| *scalar != Scalar::Null;
        let bound = |scalar: Scalar, is_in| Some((scalar, is_in)).filter(|_| has_order(&scalar));
        let test = match rng.u8(..12) {
            0 => Test::Ne(a),
            1 => Test::Nin(vec![a, b]),
            2 => Test::Exists(rng.bool()),
            3..6 => Test::In(vec![a, b, c]),
            6..9 => {
                let (low, high) = (bound(a, rng.bool()), bound(b, rng.bool()));
                let is_both = rng.bool();
                match (low, high) {
                    (Some(_), _) if !is_both => Test::Range(low, None),
                    (_, Some(_)) if !is_both => Test::Range(None, high),
                    (Some(_), Some(_)) => Test::Range(low, high),
                    _ => Test::Eq(a),
                }
            }
            _ => Test::Eq(a),
        };
        Filter::Is(name, test)
    }
}

impl Test {
    fn json(&self) -> Value {
        let list = |values: &[Scalar]| values.iter().map(|value| value.json()).collect::<Value>();
        match self {
            Test::Eq(value) => value.json(),
            Test::Ne(value) => json!({ "$ne": value.json() }),
            Test::In(values) => json!({ "$in": list(values) }),
            Test::Nin(values) => json!({ "$nin": list(values) }),
            Test::Exists(is_there) => json!({ "$exists": is_there }),
            Test::Range(low, high) => {
                let mut operators = Map::new();
                if let Some((value, is_in)) = low {
                    let name = if *is_in { "$gte" } else { "$gt" };
                    operators.insert(name.to_owned(), value.json());
                }
                if let Some((value, is_in)) = high {
                    let name = if *is_in { "$lte" } else { "$lt" };
                    operators.insert(name.to_owned(), value.json());
                }
                Value::Object(operators)
            }
        }
    }
}

impl Find {
    /// `-rank,code`
    pub fn sort_text(&self) -> Option<String> {
        let field = |(name, is_down): &(Name, bool)| {
            let minus = if *is_down { "-" } else { "" };
            format!("{minus}{}", name.text())
        };
        let fields: Vec<String> = self.sort.iter().map(field).collect();
        (!fields.is_empty()).then(|| fields.join(","))
    }

    pub fn draw(rng: &mut Rng, table: u8, newest: u64) -> Find {
        let mut sort: Vec<(Name, bool)> = Vec::new();
        for _ in 0..rng.usize(..3) {
            let name = draw_name(rng, table);
            if !sort.iter().any(|(known, _)| *known == name) {
                sort.push((name, rng.bool()));
            }
        }
        let select = match rng.u8(..8) {
            0 => Select::Everything,
            1..4 => Select::Two(draw_name(rng, table), Name::V),
            _ => Select::Short,
        };
        Find {
            filter: Filter::draw(rng, table, newest),
            sort,
            skip: rng.usize(..3) * rng.usize(..2),
            limit: if rng.bool() { 20 } else { rng.usize(1..4) },
            select,
        }
    }
}

impl Select {
    pub fn text(self) -> Option<String> {
        match self {
            Select::Everything => None,
            Select::Short => Some("-pad".to_owned()),
            Select::Two(a, b) if a == b => Some(a.text().to_owned()),
            Select::Two(a, b) => Some(format!("{},{}", a.text(), b.text())),
        }
    }

    pub fn has(self, field: &str) -> bool {
        match self {
            Select::Everything => true,
            Select::Short => field != "pad",
            Select::Two(a, b) => field == "id" || field == a.text() || field == b.text(),
        }
    }
}

impl Query {
    /// Values up to `newest` have been written.
    pub fn draw(rng: &mut Rng, table: u8, newest: u64) -> Query {
        let filter = Filter::draw(rng, table, newest);
        match rng.u8(..12) {
            0..6 => Query::Find(Find::draw(rng, table, newest)),
            6 => Query::Explain(Find::draw(rng, table, newest)),
            7 => Query::Count(filter),
            8..10 => Query::Distinct(draw_name(rng, table), filter),
            _ => {
                let names = [Name::Role, Name::Rank, Name::Code, Name::Team];
                let stages = match rng.u8(..4) {
                    0 => Stages::Count,
                    1 if has_rules(table) => Stages::Unwind,
                    2 if table == TEAMS => Stages::Lookup,
                    _ => Stages::Group(names[rng.usize(..names.len())]),
                };
                Query::Aggregate(filter, stages)
            }
        }
    }

    /// The indexes of a table, and nothing else.
    pub fn of_indexes() -> Query {
        Query::Explain(Find {
            filter: Filter::All,
            sort: Vec::new(),
            skip: 0,
            limit: 20,
            select: Select::Everything,
        })
    }

    /// The slash command that asks it.
    pub fn command(&self) -> &'static str {
        match self {
            Query::Find(_) => "dbc_find",
            Query::Explain(_) => "dbc_explain",
            Query::Count(_) => "dbc_count",
            Query::Distinct(..) => "dbc_distinct",
            Query::Aggregate(..) => "dbc_aggregate",
        }
    }

    /// The same question in a way that no index helps with.
    pub fn in_disguise(self) -> Query {
        let of = |find: Find| Find {
            filter: find.filter.in_disguise(),
            ..find
        };
        match self {
            Query::Find(find) => Query::Find(of(find)),
            Query::Explain(find) => Query::Explain(of(find)),
            Query::Count(filter) => Query::Count(filter.in_disguise()),
            Query::Distinct(name, filter) => Query::Distinct(name, filter.in_disguise()),
            Query::Aggregate(filter, stages) => Query::Aggregate(filter.in_disguise(), stages),
        }
    }

    /// The rows that its answer may depend on.
    pub fn cells(&self, table: u8) -> Vec<Cell> {
        let joined = match self {
            Query::Aggregate(_, Stages::Lookup) => Some(MEMBERS),
            _ => None,
        };
        let tables = std::iter::once(table).chain(joined);
        tables.flat_map(Cell::of_table).collect()
    }
}

impl Stages {
    pub fn json(self, filter: &Filter) -> Value {
        let mut stages = vec![json!({ "$match": filter.json() })];
        match self {
            Stages::Count => stages.push(json!({"$count": "n"})),
            Stages::Group(name) => stages.push(json!({"$group": {
                "_id": format!("${}", name.text()),
                "n": {"$count": {}},
                "sum": {"$sum": "$balance"},
                "most": {"$max": "$code"},
            }})),
            Stages::Unwind => stages.extend([
                json!({"$unwind": "$tags"}),
                json!({"$group": {"_id": "$tags", "n": {"$count": {}}}}),
            ]),
            Stages::Lookup => stages.extend([
                json!({"$lookup": {
                    "from": TABLES[usize::from(MEMBERS)],
                    "localField": "id",
                    "foreignField": "team",
                    "as": "members",
                }}),
                json!({"$unwind": "$members"}),
                json!({"$group": {"_id": "$id", "n": {"$count": {}}}}),
            ]),
        }
        Value::Array(stages)
    }
}

fn draw_name(rng: &mut Rng, table: u8) -> Name {
    let always = [Name::Id, Name::V, Name::Balance];
    if has_rules(table) && rng.u8(..4) != 0 {
        FIELDS[rng.usize(..FIELDS.len())]
    } else {
        always[rng.usize(..3)]
    }
}

/// A value that the field may have.
fn draw_scalar(rng: &mut Rng, table: u8, name: Name, newest: u64) -> Scalar {
    if rng.u8(..8) == 0 {
        return Scalar::Null;
    }
    let of_keys = |rng: &mut Rng, table| {
        let keys: Vec<Cell> = Cell::of_table(table).collect();
        keys[rng.usize(..keys.len())].key()
    };
    match name {
        Name::Id if table == TEAMS && rng.bool() => Scalar::Int(rng.i64(1..4)),
        Name::Id => Scalar::Text(of_keys(rng, table)),
        Name::V => Scalar::Int(rng.i64(0..=newest as i64)),
        Name::Balance => Scalar::Int([0, 0, rng.i64(50..150)][rng.usize(..3)]),
        Name::Code | Name::Rank => Scalar::Int(rng.i64(-1..4)),
        Name::Team if rng.bool() => Scalar::Int(rng.i64(1..5)),
        Name::Team => Scalar::Text(of_keys(rng, TEAMS)),
        Name::Role => Scalar::Text(WORDS[rng.usize(..3)]),
        Name::Tags => Scalar::Text(TAGS[rng.usize(..TAGS.len())]),
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, find) = match self {
            Query::Find(find) => ("find", find),
            Query::Explain(find) => ("explain", find),
            Query::Count(filter) => return write!(f, "count {}", filter.json()),
            Query::Distinct(name, filter) => {
                return write!(f, "distinct {} of {}", name.text(), filter.json());
            }
            Query::Aggregate(filter, stages) => {
                return write!(f, "aggregate {}", stages.json(filter));
            }
        };
        write!(f, "{word} {}", find.filter.json())?;
        if let Some(sort) = find.sort_text() {
            write!(f, " by {sort}")?;
        }
        write!(f, ", {} after {}", find.limit, find.skip)?;
        match find.select.text() {
            Some(select) => write!(f, ", only {select}"),
            None => Ok(()),
        }
    }
}
