//! Asking two the same in turn, and what came of it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Scale;
use super::question::{Question, Text};
use super::rows::Users;
use crate::bench::report;

/// Who answers questions.
pub trait Contender {
    /// Documents as compact JSON, or how many there are.
    fn answer(&mut self, question: &Question, text: &Text) -> Vec<String>;
}

/// How long both took for a question: the medians of all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub name: String,
    pub dbcord_ns: f64,
    pub sqlite_ns: f64,
    /// How many times as long as SQLite dbcord may take; none where that is only to be known.
    pub goal: Option<f64>,
}

impl Comparison {
    /// How many times as long as SQLite dbcord took.
    pub fn ratio(&self) -> f64 {
        self.dbcord_ns / self.sqlite_ns
    }

    /// None where there is no goal.
    pub fn is_met(&self) -> Option<bool> {
        Some(self.ratio() <= self.goal?)
    }
}

/// Puts a question to both, with different values each time: round by round, in turn and by turns first, so
/// that whatever else the machine does falls on both.
///
/// # Errors
/// When they do not answer the same.
pub fn compare(
    question: &Question,
    users: &Users,
    scale: &Scale,
    dbcord: &mut dyn Contender,
    sqlite: &mut dyn Contender,
) -> Result<Comparison, String> {
    let texts = question.texts(users, question.at_once.div_ceil(scale.part));
    // This warms both up, too.
    for text in &texts {
        let a = in_order(question, dbcord.answer(question, text));
        let b = in_order(question, sqlite.answer(question, text));
        if a != b {
            let name = question.name;
            let first = |answer: &[String]| answer.first().cloned().unwrap_or_default();
            return Err(format!(
                "{name}: {text:?} is answered by {} and {} rows, the first `{}` and `{}`.",
                a.len(),
                b.len(),
                first(&a),
                first(&b)
            ));
        }
    }
    let [mut of_dbcord, mut of_sqlite] = [Vec::new(), Vec::new()];
    for round in 0..scale.rounds {
        if round.is_multiple_of(2) {
            of_dbcord.push(time(question, &texts, dbcord));
        }
        of_sqlite.push(time(question, &texts, sqlite));
        if !round.is_multiple_of(2) {
            of_dbcord.push(time(question, &texts, dbcord));
        }
    }
    let each = |times| median(times).as_nanos() as f64 / texts.len() as f64;
    Ok(Comparison {
        name: question.name.to_owned(),
        dbcord_ns: each(of_dbcord),
        sqlite_ns: each(of_sqlite),
        goal: Some(question.goal),
    })
}

/// For people: both times, their ratio, and whether that is as it should be.
pub fn table(sqlite: &str, all: &[Comparison]) -> String {
    let header = ["asked for", "dbcord", sqlite, "ratio", "goal", ""].map(str::to_owned);
    let rows = all.iter().map(|compared| {
        let goal = compared.goal.map(|goal| format!("at most {goal}"));
        [
            compared.name.clone(),
            duration(compared.dbcord_ns),
            duration(compared.sqlite_ns),
            format!("{:.2}", compared.ratio()),
            goal.unwrap_or_default(),
            report::met(compared.is_met()).to_owned(),
        ]
    });
    report::aligned(header, rows)
}

fn in_order(question: &Question, mut answer: Vec<String>) -> Vec<String> {
    if !question.is_ordered {
        answer.sort_unstable();
    }
    answer
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is the machine's time, and nothing depends on it"
)]
fn time(question: &Question, texts: &[Text], contender: &mut dyn Contender) -> Duration {
    let began = Instant::now();
    for text in texts {
        black_box(contender.answer(question, text));
    }
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// `840 ns`, `3.21 µs`, `45.6 ms`
fn duration(ns: f64) -> String {
    let (value, unit) = match ns {
        ..1e3 => (ns, "ns"),
        1e3..1e6 => (ns / 1e3, "µs"),
        1e6..1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    let decimals = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        for (ns, text) in [
            (840.4, "840 ns"),
            (3_214.0, "3.21 µs"),
            (45_600_000.0, "45.6 ms"),
            (2e9, "2.00 s"),
        ] {
            assert_eq!(duration(ns), text);
        }
    }

    #[test]
    fn goals_are_about_ratios_of_medians() {
        let mut compared = Comparison {
            name: "x".to_owned(),
            dbcord_ns: 300.0,
            sqlite_ns: 150.0,
            goal: Some(2.0),
        };
        assert_eq!(compared.is_met(), Some(true));
        compared.dbcord_ns = 303.0;
        assert_eq!(compared.is_met(), Some(false));
        let table = table("SQLite", &[compared]);
        assert!(
            table.contains("| 2.02  | at most 2 | **missed** |"),
            "{table}"
        );
        let ms = Duration::from_millis;
        assert_eq!(median(vec![ms(9), ms(1), ms(2)]), ms(2));
    }
}
