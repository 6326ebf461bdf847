//! What is asked, in the words of both.

use serde_json::json;

use super::rows::Users;

/// A kind of question.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub name: &'static str,
    /// How many times as long as SQLite dbcord may take.
    pub goal: f64,
    /// How many are asked in a round.
    pub at_once: usize,
    pub sql: &'static str,
    /// Whether it says in which order the rows are to come.
    pub is_ordered: bool,
    ask: fn(&Users, &mut fastrand::Rng) -> Text,
}

/// One question.
#[derive(Debug, Clone)]
pub enum Text {
    /// `where_json` and `sort`, `limit`, and what SQLite is asked with.
    Find(String, Option<&'static str>, usize, Vec<Parameter>),
    Count(String, Vec<Parameter>),
    /// `pipeline_json`
    Aggregate(String),
}

#[derive(Debug, Clone)]
pub enum Parameter {
    Text(String),
    Number(i64),
}

const LIMIT: usize = 1_000;
const RANGE: usize = 100;
const PAGE: usize = 20;

/// Lookups are to be at least as fast as SQLite's, and what goes through many rows within twice its time.
pub const QUESTIONS: [Question; 7] = [
    Question {
        name: "a row by its key",
        goal: 1.0,
        at_once: 2_000,
        sql: "SELECT doc FROM users WHERE id = ?1 LIMIT 1000",
        is_ordered: true,
        ask: |users, random| {
            let key = Users::key(random.usize(..users.len()));
            find(json!({ "id": key }), vec![Parameter::Text(key)])
        },
    },
    Question {
        name: "a row by an index",
        goal: 1.0,
        at_once: 2_000,
        sql: "SELECT doc FROM users WHERE json_extract(doc, '$.email') = ?1 LIMIT 1000",
        is_ordered: true,
        ask: |users, random| {
            let email = Users::email(random.usize(..users.len()));
            find(json!({ "email": email }), vec![Parameter::Text(email)])
        },
    },
    Question {
        name: "a range of 100 rows by an index",
        goal: 2.0,
        at_once: 200,
        sql: "SELECT doc FROM users WHERE json_extract(doc, '$.points') >= ?1 AND json_extract(doc, '$.points') < ?2 LIMIT 1000",
        is_ordered: false,
        ask: |users, random| {
            let from = random.usize(..users.len().saturating_sub(RANGE).max(1));
            let filter = json!({"points": {"$gte": from, "$lt": from + RANGE}});
            find(filter, vec![number(from), number(from + RANGE)])
        },
    },
    Question {
        name: "20 rows in the order of an index, downwards from a value",
        goal: 2.0,
        at_once: 500,
        sql: "SELECT doc FROM users WHERE json_extract(doc, '$.points') < ?1 ORDER BY json_extract(doc, '$.points') DESC LIMIT 20",
        is_ordered: true,
        ask: |users, random| {
            let below = random.usize(PAGE..users.len());
            let filter = json!({"points": {"$lt": below}}).to_string();
            Text::Find(filter, Some("-points"), PAGE, vec![number(below)])
        },
    },
    Question {
        name: "the rows that match two conditions, without an index",
        goal: 2.0,
        at_once: 2,
        sql: "SELECT doc FROM users WHERE json_extract(doc, '$.city') = ?1 AND json_extract(doc, '$.age') >= ?2 LIMIT 1000",
        is_ordered: false,
        ask: |_, random| {
            let city = Users::city(random.usize(..));
            let filter = json!({"city": city, "age": {"$gte": 60}});
            find(filter, vec![Parameter::Text(city), number(60)])
        },
    },
    Question {
        name: "how many rows match, without an index",
        goal: 2.0,
        at_once: 2,
        sql: "SELECT count(*) FROM users WHERE json_extract(doc, '$.age') >= ?1",
        is_ordered: true,
        ask: |_, random| {
            let age = random.usize(18..80);
            let filter = json!({"age": {"$gte": age}}).to_string();
            Text::Count(filter, vec![number(age)])
        },
    },
    Question {
        name: "groups: how many rows and the sum of a field, by another",
        goal: 2.0,
        at_once: 2,
        sql: "SELECT json_object('_id', json_extract(doc, '$.city'), 'n', count(*), 'points', sum(json_extract(doc, '$.points'))) \
            FROM users GROUP BY json_extract(doc, '$.city')",
        is_ordered: true,
        ask: |_, _| {
            let group =
                r#"{"_id":"$city","n":{"$count":{}},"points":{"$sum":"$points"}}"#.to_owned();
            Text::Aggregate(format!(r#"[{{"$group":{group}}}]"#))
        },
    },
];

impl Question {
    /// So many of the kind.
    pub fn texts(&self, users: &Users, count: usize) -> Vec<Text> {
        let mut random = fastrand::Rng::with_seed(2);
        (0..count).map(|_| (self.ask)(users, &mut random)).collect()
    }
}

impl Text {
    /// What SQLite is asked with.
    pub fn parameters(&self) -> &[Parameter] {
        match self {
            Text::Find(_, _, _, parameters) | Text::Count(_, parameters) => parameters,
            Text::Aggregate(_) => &[],
        }
    }
}

fn find(filter: serde_json::Value, parameters: Vec<Parameter>) -> Text {
    Text::Find(filter.to_string(), None, LIMIT, parameters)
}

fn number(number: usize) -> Parameter {
    Parameter::Number(number as i64)
}
