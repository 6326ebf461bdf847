//! From the JSON of a pipeline to its stages.

use serde_json::{Map, Value};

use super::expression::{Expression, Name};
use super::group::{Accumulator, Field, Group};
use super::lookup::Lookup;
use super::project::{Part, Projection, insert};
use super::unwind::Unwind;
use super::{GROUP_FIELDS, STAGES, Stage, place};
use crate::engine::document::kind;
use crate::engine::query::hints;
use crate::engine::query::path::Path;
use crate::engine::query::select::SELECT_FIELDS;
use crate::engine::query::{Filter, Select, Sort};
use crate::error::{Error, Result};
use crate::text::inline;

/// In the order in which errors and the documentation list them.
const NAMES: &[&str] = &[
    "$match", "$group", "$sort", "$limit", "$skip", "$project", "$unwind", "$lookup", "$count",
];

/// All stages. `key` is the table's key field.
pub(super) fn stages(option: &'static str, source: &[Value], key: &str) -> Result<Vec<Stage>> {
    if source.len() > STAGES {
        let given = source.len();
        let message = format!("a pipeline has at most {STAGES} stages, not {given}.");
        return Err(Error::invalid(option, message));
    }
    let mut stages = Vec::with_capacity(source.len());
    // What `$project` keeps: groups have a key of their own.
    let mut key = key;
    for (index, stage) in source.iter().enumerate() {
        let (name, spec) = named(option, index, stage)?;
        let parser = Parser {
            option,
            stage: place(index, name),
        };
        let stage = parser.stage(name, spec, key)?;
        if matches!(stage, Stage::Group(_) | Stage::Count(_)) {
            key = "_id";
        }
        stages.push(stage);
    }
    Ok(stages)
}

/// A stage's name and what it takes.
fn named<'v>(
    option: &'static str,
    index: usize,
    stage: &'v Value,
) -> Result<(&'static str, &'v Value)> {
    let number = index + 1;
    let fields = stage.as_object();
    let only = fields.filter(|fields| fields.len() == 1);
    let Some((name, spec)) = only.and_then(|fields| fields.iter().next()) else {
        let given = match fields {
            Some(fields) => format!("an object with {} fields", fields.len()),
            None => kind(stage).to_owned(),
        };
        let message = format!("stage {number} is an object with one field, its name, not {given}.");
        return Err(Error::invalid(option, message)
            .hint("For example `[{\"$match\":{\"age\":36}},{\"$count\":\"rows\"}]`."));
    };
    match NAMES.iter().find(|known| *known == name) {
        Some(known) => Ok((known, spec)),
        None => {
            let message = format!("stage {number}: there is no stage `{}`.", inline(name));
            Err(Error::invalid(option, message).hint(hints::unknown(name, NAMES)))
        }
    }
}

/// Reads one stage.
struct Parser {
    option: &'static str,
    /// As errors name it.
    stage: String,
}

/// What is to become of a field in `$project`.
enum Wanted {
    Keep,
    Leave,
    Compute(Expression),
}

impl Parser {
    fn stage(&self, name: &str, spec: &Value, key: &str) -> Result<Stage> {
        let about = |error: Error| error.about(&self.stage);
        Ok(match name {
            "$match" => {
                let fields = self.object("", spec)?.clone();
                Stage::Match(Filter::new(self.option, fields).map_err(about)?)
            }
            "$sort" => {
                let fields = self.object("", spec)?;
                if fields.is_empty() {
                    return Err(self.wrong("", "takes at least one field"));
                }
                Stage::Sort(Sort::new(self.option, fields).map_err(about)?)
            }
            "$limit" => Stage::Limit(self.number(spec, 1)?),
            "$skip" => Stage::Skip(self.number(spec, 0)?),
            "$count" => match spec {
                Value::String(name) => Stage::Count(self.name("", name)?),
                other => return Err(self.takes("", "the name of the field for the count", other)),
            },
            "$group" => Stage::Group(self.group(spec)?),
            "$project" => Stage::Project(self.project(spec, key)?),
            "$unwind" => Stage::Unwind(self.unwind(spec)?),
            _ => Stage::Lookup(self.lookup(spec)?),
        })
    }

