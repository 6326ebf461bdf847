//! Message text: what Discord takes out of it, and whom it mentions.

use serde_json::Value;

use super::super::guild::User;
use super::super::id::Id;
use crate::core::form::Form;

/// Longest content, in UTF-16 code units.
pub(crate) const CONTENT_MAX: usize = 2_000;

/// Content as Discord stores it.
///
/// The docs promise only that "certain characters" may go ("Create Message", warning at the top). Taken out here:
/// white space at both ends, control characters but tab and line feed, bidirectional overrides, and code points that are
/// no characters. Text meant to come back as it was sent must do without all of these.
pub(crate) fn clean(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !is_stripped(*c)).collect();
    kept.trim().to_owned()
}

fn is_stripped(c: char) -> bool {
    let control = c.is_control() && c != '\n' && c != '\t';
    let bidi = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let not_a_character = matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}')
        || (c as u32) & 0xfffe == 0xfffe;
    control || bidi || not_a_character
}

/// Whom a message mentions, after allowed mentions were applied.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mentions {
    pub(crate) users: Vec<User>,
    pub(crate) roles: Vec<Id>,
    pub(crate) everyone: bool,
}

/// The `allowed_mentions` of a request. Absent means that everything mentioned is meant.
#[derive(Clone, Debug)]
pub(crate) struct AllowedMentions {
    parse_users: bool,
    parse_roles: bool,
    parse_everyone: bool,
    users: Vec<Id>,
    roles: Vec<Id>,
}

impl Default for AllowedMentions {
    fn default() -> Self {
        AllowedMentions {
            parse_users: true,
            parse_roles: true,
            parse_everyone: true,
            users: vec![],
            roles: vec![],
        }
    }
}

impl AllowedMentions {
    /// Reads the object (docs `resources/message`, "Allowed Mentions Object"). Naming users or roles while also
    /// parsing all of them contradicts itself and is refused.
    pub(crate) fn read(mut form: Form<'_>) -> AllowedMentions {
        let mut allowed = AllowedMentions {
            parse_users: false,
            parse_roles: false,
            parse_everyone: false,
            users: form.snowflakes("users", 100).unwrap_or_default(),
            roles: form.snowflakes("roles", 100).unwrap_or_default(),
        };
        for (n, kind) in form
            .list("parse", 1_521)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            match kind.as_str() {
                Some("users") => allowed.parse_users = true,
                Some("roles") => allowed.parse_roles = true,
                Some("everyone") => allowed.parse_everyone = true,
                _ => {
                    let mut path = form.path("parse");
                    path.push(n.to_string());
                    let message = "Value must be one of ('roles', 'users', 'everyone').";
                    form.errors.add(&path, "BASE_TYPE_CHOICES", message);
                }
            }
        }
        for (field, parse, named) in [
            ("users", allowed.parse_users, !allowed.users.is_empty()),
            ("roles", allowed.parse_roles, !allowed.roles.is_empty()),
        ] {
            if parse && named {
                let message =
                    format!("parse:[\"{field}\"] and {field}: [ids...] are mutually exclusive.");
                form.fail(field, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message);
            }
        }
        form.boolean("replied_user");
        allowed
    }

    /// What `content` mentions, as far as allowed. `everyone` says whether the author may ping all.
    pub(crate) fn apply<'a>(
        &self,
        content: &str,
        user: impl Fn(Id) -> Option<&'a User>,
        role: impl Fn(Id) -> bool,
        everyone: bool,
    ) -> Mentions {
        let mut mentions = Mentions {
            everyone: everyone
                && self.parse_everyone
                && (content.contains("@everyone") || content.contains("@here")),
            ..Mentions::default()
        };
        for piece in content.split("<@").skip(1) {
            let Some((inner, _)) = piece.split_once('>') else {
                continue;
            };
            if let Some(id) = inner.strip_prefix('&').and_then(|id| id.parse().ok()) {
                if role(id)
                    && (self.parse_roles || self.roles.contains(&id))
                    && !mentions.roles.contains(&id)
                {
                    mentions.roles.push(id);
                }
            } else if let Ok(id) = inner.strip_prefix('!').unwrap_or(inner).parse::<Id>() {
                let known = mentions.users.iter().any(|user| user.id == id);
                if let Some(user) =
                    user(id).filter(|_| self.parse_users || self.users.contains(&id))
                    && !known
                {
                    mentions.users.push(user.clone());
                }
            }
        }
        mentions
    }
}

/// A nonce as sent: a string of at most 25 characters or a 64-bit integer.
pub(crate) fn read_nonce(form: &mut Form<'_>) -> Option<Value> {
    match form.raw("nonce")? {
        Value::String(_) => form
            .string("nonce", 0, super::nonce::NONCE_MAX)
            .map(Value::String),
        _ => form.integer("nonce", i64::MIN, i64::MAX).map(Value::from),
    }
}
