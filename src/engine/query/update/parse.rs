//! Reading updates.

use serde_json::{Map, Value};

use super::condition::Condition;
use super::list::{Direction, End, Pull, Push, Sort};
use super::path::{Path, conflict, described};
use super::{Action, PATHS, Step, levels, wrong};
use crate::engine::query::hints;
use crate::error::{Error, ErrorKind, Result};
use crate::text::inline;

const OPERATORS: [&str; 12] = [
    "$set",
    "$unset",
    "$inc",
    "$mul",
    "$min",
    "$max",
    "$rename",
    "$push",
    "$pull",
    "$addToSet",
    "$pop",
    "$currentDate",
];

const PUSH_MODIFIERS: [&str; 4] = ["$each", "$position", "$slice", "$sort"];

pub(super) fn steps(option: &'static str, update: &Map<String, Value>) -> Result<Vec<Step>> {
    let count: usize = update
        .values()
        .filter_map(Value::as_object)
        .map(Map::len)
        .sum();
    if count > PATHS {
        let message = format!("the update names {count} paths, and it may name at most {PATHS}.");
        return Err(Error::new(ErrorKind::TooLarge, message)
            .option(option)
            .hint("Split it over several updates, or store the row as a whole."));
    }
    let mut steps = Vec::new();
    for (name, paths) in update {
        let Some(&operator) = OPERATORS.iter().find(|known| *known == name) else {
            return Err(unknown_operator(option, name));
        };
        let Value::Object(paths) = paths else {
            let message = format!(
                "`{operator}` takes an object of paths, as in `{{\"{operator}\":{{{}}}}}`; this is {}.",
                example(operator),
                described(paths)
            );
            return Err(Error::invalid(option, message));
        };
        for (path, operand) in paths {
            let reader = Reader {
                option,
                operator,
                path,
            };
            steps.push(Step {
                path: Path::parse(option, operator, path)?,
                action: reader.action(operand)?,
            });
        }
    }
    check_levels(option, &steps)?;
    match conflict(steps.iter().flat_map(Step::paths)) {
        None => Ok(steps),
        Some((a, b)) => {
            let operators = |path: &Path| {
                let of = |step: &&Step| step.paths().any(|other| std::ptr::eq(other, path));
                steps.iter().find(of).map_or("", |step| step.action.name())
            };
            let (first, second) = (inline(a.as_str()), inline(b.as_str()));
            let (by, and) = (operators(a), operators(b));
            let message = match a == b {
                true => format!("updating `{first}` twice, by `{by}` and `{and}`, would conflict."),
                false => {
                    format!("updating `{first}` (`{by}`) and `{second}` (`{and}`) would conflict.")
                }
            };
            Err(Error::invalid(option, message).hint(
                "An update changes a place, and what lies inside it, once. Several updates in one `/dbc_transact` can do it in turn.",
            ))
        }
    }
}

/// What is put into a document must not make it nest deeper than it may.
fn check_levels(option: &'static str, steps: &[Step]) -> Result<()> {
    for step in steps {
        let most = |values: &[Value]| values.iter().map(levels).max().unwrap_or(0);
        let levels = match &step.action {
            Action::Set(value) | Action::Least(value) | Action::Greatest(value) => levels(value),
            Action::Push(push) => 1 + most(&push.each),
            Action::AddToSet(values) => 1 + most(values),
            _ => 0,
        };
        step.path.check_levels(option, step.action.name(), levels)?;
    }
    Ok(())
}

/// Reads what an operator is given for one path.
struct Reader<'a> {
    option: &'static str,
    operator: &'static str,
    path: &'a str,
}

