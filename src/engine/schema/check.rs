//! Checking a value against a schema.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::budget::{Budget, Exhausted};
use super::node::{ListRules, Logic, Node, NodeId, NumberRules, ObjectRules, StringRules};
use super::number::{Num, is_multiple};
use super::path::Path;
use super::value::{Kinds, View, counted, equal, literal, twins};
use super::{VIOLATIONS, Violation};
use crate::text::inline;

/// How deep checks may nest: documents nest at most 64 levels, and each may take a few subschemas.
/// More would take more stack than a Worker has.
const DEPTH: usize = 320;

/// Checks a value, which is called `root` in what is found, against one of `nodes`.
///
/// # Errors
/// What does not fit, in the order of the value, at most [`VIOLATIONS`].
pub(super) fn check(
    nodes: &[Node],
    id: NodeId,
    value: View<'_>,
    root: &'static str,
) -> Result<(), Vec<Violation>> {
    let mut checker = Checker {
        nodes,
        root,
        budget: Budget::new(value),
        found: Vec::new(),
        is_quiet: false,
        depth: 0,
    };
    let outcome = checker.check(id, value, &Path::ROOT);
    match outcome {
        Ok(true) => Ok(()),
        Err(Exhausted) if checker.found.is_empty() => Err(vec![Violation {
            path: String::new(),
            rule: "budget",
            message: format!(
                "{root} cannot be checked in reasonable time: the schema has too many alternatives and references for it"
            ),
            depth: 0,
        }]),
        Ok(false) | Err(Exhausted) => Err(checker.found),
    }
}

pub(super) struct Checker<'a> {
    pub(super) nodes: &'a [Node],
    pub(super) root: &'static str,
    pub(super) budget: Budget<'a>,
    pub(super) found: Vec<Violation>,
    /// Only whether it fits is asked, not why.
    pub(super) is_quiet: bool,
    depth: usize,
}

type Outcome = Result<bool, Exhausted>;

impl<'a> Checker<'a> {
    pub(super) fn check(&mut self, id: NodeId, value: View<'_>, at: &Path<'_>) -> Outcome {
        let nodes: &'a [Node] = self.nodes;
        let Some(node) = nodes.get(id.0) else {
            return Ok(true);
        };
        self.budget.spend(1)?;
        if self.depth >= DEPTH {
            return Err(Exhausted);
        }
        self.depth += 1;
        let outcome = self.check_node(node, value, at);
        self.depth -= 1;
        outcome
    }

    fn check_node(&mut self, node: &'a Node, value: View<'_>, at: &Path<'_>) -> Outcome {
        if !node.kinds.have(Kinds::of(value)) {
            return Ok(self.wrong_kind(node, value, at));
        }
        let mut fits = self.check_values(node, value, at)?;
        if self.is_done(fits) {
            return Ok(false);
        }
        fits &= match value {
            View::Number(number) => match &node.number {
                Some(rules) => self.check_number(rules, number, at),
                None => true,
            },
            View::String(text) => match &node.string {
                Some(rules) => self.check_string(rules, text, at)?,
                None => true,
            },
            View::List(list) => match &node.list {
                Some(rules) => self.check_list(rules, list, at)?,
                None => true,
            },
            View::Object(map) => match &node.object {
                Some(rules) => self.check_object(rules, map, at)?,
                None => true,
            },
            View::Null | View::Bool(_) => true,
        };
        if let Some(logic) = &node.logic
            && !self.is_done(fits)
        {
            fits &= self.check_logic(logic, value, at)?;
        }
        Ok(fits)
    }

    fn check_values(&mut self, node: &Node, value: View<'_>, at: &Path<'_>) -> Outcome {
        let mut fits = true;
        if let Some(constant) = &node.constant
            && !equal(constant.into(), value, &mut self.budget)?
        {
            let shown = literal(constant);
            fits = self.fail("const", value, at, format_args!("must be {shown}"));
        }
        let Some(values) = &node.values else {
            return Ok(fits);
        };
        for candidate in values {
            if equal(candidate.into(), value, &mut self.budget)? {
                return Ok(fits);
            }
        }
        if self.is_quiet {
            return Ok(false);
        }
        let mut shown: Vec<String> = values.iter().take(10).map(literal).collect();
        if values.len() > shown.len() {
            shown.push(format!("{} more", values.len() - shown.len()));
        }
        let expected = match shown.join(", ") {
            shown if values.len() > 1 => format!("must be one of {shown}"),
            shown if values.len() == 1 => format!("must be {shown}"),
            _ => "has no value that is allowed".to_owned(),
        };
        Ok(self.fail("enum", value, at, format_args!("{expected}")))
    }

