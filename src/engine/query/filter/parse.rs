//! From the JSON of a query to its conditions.

use serde_json::{Map, Value};

use super::pattern::COMPILED_BYTES;
use super::{
    Comparison, Condition, Effort, Element, FILTER_NESTING, FILTER_OPERATORS, OPERAND_BYTES,
    OPERAND_VALUES, Operand, Operands, Pattern, Test, TextSearch, Types, pattern, text,
};
use crate::engine::document::kind;
use crate::engine::query::hints;
use crate::engine::query::path::Path;
use crate::error::{Error, Result};
use crate::text::inline;

/// What stands where a field's name may stand.
const CONNECTIVES: &[&str] = &["$and", "$or", "$nor", "$text"];

/// What stands below a field's name.
const OPERATORS: &[&str] = &[
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$exists",
    "$contains",
    "$prefix",
    "$regex",
    "$options",
    "$size",
    "$all",
    "$elemMatch",
    "$type",
    "$not",
];

/// A whole query.
pub(super) fn conditions(
    option: &'static str,
    source: &Map<String, Value>,
    effort: &Effort,
) -> Result<Vec<Condition>> {
    Parser::new(option, "", effort).document(source, true)
}

/// What is asked of items, at `place` in the option.
pub(super) fn element(
    option: &'static str,
    place: &str,
    source: &Map<String, Value>,
    effort: &Effort,
) -> Result<Element> {
    Parser::new(option, place, effort).element(source)
}

struct Parser<'a> {
    option: &'static str,
    /// Where in the query it is, as errors name it: `$or[1].age.$gte`.
    place: String,
    nesting: usize,
    operators: usize,
    /// Of all patterns.
    compiled_bytes: usize,
    effort: &'a Effort,
}