    fn group(&self, spec: &Value) -> Result<Group> {
        let fields = self.object("", spec)?;
        let Some(key) = fields.get("_id") else {
            return Err(self.wrong("", "has no `_id`, which says what rows are grouped by").hint(
                "For example `{\"_id\":\"$role\",\"rows\":{\"$count\":{}}}`; `null` makes one group of all.",
            ));
        };
        if fields.len() > GROUP_FIELDS {
            let given = fields.len();
            let what = format!("has at most {GROUP_FIELDS} fields, not {given}");
            return Err(self.wrong("", &what));
        }
        let mut group = Group {
            key: self.expression("_id", key)?,
            fields: Vec::new(),
        };
        for (name, value) in fields.iter().filter(|(name, _)| *name != "_id") {
            group.fields.push(self.accumulated(name, value)?);
        }
        Ok(group)
    }

    fn accumulated(&self, name: &str, value: &Value) -> Result<Field> {
        const EXAMPLE: &str = "For example `{\"$sum\":\"$price\"}` or `{\"$count\":{}}`.";
        let only = value.as_object().filter(|fields| fields.len() == 1);
        let Some((operator, of)) = only.and_then(|fields| fields.iter().next()) else {
            return Err(self
                .takes(name, "one accumulator and nothing else", value)
                .hint(EXAMPLE));
        };
        let here = format!("{name}.{operator}");
        let all = Accumulator::ALL;
        let Some(accumulator) = all.iter().find(|known| known.name() == operator) else {
            let known: Vec<&str> = all.iter().map(|known| known.name()).collect();
            return Err(self
                .wrong(&here, "is no accumulator")
                .hint(hints::unknown(operator, &known)));
        };
        let of = match (accumulator, of) {
            (Accumulator::Count, Value::Object(fields)) if fields.is_empty() => {
                Expression::Literal("1".into())
            }
            (Accumulator::Count, other) => {
                return Err(self
                    .takes(&here, "an empty object", other)
                    .hint("`{\"$count\":{}}` counts rows; `{\"$sum\":\"$n\"}` adds values up."));
            }
            (_, Value::Array(_)) => {
                return Err(self
                    .takes(&here, "one expression", of)
                    .hint("A list as a value is `{\"$literal\":[…]}`."));
            }
            (_, of) => self.expression(&here, of)?,
        };
        Ok(Field {
            name: self.name(name, name)?,
            accumulator: *accumulator,
            of,
        })
    }

    fn project(&self, spec: &Value, key: &str) -> Result<Projection> {
        let mut wanted = Vec::new();
        self.projected("", self.object("", spec)?, &mut wanted)?;
        if wanted.is_empty() {
            return Err(self.wrong("", "takes at least one field"));
        }
        if wanted.len() > SELECT_FIELDS {
            let given = wanted.len();
            let what = format!("takes at most {SELECT_FIELDS} fields, not {given}");
            return Err(self.wrong("", &what));
        }
        // The key goes along with either, so the others decide.
        let mut deciding = wanted.iter().filter(|(path, _)| path != key);
        let first = deciding.next().or_else(|| wanted.first());
        if matches!(first, Some((_, Wanted::Leave))) {
            return self.without(&wanted, key);
        }
        let mut nodes = Vec::new();
        let mut keeps_key = true;
        for (path, wanted) in wanted {
            let part = match wanted {
                Wanted::Keep => Part::Keep,
                Wanted::Compute(expression) => Part::Compute(expression),
                Wanted::Leave if path == key => {
                    keeps_key = false;
                    continue;
                }
                Wanted::Leave => {
                    return Err(self
                        .wrong(
                            &path,
                            "is to be left out, and fields before it are to be kept or computed",
                        )
                        .hint(format!(
                            "Beside these, only the key `{}` can be left out.",
                            inline(key)
                        )));
                }
            };
            let parsed = self.path(&path, &path)?;
            let names: Vec<&str> = parsed.names().collect();
            if !insert(&mut nodes, &names, part) {
                let what = "stands twice, or beside a field around it or in it";
                return Err(self.wrong(&path, what));
            }
        }
        if keeps_key && !nodes.iter().any(|node| *node.name.plain == *key) {
            insert(&mut nodes, &[key], Part::Keep);
        }
        Ok(Projection::With(nodes))
    }