    fn check_number(
        &mut self,
        rules: &NumberRules,
        number: &serde_json::Number,
        at: &Path<'_>,
    ) -> bool {
        use Ordering::{Equal, Greater, Less};
        let bounds: [(_, _, _, &[Ordering]); 4] = [
            ("minimum", &rules.minimum, "at least", &[Greater, Equal]),
            ("maximum", &rules.maximum, "at most", &[Less, Equal]),
            (
                "exclusiveMinimum",
                &rules.exclusive_minimum,
                "more than",
                &[Greater],
            ),
            (
                "exclusiveMaximum",
                &rules.exclusive_maximum,
                "less than",
                &[Less],
            ),
        ];
        let value = View::Number(number);
        let mut fits = true;
        for (rule, bound, words, allowed) in bounds {
            if let Some(bound) = bound
                && !allowed.contains(&Num::of(number).compare(Num::of(bound)))
            {
                fits = self.fail(rule, value, at, format_args!("must be {words} {bound}"));
            }
        }
        if let Some(divisor) = &rules.multiple_of
            && !is_multiple(number, divisor)
        {
            let expected = format_args!("must be a multiple of {divisor}");
            fits = self.fail("multipleOf", value, at, expected);
        }
        fits
    }

    fn check_string(&mut self, rules: &StringRules, text: &str, at: &Path<'_>) -> Outcome {
        let value = View::String(text);
        let mut fits = true;
        if rules.min.is_some() || rules.max.is_some() {
            self.budget.spend(text.len() as u64 / 64)?;
            let count = text.chars().count();
            fits &= self.check_count(
                [("minLength", rules.min), ("maxLength", rules.max)],
                (count, "character"),
                value,
                at,
            );
        }
        if let Some(pattern) = &rules.pattern {
            self.budget.spend(pattern.automaton.steps(text))?;
            if !pattern.automaton.is_match(text) {
                let pattern = inline(&pattern.source);
                let expected = format_args!("must match the pattern `{pattern}`");
                fits = self.fail("pattern", value, at, expected);
            }
        }
        if let Some(format) = rules.format {
            self.budget.spend(text.len() as u64 / 16)?;
            if !format.fits(text) {
                let expected = format_args!("must be {}", format.what());
                fits = self.fail("format", value, at, expected);
            }
        }
        Ok(fits)
    }

