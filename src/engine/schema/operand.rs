//! Reading what stands behind a keyword, and the errors of what should not stand there.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::compile::{Compiler, Place};
use super::keywords::{ANNOTATIONS, KEYWORDS, UNSUPPORTED, kinds};
use super::number::Num;
use super::path::Path;
use super::value::describe;
use crate::error::{Error, Result};
use crate::text::{did_you_mean, inline};

impl Compiler {
    /// What must be there, and what is.
    pub(super) fn wrong(&self, at: &Path<'_>, must: &str, operand: &Value) -> Error {
        let message = format!("must be {must}, and is {}.", describe(operand.into()));
        self.at(at, &message)
    }

    /// An error whose sentence goes on after the place.
    pub(super) fn at(&self, at: &Path<'_>, message: &str) -> Error {
        Error::invalid(
            self.option,
            format!("{} {message}", at.subject("the schema")),
        )
    }

    /// An error with a sentence of its own.
    pub(super) fn error(&self, at: &Path<'_>, message: &str) -> Error {
        Error::invalid(
            self.option,
            format!("at {}: {message}", at.subject("the top of the schema")),
        )
    }

    /// A word that no schema has, or none that dbcord carries out.
    pub(super) fn unknown(
        &self,
        name: &str,
        operand: &Value,
        at: &Path<'_>,
        place: Place<'_>,
    ) -> Error {
        let shown = inline(name);
        if let Some((_, instead)) = UNSUPPORTED.iter().find(|(known, _)| *known == name) {
            let message = format!("dbcord does not support `{shown}`.");
            return self.error(at, &message).hint(*instead);
        }
        let error = self.error(at, &format!("a schema has no `{shown}`."));
        let is_type = operand.as_str().is_some_and(|name| kinds(name).is_some());
        if is_type && place == Place::Root {
            return error.hint(format!(
                "Fields stand below `properties`: `{{\"properties\": {{\"{shown}\": {operand}}}}}`."
            ));
        }
        let known: Vec<&str> = KEYWORDS.iter().chain(ANNOTATIONS).copied().collect();
        let remarks = || "Remarks can go into `$comment` or `description`.".to_owned();
        error.hint(did_you_mean(name, &known).unwrap_or_else(remarks))
    }

    pub(super) fn number(&self, operand: &Value, at: &Path<'_>) -> Result<Number> {
        match operand {
            Value::Number(number) => Ok(number.clone()),
            _ => Err(self.wrong(at, "a number", operand)),
        }
    }

    pub(super) fn count(&self, operand: &Value, at: &Path<'_>) -> Result<u64> {
        match operand {
            Value::Number(number) => match Num::of(number) {
                Num::Natural(count) => Ok(count),
                _ => Err(self.wrong(at, "a whole number from 0 on", operand)),
            },
            _ => Err(self.wrong(at, "a whole number from 0 on", operand)),
        }
    }

    pub(super) fn truth(&self, operand: &Value, at: &Path<'_>) -> Result<bool> {
        let truth = operand.as_bool();
        truth.ok_or_else(|| self.wrong(at, "`true` or `false`", operand))
    }

    pub(super) fn text<'v>(&self, operand: &'v Value, at: &Path<'_>) -> Result<&'v str> {
        let text = operand.as_str();
        text.ok_or_else(|| self.wrong(at, "a string", operand))
    }

    pub(super) fn list<'v>(&self, operand: &'v Value, at: &Path<'_>) -> Result<&'v [Value]> {
        match operand {
            Value::Array(list) => Ok(list),
            _ => Err(self.wrong(at, "a list", operand)),
        }
    }

    pub(super) fn map<'v>(
        &self,
        operand: &'v Value,
        at: &Path<'_>,
    ) -> Result<&'v Map<String, Value>> {
        match operand {
            Value::Object(map) => Ok(map),
            _ => Err(self.wrong(at, "an object", operand)),
        }
    }

    /// Names of fields, each once.
    pub(super) fn names<'v>(&self, operand: &'v Value, at: &Path<'_>) -> Result<Vec<&'v str>> {
        let mut names = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, name) in self.list(operand, at)?.iter().enumerate() {
            let here = at.item(index);
            let name = self.text(name, &here)?;
            if !seen.insert(name) {
                let message = format!("`{}` stands twice.", inline(name));
                return Err(self.error(at, &message));
            }
            names.push(name);
        }
        Ok(names)
    }
}