    /// Fields to leave out, as `select` has them.
    fn without(&self, wanted: &[(String, Wanted)], key: &str) -> Result<Projection> {
        let mut fields = Map::new();
        for (path, wanted) in wanted {
            let number = match wanted {
                Wanted::Keep => 1,
                Wanted::Leave => 0,
                Wanted::Compute(_) => {
                    return Err(self
                        .wrong(path, "is computed, and fields before it are to be left out")
                        .hint("Two `$project` one after the other can do both."));
                }
            };
            fields.insert(path.clone(), number.into());
        }
        let select = Select::new(self.option, &fields, key);
        let select = select.map_err(|error| error.about(&self.stage))?;
        Ok(Projection::Without(select))
    }

    /// Takes `{"a":{"b":1}}` for `{"a.b":1}`. As deep as the pipeline's JSON.
    fn projected(
        &self,
        around: &str,
        fields: &Map<String, Value>,
        into: &mut Vec<(String, Wanted)>,
    ) -> Result<()> {
        for (name, value) in fields {
            let path = if around.is_empty() {
                name.clone()
            } else {
                format!("{around}.{name}")
            };
            let wanted = match value {
                Value::Bool(keeps) => match keeps {
                    true => Wanted::Keep,
                    false => Wanted::Leave,
                },
                Value::Number(number) => match number.as_f64() {
                    Some(1.0) => Wanted::Keep,
                    Some(0.0) => Wanted::Leave,
                    _ => {
                        let what =
                            format!("is 1, to keep it, or 0, to leave it out, not `{number}`");
                        let hint = format!("As a value: `{{\"$literal\":{number}}}`.");
                        return Err(self.wrong(&path, &what).hint(hint));
                    }
                },
                Value::Object(inner) if !is_operator(inner) => {
                    if inner.is_empty() {
                        return Err(self
                            .wrong(&path, "is an empty object")
                            .hint("As a value: `{\"$literal\":{}}`."));
                    }
                    self.projected(&path, inner, into)?;
                    continue;
                }
                other => Wanted::Compute(self.expression(&path, other)?),
            };
            into.push((path, wanted));
        }
        Ok(())
    }

    fn unwind(&self, spec: &Value) -> Result<Unwind> {
        let mut unwind = Unwind {
            path: Box::default(),
            index: None,
            keeps_empty: false,
        };
        let path = match spec {
            Value::Object(fields) => {
                const KNOWN: &[&str] = &["path", "includeArrayIndex", "preserveNullAndEmptyArrays"];
                self.only(fields, KNOWN)?;
                match fields.get("includeArrayIndex") {
                    None => {}
                    Some(Value::String(path)) => {
                        unwind.index = Some(self.names("includeArrayIndex", path)?);
                    }
                    Some(other) => {
                        return Err(self.takes("includeArrayIndex", "the name of a field", other));
                    }
                }
                match fields.get("preserveNullAndEmptyArrays") {
                    None => {}
                    Some(Value::Bool(keeps)) => unwind.keeps_empty = *keeps,
                    Some(other) => {
                        let at = "preserveNullAndEmptyArrays";
                        return Err(self.takes(at, "true or false", other));
                    }
                }
                fields.get("path")
            }
            other => Some(other),
        };
        let Some(Value::String(path)) = path else {
            return Err(self.takes(
                "",
                "a field that has a list, like `\"$tags\"`, or an object with `path`",
                spec,
            ));
        };
        let Some(path) = path.strip_prefix('$') else {
            let what = format!(
                "takes a field's path with `$` before it, not `{}`",
                inline(path)
            );
            return Err(self.wrong("", &what).hint("For example `\"$tags\"`."));
        };
        unwind.path = self.names("", path)?;
        Ok(unwind)
    }

    fn lookup(&self, spec: &Value) -> Result<Lookup> {
        const KNOWN: &[&str] = &["from", "localField", "foreignField", "as"];
        let fields = self.object("", spec)?;
        self.only(fields, KNOWN)?;
        let text = |name: &str| {
            match fields.get(name) {
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(other) => Err(self.takes(name, "a name, so a string", other)),
            None => Err(self.wrong("", &format!("has no `{name}`")).hint(
                "For example `{\"from\":\"users\",\"localField\":\"author\",\"foreignField\":\"id\",\"as\":\"author\"}`.",
            )),
        }
        };
        Ok(Lookup {
            from: text("from")?.into(),
            local: self.path("localField", text("localField")?)?,
            foreign: self.path("foreignField", text("foreignField")?)?,
            into: self.names("as", text("as")?)?,
        })
    }