    /// The least and the greatest count that a value may have of something.
    fn check_count(
        &mut self,
        [(min_rule, min), (max_rule, max)]: [(&'static str, Option<u64>); 2],
        (count, what): (usize, &str),
        value: View<'_>,
        at: &Path<'_>,
    ) -> bool {
        let words = |bound: u64| counted(usize::try_from(bound).unwrap_or(usize::MAX), what);
        let has = format!("has {count}");
        let count = count as u64;
        let (rule, bound, most) = match (min, max) {
            (Some(min), _) if count < min => (min_rule, words(min), "at least"),
            (_, Some(max)) if count > max => (max_rule, words(max), "at most"),
            _ => return true,
        };
        match value {
            View::String(_) => {
                let expected = format_args!("must have {most} {bound} and {has}");
                self.fail(rule, value, at, expected)
            }
            _ => self.fail(rule, value, at, format_args!("must have {most} {bound}")),
        }
    }

    fn check_list(&mut self, rules: &'a ListRules, list: &[Value], at: &Path<'_>) -> Outcome {
        let value = View::List(list);
        let mut fits = self.check_count(
            [("minItems", rules.min), ("maxItems", rules.max)],
            (list.len(), "item"),
            value,
            at,
        );
        if self.is_done(fits) {
            return Ok(false);
        }
        let rest = rules.items.iter().cycle();
        let schemas = rules.first.iter().chain(rest);
        for ((index, item), schema) in list.iter().enumerate().zip(schemas) {
            fits &= self.check(*schema, item.into(), &at.item(index))?;
            if self.is_done(fits) {
                return Ok(false);
            }
        }
        if let Some(schema) = rules.contains {
            let mut count = 0;
            for (index, item) in list.iter().enumerate() {
                count += usize::from(self.fits(schema, item.into(), &at.item(index))?);
            }
            let (min, max) = (rules.min_contains.unwrap_or(1), rules.max_contains);
            if (count as u64) < min || max.is_some_and(|max| count as u64 > max) {
                let bounds = match max {
                    Some(max) if max == min => format!("exactly {min}"),
                    Some(max) => format!("{min} to {max}"),
                    None => format!("at least {min}"),
                };
                let expected = format_args!(
                    "must have {bounds} of the items that `contains` describes and has {count}"
                );
                fits = self.fail("contains", value, at, expected);
            }
        }
        if rules.unique
            && let Some((first, second)) = twins(list, &mut self.budget)?
        {
            let expected = format_args!(
                "must not have the same item twice, as it has at {first} and {second}"
            );
            fits = self.fail("uniqueItems", value, at, expected);
        }
        Ok(fits)
    }

    fn check_object(
        &mut self,
        rules: &'a ObjectRules,
        map: &Map<String, Value>,
        at: &Path<'_>,
    ) -> Outcome {
        let value = View::Object(map);
        let mut fits = self.check_count(
            [("minProperties", rules.min), ("maxProperties", rules.max)],
            (map.len(), "field"),
            value,
            at,
        );
        let mut required = 0;
        for (name, value) in map {
            if self.is_done(fits) {
                return Ok(false);
            }
            self.budget.spend(1)?;
            fits &= self.check_field(rules, name, value, at, &mut required)?;
        }
        if required < rules.required {
            for field in rules.fields.iter().filter(|field| field.required) {
                self.budget.spend(1)?;
                if !map.contains_key(&*field.name) {
                    fits = self.missing("required", at.field(&field.name), "", "");
                }
                if self.is_done(fits) {
                    return Ok(false);
                }
            }
        }
        for (name, others) in &rules.dependent_required {
            self.budget.spend(1 + others.len() as u64)?;
            if !map.contains_key(&**name) {
                continue;
            }
            for other in others.iter().filter(|other| !map.contains_key(&***other)) {
                if !self.is_done(fits) {
                    fits = self.missing(
                        "dependentRequired",
                        at.field(other),
                        " where there is ",
                        name,
                    );
                }
            }
        }
        for (name, schema) in &rules.dependent_schemas {
            self.budget.spend(1)?;
            if !self.is_done(fits) && map.contains_key(&**name) {
                fits &= self.check(*schema, value, at)?;
            }
        }
        Ok(fits)
    }

    fn check_field(
        &mut self,
        rules: &'a ObjectRules,
        name: &str,
        value: &Value,
        at: &Path<'_>,
        required: &mut usize,
    ) -> Outcome {
        let field = rules.field(name);
        let place = at.field(name);
        *required += usize::from(field.is_some_and(|field| field.required));
        let mut fits = true;
        let mut is_known = false;
        if let Some(schema) = field.and_then(|field| field.node) {
            is_known = true;
            fits &= self.check(schema, value.into(), &place)?;
        }
        for (pattern, schema) in &rules.patterns {
            self.budget.spend(1 + pattern.automaton.steps(name))?;
            if pattern.automaton.is_match(name) {
                is_known = true;
                fits &= self.check(*schema, value.into(), &place)?;
            }
        }
        if let Some(schema) = rules.additional
            && !is_known
        {
            let nodes: &'a [Node] = self.nodes;
            if nodes.get(schema.0).is_some_and(Node::is_never) {
                fits = self.unknown(rules, name, value, &place);
            } else {
                fits &= self.check(schema, value.into(), &place)?;
            }
        }
        if let Some(schema) = rules.names {
            fits &= self.check(schema, View::String(name), &at.name(name))?;
        }
        Ok(fits)
    }

    fn check_logic(&mut self, logic: &'a Logic, value: View<'_>, at: &Path<'_>) -> Outcome {
        let mut fits = true;
        for schema in logic.reference.iter().chain(&logic.all) {
            fits &= self.check(*schema, value, at)?;
            if self.is_done(fits) {
                return Ok(false);
            }
        }
        if !logic.any.is_empty() {
            let mut is_found = false;
            for schema in &logic.any {
                is_found = is_found || self.fits(*schema, value, at)?;
            }
            if !is_found {
                let closest = self.closest(&logic.any, value, at);
                let count = logic.any.len();
                let expected = format_args!("must fit one of {count} forms (`anyOf`)");
                fits = self.fail("anyOf", value, at, expected);
                self.add(&closest);
            }
        }
        if !logic.one.is_empty() {
            let mut found = Vec::new();
            for (index, schema) in logic.one.iter().enumerate() {
                if self.fits(*schema, value, at)? {
                    found.push(index + 1);
                }
            }
            let count = logic.one.len();
            match found.as_slice() {
                [_] => {}
                [first, second, ..] => {
                    let expected = format_args!(
                        "must fit exactly one of {count} forms (`oneOf`) and fits number {first} and {second}"
                    );
                    fits = self.fail("oneOf", value, at, expected);
                }
                [] => {
                    let closest = self.closest(&logic.one, value, at);
                    let expected = format_args!("must fit exactly one of {count} forms (`oneOf`)");
                    fits = self.fail("oneOf", value, at, expected);
                    self.add(&closest);
                }
            }
        }
        if let Some(schema) = logic.not
            && self.fits(schema, value, at)?
        {
            fits = self.fail(
                "not",
                value,
                at,
                format_args!("must not fit what `not` describes"),
            );
        }
        if let Some(condition) = &logic.condition {
            let branch = if self.fits(condition.when, value, at)? {
                condition.then
            } else {
                condition.otherwise
            };
            if let Some(schema) = branch {
                fits &= self.check(schema, value, at)?;
            }
        }
        Ok(fits)
    }

    /// Whether it fits, without a word.
    fn fits(&mut self, schema: NodeId, value: View<'_>, at: &Path<'_>) -> Outcome {
        let was_quiet = std::mem::replace(&mut self.is_quiet, true);
        let outcome = self.check(schema, value, at);
        self.is_quiet = was_quiet;
        outcome
    }

    /// Whether nothing that follows can change what is answered.
    fn is_done(&self, fits: bool) -> bool {
        !fits && (self.is_quiet || self.found.len() >= VIOLATIONS)
    }
}
