//! What a check tells of what does not fit.

use std::fmt;

use serde_json::Value;

use super::Violation;
use super::check::Checker;
use super::node::{Node, NodeId, ObjectRules};
use super::path::Path;
use super::value::{Kinds, View, describe};
use crate::text::{inline, nearest};

impl Checker<'_> {
    pub(super) fn wrong_kind(&mut self, node: &Node, value: View<'_>, at: &Path<'_>) -> bool {
        let format = node.string.as_ref().and_then(|rules| rules.format);
        match format {
            _ if node.is_never() => {
                self.fail("false", value, at, format_args!("must not be there"))
            }
            Some(format) if node.kinds == Kinds::STRING => {
                self.fail("type", value, at, format_args!("must be {}", format.what()))
            }
            _ => {
                let kinds = node.kinds.shown();
                self.fail("type", value, at, format_args!("must be {kinds}"))
            }
        }
    }

    /// What the alternative says that went wrong deepest inside, as most likely the one meant.
    pub(super) fn closest(&mut self, schemas: &[NodeId], value: View<'_>, at: &Path<'_>) -> String {
        let mut closest: Option<Violation> = None;
        if self.is_quiet {
            return String::new();
        }
        for schema in schemas.iter().take(10) {
            let before = std::mem::take(&mut self.found);
            // Without budget it is still known that nothing fits.
            let _ = self.check(*schema, value, at);
            let found = std::mem::replace(&mut self.found, before);
            let first = found.into_iter().next();
            let depth = closest.as_ref().map(|violation| violation.depth);
            if first.as_ref().map(|violation| violation.depth) > depth {
                closest = first;
            }
        }
        match closest {
            Some(violation) => format!("; the closest one says: {}", violation.message),
            None => String::new(),
        }
    }

    /// A field that only `additionalProperties: false` knows.
    pub(super) fn unknown(
        &mut self,
        rules: &ObjectRules,
        name: &str,
        value: &Value,
        at: &Path<'_>,
    ) -> bool {
        if self.is_quiet {
            return false;
        }
        let known = rules.fields.iter().filter(|field| field.node.is_some());
        let near = nearest(name, known.map(|field| &*field.name));
        let hint = match near.first() {
            Some(near) => format!(" (is `{}` meant?)", inline(near)),
            None => String::new(),
        };
        let expected = format_args!("is not a field of the schema{hint}");
        self.fail("additionalProperties", value.into(), at, expected)
    }

    pub(super) fn missing(
        &mut self,
        rule: &'static str,
        at: Path<'_>,
        why: &str,
        name: &str,
    ) -> bool {
        if !self.is_quiet {
            let name = if name.is_empty() {
                String::new()
            } else {
                format!("`{}`", inline(name))
            };
            let subject = at.subject(self.root);
            self.found.push(Violation {
                path: at.shown(),
                rule,
                message: format!("{subject} must be there{why}{name}, and is missing"),
                depth: at.depth(),
            });
        }
        false
    }

    /// Notes what a value must be and is not.
    pub(super) fn fail(
        &mut self,
        rule: &'static str,
        value: View<'_>,
        at: &Path<'_>,
        expected: fmt::Arguments<'_>,
    ) -> bool {
        if !self.is_quiet {
            let message = format!(
                "{} {expected}, and is {}",
                at.subject(self.root),
                describe(value)
            );
            self.found.push(Violation {
                path: at.shown(),
                rule,
                message,
                depth: at.depth(),
            });
        }
        false
    }

    /// Adds to what was noted last.
    pub(super) fn add(&mut self, more: &str) {
        if let Some(last) = self.found.last_mut().filter(|_| !self.is_quiet) {
            last.message.push_str(more);
        }
    }
}
