//! Discord's routes: which request goes where, under which limit.
//!
//! One file per top-level resource, each with its table. What is in no table is answered 404, as Discord does.

mod applications;
pub(crate) mod cdn;
mod channels;
mod commands;
mod guilds;
mod interactions;
mod messages;
mod overwrites;
mod pins;
mod roles;
mod search;
mod threads;
mod users;
mod webhooks;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::core::Discord;
use crate::core::body::Body;
use crate::core::error::{ApiError, ApiResult, form_error};
use crate::core::handle::Bend;
use crate::core::id::Id;
use crate::core::ratelimit::Rule;
use crate::core::time::parse_iso8601;

pub(crate) type Handler = fn(&mut Discord, &Call) -> ApiResult<Reply>;

/// A route: method, path with `{parameters}`, and what serves it.
pub(crate) struct Entry {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) handler: Handler,
    rule: Rule,
    /// A rule that takes the request into account.
    rule_for: Option<fn(&Discord, u64, &Matched) -> Rule>,
    /// An interaction endpoint: authorised by the token in its path, outside the global limit.
    pub(crate) interaction: bool,
}

impl Entry {
    const fn new(method: Method, path: &'static str, handler: Handler, rule: Rule) -> Entry {
        Entry {
            method,
            path,
            handler,
            rule,
            rule_for: None,
            interaction: false,
        }
    }

    const fn interaction(
        method: Method,
        path: &'static str,
        handler: Handler,
        rule: Rule,
    ) -> Entry {
        Entry {
            method,
            path,
            handler,
            rule,
            rule_for: None,
            interaction: true,
        }
    }

    pub(crate) fn rule(&self, discord: &Discord, now: u64, matched: &Matched) -> Rule {
        self.rule_for
            .map_or(self.rule, |rule| rule(discord, now, matched))
    }
}

/// `limit` requests in `window_ms` milliseconds.
const fn rule(name: &'static str, limit: u32, window_ms: u64) -> Rule {
    Rule {
        name,
        limit,
        window_ms,
    }
}

fn tables() -> impl Iterator<Item = &'static Entry> {
    [
        users::ROUTES,
        applications::ROUTES,
        commands::ROUTES,
        guilds::ROUTES,
        roles::ROUTES,
        search::ROUTES,
        channels::ROUTES,
        overwrites::ROUTES,
        pins::ROUTES,
        messages::ROUTES,
        threads::ROUTES,
        interactions::ROUTES,
        webhooks::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// A route that fits a request.
pub(crate) struct Matched {
    pub(crate) entry: &'static Entry,
    params: Vec<(&'static str, String)>,
}

impl Matched {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// The top-level resource that the limit is counted for: channel, guild, or webhook with token.
    pub(crate) fn resource(&self) -> String {
        ["channel_id", "guild_id", "webhook_id", "webhook_token"]
            .map(|name| self.param(name))
            .join("/")
    }
}

/// The route for a path without prefix: 405 where only the method is wrong, 404 where nothing fits.
pub(crate) fn find(method: &Method, path: &str) -> ApiResult<Matched> {
    let mut wrong_method = false;
    for entry in tables() {
        let Some(params) = fit(entry.path, path) else {
            continue;
        };
        if entry.method == *method {
            return Ok(Matched { entry, params });
        }
        wrong_method = true;
    }
    Err(if wrong_method {
        ApiError::method_not_allowed()
    } else {
        ApiError::no_such_route()
    })
}

fn fit(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut params = Vec::new();
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        let given = given.next()?;
        match wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(name) if !given.is_empty() && !given.starts_with('@') => {
                params.push((
                    name,
                    percent_decode_str(given).decode_utf8_lossy().into_owned(),
                ));
            }
            Some(_) => return None,
            None if wanted == percent_decode_str(given).decode_utf8_lossy() => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(params)
}

/// A request on its way to its handler.
pub(crate) struct Call {
    /// Unix milliseconds.
    pub(crate) now: u64,
    /// The user who acts: the bot, or the person of [`Discord::act_as`].
    pub(crate) actor: Id,
    pub(crate) body: Body,
    pub(crate) bend: Bend,
    matched: Matched,
    query: Vec<(String, String)>,
}

impl Call {
    pub(crate) fn new(now: u64, actor: Id, matched: Matched, query: &str, body: Body) -> Call {
        let query = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        Call {
            now,
            actor,
            bend: Bend::default(),
            matched,
            query,
            body,
        }
    }

    pub(crate) fn handler(&self) -> Handler {
        self.matched.entry.handler
    }

    /// An id from the path.
    fn id(&self, name: &str) -> ApiResult<Id> {
        parse_id(name, self.matched.param(name))
    }

    fn text(&self, name: &str) -> &str {
        self.matched.param(name)
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn query_id(&self, name: &str) -> ApiResult<Option<Id>> {
        self.query(name)
            .map(|text| parse_id(name, text))
            .transpose()
    }

    /// A whole number in the query, within limits.
    fn query_int(&self, name: &str, min: i64, max: i64) -> ApiResult<Option<usize>> {
        let Some(text) = self.query(name) else {
            return Ok(None);
        };
        let (code, message) = match text.parse::<i64>() {
            Err(_) => (
                "NUMBER_TYPE_COERCE",
                format!("Value \"{}\" is not int.", shown(text)),
            ),
            Ok(n) if n < min => (
                "NUMBER_TYPE_MIN",
                format!("int value should be greater than or equal to {min}."),
            ),
            Ok(n) if n > max => (
                "NUMBER_TYPE_MAX",
                format!("int value should be less than or equal to {max}."),
            ),
            Ok(n) => return Ok(usize::try_from(n).ok()),
        };
        Err(form_error(&[name], code, message))
    }

    /// A date and time in the query, in Unix milliseconds.
    fn query_time(&self, name: &str) -> ApiResult<Option<u64>> {
        let Some(text) = self.query(name) else {
            return Ok(None);
        };
        match parse_iso8601(text) {
            Some(ms) => Ok(Some(ms)),
            None => Err(form_error(
                &[name],
                "DATE_TIME_TYPE_PARSE",
                format!("Could not parse {}. Should be ISO8601.", shown(text)),
            )),
        }
    }

    /// Booleans in queries: docs `reference`, "Boolean Query Strings".
    fn query_flag(&self, name: &str) -> ApiResult<bool> {
        match self.query(name) {
            None | Some("false" | "False" | "0") => Ok(false),
            Some("true" | "True" | "1") => Ok(true),
            Some(_) => Err(form_error(
                &[name],
                "BOOLEAN_TYPE_CONVERT",
                "Must be either true or false.",
            )),
        }
    }
}

fn parse_id(name: &str, text: &str) -> ApiResult<Id> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let wrong = || format!("Value \"{}\" is not snowflake.", shown(text));
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| form_error(&[name], "NUMBER_TYPE_COERCE", wrong()))
}

/// As much of a value as an error message repeats.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// A handler's answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<Value>,
}

impl Reply {
    fn ok(body: Value) -> ApiResult<Reply> {
        Ok(Reply {
            status: StatusCode::OK,
            body: Some(body),
        })
    }

    fn created(body: Value) -> ApiResult<Reply> {
        Ok(Reply {
            status: StatusCode::CREATED,
            body: Some(body),
        })
    }

    fn no_content() -> ApiResult<Reply> {
        Ok(Reply {
            status: StatusCode::NO_CONTENT,
            body: None,
        })
    }
}