impl<'a> Parser<'a> {
    fn new(option: &'static str, place: &str, effort: &'a Effort) -> Parser<'a> {
        Parser {
            option,
            place: place.to_owned(),
            nesting: 0,
            operators: 0,
            compiled_bytes: 0,
            effort,
        }
    }

    /// Conditions on a document. `$text` is about the whole of it, so it is none on an item.
    fn document(&mut self, fields: &Map<String, Value>, is_whole: bool) -> Result<Vec<Condition>> {
        let mut conditions = Vec::new();
        for (name, value) in fields {
            self.inside(name, |parser| {
                parser.count()?;
                match name.as_str() {
                    "$and" => conditions.push(Condition::All(parser.list(value, is_whole)?)),
                    "$or" => conditions.push(Condition::Any(parser.list(value, is_whole)?)),
                    "$nor" => conditions.push(Condition::None(parser.list(value, is_whole)?)),
                    "$text" if is_whole => conditions.push(Condition::Text(parser.text(value)?)),
                    "$text" => {
                        return Err(parser.wrong("looks at whole documents, not at items of lists"));
                    }
                    name if name.starts_with('$') => return Err(parser.no_connective(name)),
                    name => parser.field(name, value, &mut conditions)?,
                }
                Ok(())
            })?;
        }
        Ok(conditions)
    }

    /// What `$and`, `$or` and `$nor` take.
    fn list(&mut self, value: &Value, is_whole: bool) -> Result<Vec<Condition>> {
        let Value::Array(items) = value else {
            let what = kind(value);
            return Err(self
                .wrong(&format!("takes a list of conditions, not {what}"))
                .hint("For example `[{\"a\":1},{\"b\":2}]`."));
        };
        if items.is_empty() {
            return Err(self.wrong("takes a list of at least one condition"));
        }
        self.deeper(|parser| {
            let mut conditions = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                conditions.push(parser.at_index(index, |parser| match item {
                    Value::Object(fields) => {
                        let mut inner = parser.document(fields, is_whole)?;
                        Ok(match inner.pop() {
                            Some(only) if inner.is_empty() => only,
                            Some(last) => {
                                inner.push(last);
                                Condition::All(inner)
                            }
                            None => Condition::All(inner),
                        })
                    }
                    other => {
                        let what = kind(other);
                        Err(parser
                            .wrong(&format!("is a condition, so an object, not {what}"))
                            .hint("For example `{\"a\":1}`."))
                    }
                })?);
            }
            Ok(conditions)
        })
    }

    fn field(&mut self, name: &str, value: &Value, into: &mut Vec<Condition>) -> Result<()> {
        let path =
            Path::parse(name).map_err(|error| self.wrong(&format!("is no path: {error}")))?;
        let tests = match value {
            Value::Object(operators) if self.are_operators(operators)? => self.tests(operators)?,
            value => vec![Test::Compare(Comparison::Equal, self.operand(value)?)],
        };
        for test in tests {
            let path = path.clone();
            into.push(Condition::Field { path, test });
        }
        Ok(())
    }

    /// Whether an object has operators, rather than being a value to compare with.
    fn are_operators(&self, fields: &Map<String, Value>) -> Result<bool> {
        let operators = fields.keys().filter(|name| name.starts_with('$')).count();
        if operators == 0 {
            return Ok(false);
        }
        match fields.keys().find(|name| !name.starts_with('$')) {
            None => Ok(true),
            Some(name) => Err(self
                .wrong(&format!(
                    "mixes operators and fields, like `{}`",
                    inline(name)
                ))
                .hint("Name fields with dots, like `\"address.zip\":{\"$gt\":5}`.")),
        }
    }

    /// Operators below a field's name.
    fn tests(&mut self, operators: &Map<String, Value>) -> Result<Vec<Test>> {
        let mut tests = Vec::new();
        for (name, value) in operators {
            let test = self.inside(name, |parser| {
                parser.count()?;
                parser.operator(name, value, operators)
            })?;
            tests.extend(test);
        }
        Ok(tests)
    }

    fn operator(
        &mut self,
        name: &str,
        value: &Value,
        siblings: &Map<String, Value>,
    ) -> Result<Option<Test>> {
        let compare = |parser: &Parser, comparison| {
            let operand = parser.operand(value)?;
            Ok::<_, Error>(Test::Compare(comparison, operand))
        };
        Ok(Some(match name {
            "$eq" => compare(self, Comparison::Equal)?,
            "$ne" => not(compare(self, Comparison::Equal)?),
            "$gt" => compare(self, Comparison::Greater)?,
            "$gte" => compare(self, Comparison::GreaterOrEqual)?,
            "$lt" => compare(self, Comparison::Less)?,
            "$lte" => compare(self, Comparison::LessOrEqual)?,
            "$in" => Test::In(Operands::new(self.values(value)?)),
            "$nin" => not(Test::In(Operands::new(self.values(value)?))),
            "$exists" => match value {
                Value::Bool(true) => Test::Exists,
                Value::Bool(false) => not(Test::Exists),
                other => return Err(self.takes("true or false", other)),
            },
            "$contains" => Test::Contains(self.operand(value)?),
            "$prefix" => match value {
                Value::String(prefix) => Test::Prefix(prefix.as_str().into()),
                other => return Err(self.takes("a string", other)),
            },
            "$regex" => Test::Regex(self.pattern(value, siblings.get("$options"))?),
            "$options" if siblings.contains_key("$regex") => return Ok(None),
            "$options" => {
                return Err(self.wrong("says how `$regex` is to be read, and there is none"));
            }
            "$size" => Test::Size(self.size(value)?),
            "$all" => self.every(value)?,
            "$elemMatch" => match value {
                Value::Object(fields) => {
                    Test::Element(self.deeper(|parser| parser.element(fields))?)
                }
                other => return Err(self.takes("an object", other)),
            },
            "$type" => Test::Type(self.types(value)?),
            "$not" => match value {
                Value::Object(fields) if !fields.is_empty() && self.are_operators(fields)? => {
                    not(Test::Every(self.deeper(|parser| parser.tests(fields))?))
                }
                other => {
                    let wanted = "an object with at least one operator";
                    let error = match other {
                        Value::Object(_) => self.wrong(&format!("takes {wanted}")),
                        other => self.takes(wanted, other),
                    };
                    return Err(error.hint(
                        "For example `{\"$not\":{\"$gt\":5}}`; for one value there is `$ne`.",
                    ));
                }
            },
            name => return Err(self.no_operator(name)),
        }))
    }

    fn element(&mut self, fields: &Map<String, Value>) -> Result<Element> {
        let is_connective = |name: &String| CONNECTIVES.contains(&name.as_str());
        let first_is_operator = fields
            .keys()
            .next()
            .is_some_and(|name| name.starts_with('$') && !is_connective(name));
        if first_is_operator && self.are_operators(fields)? {
            return Ok(Element::Item(self.tests(fields)?));
        }
        Ok(Element::Document(self.document(fields, false)?))
    }

    /// A value to compare with: any, but for what looks like an operator and would be none.
    fn operand(&self, value: &Value) -> Result<Operand> {
        if let Value::Object(fields) = value
            && let Some(name) = fields.keys().next().filter(|name| name.starts_with('$'))
        {
            let name = inline(name);
            return Err(self.wrong(&format!(
                "takes a value to compare with, not the operator `{name}`"
            )));
        }
        Ok(Operand::new(value))
    }

    /// Values to compare with.
    fn values<'v>(&self, value: &'v Value) -> Result<&'v [Value]> {
        let Value::Array(values) = value else {
            return Err(self
                .takes("a list of values", value)
                .hint("For example `[1,2,3]`."));
        };
        if values.len() > OPERAND_VALUES {
            let given = values.len();
            return Err(self.wrong(&format!(
                "takes at most {OPERAND_VALUES} values, not {given}"
            )));
        }
        for value in values {
            self.operand(value)?;
        }
        Ok(values)
    }

    fn every(&mut self, value: &Value) -> Result<Test> {
        let is_element = |item: &&Value| {
            let first = item.as_object().and_then(|fields| fields.keys().next());
            first.is_some_and(|name| name == "$elemMatch")
        };
        let Value::Array(items) = value else {
            return Err(self.takes("a list of values", value));
        };
        let elements = items.iter().filter(is_element).count();
        if items.is_empty() {
            return Ok(Test::Never);
        }
        if elements == 0 {
            let values = self.values(value)?.iter();
            let equal = |value| Test::Compare(Comparison::Equal, Operand::new(value));
            return Ok(Test::Every(values.map(equal).collect()));
        }
        if elements < items.len() || elements > OPERAND_VALUES {
            return Err(self.wrong(&format!(
                "takes values, or `$elemMatch` in every place, at most {OPERAND_VALUES}"
            )));
        }
        let mut tests = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Value::Object(operators) = item else {
                continue;
            };
            tests.extend(self.at_index(index, |parser| {
                if operators.len() > 1 {
                    return Err(parser.wrong("has more than `$elemMatch`"));
                }
                parser.tests(operators)
            })?);
        }
        Ok(Test::Every(tests))
    }

    fn size(&self, value: &Value) -> Result<u64> {
        let whole = value.as_u64().or_else(|| {
            // 2.0 is whole, too.
            let float = value.as_f64().filter(|float| float.fract() == 0.0)?;
            format!("{float:.0}").parse().ok()
        });
        whole.ok_or_else(|| {
            let given = inline(&value.to_string());
            self.wrong(&format!("takes a whole number from 0, not `{given}`"))
        })
    }

    fn types(&self, value: &Value) -> Result<Types> {
        let names = match value {
            Value::Array(names) if !names.is_empty() => names.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut types = Types::NONE;
        for name in names {
            let Value::String(name) = name else {
                return Err(self.takes("the name of a type, or a list of at least one", name));
            };
            let Some(named) = Types::named(name) else {
                let known: Vec<&str> = Types::names().collect();
                let shown = inline(name);
                return Err(self
                    .wrong(&format!("knows no type `{shown}`"))
                    .hint(hints::unknown(name, &known)));
            };
            types = types.and(named);
        }
        Ok(types)
    }

    fn pattern(&mut self, source: &Value, options: Option<&Value>) -> Result<Pattern> {
        let Value::String(source) = source else {
            return Err(self.takes("a pattern, so a string", source));
        };
        let options = match options {
            None => "",
            Some(Value::String(options)) => options,
            Some(other) => {
                let what = kind(other);
                return Err(self.wrong(&format!("has `$options` that are {what}, not a string")));
            }
        };
        if let Some(unknown) = pattern::unknown_option(options) {
            let unknown = inline(&unknown.to_string());
            return Err(self
                .wrong(&format!("has no option `{unknown}`"))
                .hint("There are `i` (small or capital), `m` (lines), `s` (dot takes line breaks), `x` (space ignored)."));
        }
        self.at_most_bytes(source)?;
        let pattern = Pattern::new(source, options, self.effort).map_err(|error| {
            let has = |any: &[&str]| any.iter().any(|part| source.contains(part));
            let hint = if has(&["(?=", "(?!", "(?<=", "(?<!"]) {
                "Patterns cannot look ahead or behind; `$not` and `$and` can say the same."
            } else if has(&["\\p", "\\P"]) {
                "Patterns know no classes of Unicode: list the characters, as in `[a-zäöüß]`."
            } else if error.contains("backreferences") {
                "Patterns cannot refer back."
            } else if error.contains("size") {
                "Use fewer or smaller repetitions."
            } else {
                "What is meant literally stands behind a backslash, which JSON wants written twice: `\\\\(`."
            };
            self.wrong(&format!("is no pattern: {}", inline(&error)))
                .hint(hint)
        })?;
        self.compiled_bytes += pattern.bytes();
        if self.compiled_bytes > COMPILED_BYTES {
            return Err(self.wrong("is one pattern too many: together they are too large"));
        }
        Ok(pattern)
    }

    fn text(&self, value: &Value) -> Result<TextSearch> {
        let source = match value {
            Value::String(source) => source,
            Value::Object(fields) => match (fields.len(), fields.get("$search")) {
                (1, Some(Value::String(source))) => source,
                _ => return Err(self.wrong("takes one field, `$search`, with the words")),
            },
            other => return Err(self.takes("the words to look for, so a string", other)),
        };
        self.at_most_bytes(source)?;
        let search = TextSearch::parse(source);
        let phrases = search.phrases().len();
        if phrases > text::PHRASES {
            return Err(self.wrong(&format!(
                "takes at most {} phrases, not {phrases}",
                text::PHRASES
            )));
        }
        if search.is_empty() {
            let given = inline(source);
            return Err(self.wrong(&format!(
                "needs a word or a \"phrase\" to look for; `{given}` has none"
            )));
        }
        Ok(search)
    }

    fn at_most_bytes(&self, text: &str) -> Result<()> {
        if text.len() <= OPERAND_BYTES {
            return Ok(());
        }
        let given = text.len();
        Err(self.wrong(&format!("takes at most {OPERAND_BYTES} bytes, not {given}")))
    }

    fn no_connective(&self, name: &str) -> Error {
        let error = self.wrong("is no operator that can stand here");
        if OPERATORS.contains(&name) {
            return error.hint(format!(
                "`{name}` stands below a field, like `{{\"age\":{{\"{name}\":…}}}}`."
            ));
        }
        error.hint(hints::unknown(name, CONNECTIVES))
    }

    fn no_operator(&self, name: &str) -> Error {
        let error = self.wrong("is no operator on a field");
        if CONNECTIVES.contains(&name) {
            return error.hint(format!(
                "`{name}` stands beside fields, not below one, like `{{\"{name}\":…}}`."
            ));
        }
        error.hint(hints::unknown(name, OPERATORS))
    }

    fn takes(&self, wanted: &str, given: &Value) -> Error {
        let given = kind(given);
        self.wrong(&format!("takes {wanted}, not {given}"))
    }

    fn wrong(&self, what: &str) -> Error {
        let place = if self.place.is_empty() {
            "the query".to_owned()
        } else {
            format!("`{}`", inline(&self.place))
        };
        Error::invalid(self.option, format!("{place} {what}."))
    }

    fn count(&mut self) -> Result<()> {
        self.operators += 1;
        if self.operators <= FILTER_OPERATORS {
            return Ok(());
        }
        let message = format!("a query has at most {FILTER_OPERATORS} conditions and operators.");
        Err(Error::invalid(self.option, message)
            .hint("Many values of one field go into one `$in`."))
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Parser<'a>) -> Result<T>) -> Result<T> {
        if self.nesting == FILTER_NESTING {
            return Err(self.wrong(&format!("nests deeper than {FILTER_NESTING} operators")));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    fn inside<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&mut Parser<'a>) -> Result<T>,
    ) -> Result<T> {
        let dot = if self.place.is_empty() { "" } else { "." };
        let name = if name.is_empty() { "\"\"" } else { name };
        self.at(&format!("{dot}{name}"), parse)
    }

    fn at_index<T>(
        &mut self,
        index: usize,
        parse: impl FnOnce(&mut Parser<'a>) -> Result<T>,
    ) -> Result<T> {
        self.at(&format!("[{index}]"), parse)
    }

    fn at<T>(&mut self, part: &str, parse: impl FnOnce(&mut Parser<'a>) -> Result<T>) -> Result<T> {
        let length = self.place.len();
        self.place.push_str(part);
        let result = parse(self);
        self.place.truncate(length);
        result
    }
}

fn not(test: Test) -> Test {
    Test::Not(Box::new(test))
}