impl Reader<'_> {
    fn action(&self, operand: &Value) -> Result<Action> {
        Ok(match self.operator {
            "$set" => Action::Set(operand.clone()),
            "$unset" => Action::Unset,
            "$min" => Action::Least(operand.clone()),
            "$max" => Action::Greatest(operand.clone()),
            "$inc" | "$mul" => match operand {
                Value::Number(by) if self.operator == "$inc" => Action::Add(by.clone()),
                Value::Number(by) => Action::Multiply(by.clone()),
                other => return Err(self.takes("a number", other)),
            },
            "$rename" => match operand {
                Value::String(to) => Action::Rename(Path::parse(self.option, self.operator, to)?),
                other => return Err(self.takes("the new path, a string", other)),
            },
            "$push" => Action::Push(self.push(operand)?),
            "$addToSet" => Action::AddToSet(self.add_to_set(operand)?),
            "$pull" => Action::Pull(match operand {
                Value::Object(condition) => {
                    Pull::Where(Condition::parse(self.option, self.path, condition)?)
                }
                value => Pull::Value(value.clone()),
            }),
            "$pop" => match whole(operand) {
                Some(1) => Action::Pop(End::Last),
                Some(-1) => Action::Pop(End::First),
                _ => return Err(self.takes("1 for the last item or -1 for the first", operand)),
            },
            _ => self.current_date(operand)?,
        })
    }

    fn current_date(&self, operand: &Value) -> Result<Action> {
        let is_date = match operand {
            Value::Bool(wanted) => *wanted,
            Value::Object(fields) => {
                fields.len() == 1 && fields.get("$type").is_some_and(|kind| kind == "date")
            }
            _ => false,
        };
        if is_date {
            return Ok(Action::CurrentDate);
        }
        Err(self
            .takes("`true` or `{\"$type\":\"date\"}`", operand)
            .hint("It writes the time of the commit, as in `\"2025-11-20T09:48:24.123Z\"`."))
    }

    fn push(&self, operand: &Value) -> Result<Push> {
        let plain = || Push {
            each: vec![operand.clone()],
            position: None,
            sort: None,
            slice: None,
        };
        let Some(modifiers) = self.modifiers(operand, &PUSH_MODIFIERS)? else {
            return Ok(plain());
        };
        let number = |name: &str| match modifiers.get(name) {
            None => Ok(None),
            Some(value) => match whole(value) {
                Some(number) => Ok(Some(number)),
                None => Err(self.modifier(name, "a whole number", value)),
            },
        };
        Ok(Push {
            each: self.each(modifiers)?,
            position: number("$position")?,
            slice: number("$slice")?,
            sort: modifiers
                .get("$sort")
                .map(|sort| self.sort(sort))
                .transpose()?,
        })
    }

    fn add_to_set(&self, operand: &Value) -> Result<Vec<Value>> {
        match self.modifiers(operand, &["$each"])? {
            None => Ok(vec![operand.clone()]),
            Some(modifiers) => self.each(modifiers),
        }
    }

    /// An operand that is modifiers, not a value.
    fn modifiers<'a>(
        &self,
        operand: &'a Value,
        known: &[&str],
    ) -> Result<Option<&'a Map<String, Value>>> {
        let Value::Object(fields) = operand else {
            return Ok(None);
        };
        if !fields.keys().any(|name| name.starts_with('$')) {
            return Ok(None);
        }
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Some(fields)),
            Some(unknown) => {
                let name = inline(unknown);
                let why = format!("there is no modifier `{name}` of it.");
                Err(self.wrong(&why).hint(hints::unknown(unknown, known)))
            }
        }
    }

    fn each(&self, modifiers: &Map<String, Value>) -> Result<Vec<Value>> {
        match modifiers.get("$each") {
            Some(Value::Array(items)) => Ok(items.clone()),
            Some(other) => Err(self.modifier("$each", "a list of values", other)),
            None => Err(self
                .wrong("its modifiers need `$each`.")
                .hint("For example `{\"$each\":[1,2]}`; the list may be empty.")),
        }
    }

    fn sort(&self, sort: &Value) -> Result<Sort> {
        let direction = |value: &Value| match whole(value) {
            Some(1) => Some(Direction::Ascending),
            Some(-1) => Some(Direction::Descending),
            _ => None,
        };
        let refused = || {
            let takes = "1, -1, or an object of fields with these, as in `{\"score\":-1}`";
            self.modifier("$sort", takes, sort)
        };
        let Value::Object(fields) = sort else {
            return direction(sort).map(Sort::Whole).ok_or_else(refused);
        };
        let mut by = Vec::new();
        for (path, value) in fields {
            let names: Vec<String> = path.split('.').map(str::to_owned).collect();
            let is_path = names
                .iter()
                .all(|name| !name.is_empty() && !name.starts_with('$'));
            match direction(value).filter(|_| is_path) {
                Some(direction) => by.push((names, direction)),
                None => return Err(refused()),
            }
        }
        if by.is_empty() {
            return Err(refused());
        }
        Ok(Sort::ByFields(by))
    }

    fn takes(&self, takes: &str, found: &Value) -> Error {
        self.wrong(&format!("it takes {takes}; this is {}.", described(found)))
    }

    fn modifier(&self, name: &str, takes: &str, found: &Value) -> Error {
        self.wrong(&format!(
            "`{name}` takes {takes}; this is {}.",
            described(found)
        ))
    }

    fn wrong(&self, why: &str) -> Error {
        wrong(self.option, self.operator, self.path, why)
    }
}

fn unknown_operator(option: &'static str, name: &str) -> Error {
    let message = format!("there is no update operator `{}`.", inline(name));
    let error = Error::invalid(option, message);
    match name.starts_with('$') {
        true => error.hint(hints::unknown(name, &OPERATORS)),
        false => error.hint("A field is set by `$set`, as in `{\"$set\":{\"role\":\"teacher\"}}`."),
    }
}

/// What may stand inside an operator, for errors.
fn example(operator: &str) -> &'static str {
    match operator {
        "$rename" => "\"old\":\"new\"",
        "$push" | "$addToSet" | "$pull" => "\"tags\":\"new\"",
        "$currentDate" => "\"seen_at\":true",
        "$unset" => "\"old\":true",
        _ => "\"count\":1",
    }
}

/// A whole number, also if it is written with a fraction of zero.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a double without a fraction, and small enough to be exact"
)]
fn whole(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_i64().or_else(|| {
        let double = value.as_f64()?;
        (double.fract() == 0.0 && double.abs() <= EXACT).then_some(double as i64)
    })
}
