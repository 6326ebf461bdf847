//! A figure, and whether it is as it should be.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured.
    pub name: String,
    pub value: f64,
    /// What the value counts, as it stands after it.
    pub unit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    AtMost(f64),
    Below(f64),
    Exactly(f64),
}

impl Measurement {
    pub fn new(name: impl Into<String>, value: f64, unit: &str) -> Measurement {
        Measurement {
            name: name.into(),
            value,
            unit: unit.to_owned(),
            goal: None,
        }
    }

    pub fn count(name: impl Into<String>, value: usize, unit: &str) -> Measurement {
        Measurement::new(name, value as f64, unit)
    }

    #[must_use]
    pub fn goal(self, goal: Goal) -> Measurement {
        let goal = Some(goal);
        Measurement { goal, ..self }
    }

    #[must_use]
    pub fn at_most(self, most: u32) -> Measurement {
        self.goal(Goal::AtMost(most.into()))
    }

    /// None where there is no goal.
    pub fn is_met(&self) -> Option<bool> {
        Some(match self.goal? {
            Goal::AtMost(most) => self.value <= most,
            Goal::Below(limit) => self.value < limit,
            Goal::Exactly(value) => self.value == value,
        })
    }
}
