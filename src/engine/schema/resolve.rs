//! `$ref`: finding what it names, and that no schema goes round in a circle without coming closer
//! to an end.

use super::IN_PLACE;
use super::node::{Node, NodeId};
use crate::error::{Error, ErrorKind, Result};
use crate::text::{fixed_hex, inline, nearest};

/// A `$ref` whose target was not known yet.
pub(super) struct Pending {
    pub(super) id: NodeId,
    /// As it was given.
    pub(super) target: String,
    /// Where it stands, as an error shows it.
    pub(super) at: String,
}

/// Sets every reference. `places` are the targets there are, without `#`.
///
/// # Errors
/// Names the reference that leads nowhere, out of the schema, or into a circle.
pub(super) fn resolve(
    option: &'static str,
    nodes: &mut [Node],
    places: &[(String, NodeId)],
    pending: &[Pending],
) -> Result<()> {
    if pending.is_empty() {
        return check_chains(option, nodes);
    }
    for Pending { id, target, at } in pending {
        let shown = inline(target);
        let Some(fragment) = target.strip_prefix('#') else {
            let message = format!("`{at}` is `{shown}`, which is outside of this schema.");
            let hint = "Only references within a schema are supported: put it into `$defs` and name it `#/$defs/…`.";
            return Err(Error::invalid(option, message).hint(hint));
        };
        let fragment = percent_decoded(fragment);
        // One by one: there are at most as many as subschemas, and sorting them is more code.
        let found = places.iter().find(|place| place.0 == fragment);
        let Some((_, found)) = found else {
            let error = Error::invalid(
                option,
                format!("`{at}` is `{shown}`, and there is no such subschema."),
            );
            let defs = places.iter().filter_map(|(place, _)| {
                place
                    .strip_prefix("/$defs/")
                    .filter(|name| !name.contains('/'))
            });
            let wanted = fragment.rsplit('/').next().unwrap_or_default();
            let near = nearest(wanted, defs);
            return Err(match near.first() {
                Some(name) => error.hint(format!("Did you mean `#/$defs/{}`?", inline(name))),
                None => error.hint("Definitions stand in `$defs`: `{\"$defs\": {\"address\": {…}}}` and `{\"$ref\": \"#/$defs/address\"}`."),
            });
        };
        if let Some(node) = nodes.get_mut(id.0) {
            node.logic.get_or_insert_default().reference = Some(*found);
        }
    }
    check_chains(option, nodes)
}

/// A fragment's `%25` and the like; what is no escape stays.
fn percent_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or(("", part));
        match fixed_hex(code, 2).map(u8::try_from) {
            Some(Ok(byte)) => bytes.push(byte),
            _ => {
                bytes.push(b'%');
                bytes.extend(code.bytes());
            }
        }
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Refuses subschemas that are checked on the same value without end, or in too long a chain.
fn check_chains(option: &'static str, nodes: &[Node]) -> Result<()> {
    let mut chains = Chains {
        nodes,
        lengths: vec![None; nodes.len()],
    };
    for id in 0..nodes.len() {
        match chains.length(NodeId(id), 0) {
            Ok(_) => {}
            Err(Chain::Circle) => {
                let message = "a `$ref` leads back to itself on the same value, so that checking would never end.";
                return Err(Error::invalid(option, message).hint(
                    "A schema may name itself only further inside, as in `properties` or `items`.",
                ));
            }
            Err(Chain::TooLong) => {
                let message =
                    format!("more than {IN_PLACE} subschemas apply to one value in a chain.");
                return Err(Error::new(ErrorKind::TooLarge, message)
                    .option(option)
                    .hint("Nest `allOf`, `anyOf`, `oneOf`, `not` and `$ref` less deeply."));
            }
        }
    }
    Ok(())
}

enum Chain {
    Circle,
    TooLong,
}

struct Chains<'a> {
    nodes: &'a [Node],
    /// How long the longest chain from a node is; 0 while it is being looked at.
    lengths: Vec<Option<usize>>,
}

impl Chains<'_> {
    fn length(&mut self, id: NodeId, depth: usize) -> Result<usize, Chain> {
        match self.lengths.get(id.0) {
            Some(Some(0)) => return Err(Chain::Circle),
            Some(Some(length)) => return Ok(*length),
            _ if depth > IN_PLACE => return Err(Chain::TooLong),
            _ => {}
        }
        self.set(id, 0);
        let mut longest = 0;
        let inner = self.nodes.get(id.0).map(Node::in_place).unwrap_or_default();
        for inner in inner {
            longest = longest.max(self.length(inner, depth + 1)?);
        }
        if longest >= IN_PLACE {
            return Err(Chain::TooLong);
        }
        self.set(id, longest + 1);
        Ok(longest + 1)
    }

    fn set(&mut self, id: NodeId, length: usize) {
        if let Some(slot) = self.lengths.get_mut(id.0) {
            *slot = Some(length);
        }
    }
}