    /// Refuses fields that mean nothing.
    fn only(&self, fields: &Map<String, Value>, known: &[&str]) -> Result<()> {
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(self
                .wrong(name, "is nothing that it takes")
                .hint(hints::unknown(name, known))),
        }
    }

    /// As deep as the pipeline's JSON.
    fn expression(&self, at: &str, value: &Value) -> Result<Expression> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix('$') {
                None => Expression::Literal(value.to_string().into()),
                Some("$ROOT") => Expression::Root,
                Some(other) if other.starts_with('$') => {
                    let shown = inline(text);
                    return Err(self
                        .wrong(at, &format!("knows no variable `{shown}`"))
                        .hint("There is `$$ROOT`, the whole row."));
                }
                Some(path) => Expression::Field(self.names(at, path)?),
            },
            Value::Object(fields) if is_operator(fields) => self.operator(at, fields)?,
            Value::Object(fields) => {
                let mut parts = Vec::with_capacity(fields.len());
                for (name, value) in fields {
                    let here = format!("{at}.{name}");
                    parts.push((self.name(&here, name)?, self.expression(&here, value)?));
                }
                Expression::Object(parts)
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items =
                    items.map(|(index, item)| self.expression(&format!("{at}[{index}]"), item));
                Expression::List(items.collect::<Result<_>>()?)
            }
            literal => Expression::Literal(literal.to_string().into()),
        })
    }

    fn operator(&self, at: &str, fields: &Map<String, Value>) -> Result<Expression> {
        match (fields.len(), fields.get("$literal")) {
            (1, Some(value)) => Ok(Expression::Literal(value.to_string().into())),
            _ => {
                let name = fields.keys().find(|name| *name != "$literal");
                let here = format!("{at}.{}", name.map_or("", String::as_str));
                Err(self.wrong(&here, "cannot stand here").hint(
                    "Expressions are `\"$field\"`, `\"$$ROOT\"`, `{\"$literal\":…}`, values, and objects and lists of these.",
                ))
            }
        }
    }

    fn object<'v>(&self, at: &str, value: &'v Value) -> Result<&'v Map<String, Value>> {
        value
            .as_object()
            .ok_or_else(|| self.takes(at, "an object", value))
    }

    fn number(&self, value: &Value, least: u64) -> Result<usize> {
        // 2.0 is whole, too.
        let float = value.as_f64().filter(|float| float.fract() == 0.0);
        let whole = value
            .as_u64()
            .or_else(|| float.and_then(|float| format!("{float:.0}").parse().ok()));
        match whole.filter(|whole| *whole >= least) {
            Some(whole) => Ok(usize::try_from(whole).unwrap_or(usize::MAX)),
            None => {
                let given = inline(&value.to_string());
                let what = format!("takes a whole number from {least}, not `{given}`");
                Err(self.wrong("", &what))
            }
        }
    }

    /// A field's name: no path.
    fn name(&self, at: &str, name: &str) -> Result<Name> {
        let path = self.path(at, name)?;
        if path.as_field().is_none() {
            return Err(self.wrong(at, "is a name, which has no dots"));
        }
        Ok(Name::new(name))
    }

    fn names(&self, at: &str, path: &str) -> Result<Box<[Name]>> {
        Ok(self.path(at, path)?.names().map(Name::new).collect())
    }

    fn path(&self, at: &str, path: &str) -> Result<Path> {
        Path::parse(path).map_err(|error| {
            let what = format!("has no path in `{}`: {error}", inline(path));
            self.wrong(at, &what)
        })
    }

    fn takes(&self, at: &str, wanted: &str, given: &Value) -> Error {
        let given = kind(given);
        self.wrong(at, &format!("takes {wanted}, not {given}"))
    }

    fn wrong(&self, at: &str, what: &str) -> Error {
        let message = if at.is_empty() {
            format!("it {what}.")
        } else {
            format!("`{}` {what}.", inline(at))
        };
        Error::invalid(self.option, message).about(&self.stage)
    }
}

/// Whether an object is an operator rather than fields.
fn is_operator(fields: &Map<String, Value>) -> bool {
    fields.keys().any(|name| name.starts_with('$'))
}
