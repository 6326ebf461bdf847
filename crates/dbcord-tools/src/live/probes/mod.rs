//! The probes: a handful of requests each, in two scratch channels of this run.

mod attachments;
mod content;
mod deletion;
mod edits;
mod nonces;
mod rate_limits;
mod search;

use dbcord::discord::model::{Channel, MEMBER_OVERWRITE, ROLE_OVERWRITE, TEXT_CHANNEL};
use dbcord::discord::permissions::{OWN, VIEW_CHANNEL};
use dbcord::discord::{CallError, routes};
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::facts::Fact;
use super::session::Session;
use crate::discord::PATIENT;
use crate::interrupt;

/// How the topic of a scratch channel begins, by which a later run finds one that was kept.
const SCRATCH_MARK: &str = "dbcord-live:1:scratch:";

/// Where the probes may write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scratch {
    pub a: u64,
    pub b: u64,
}

/// All observations, in the order in which they are shown.
pub async fn run(session: &Session, category: Option<u64>, arguments: &Arguments) -> Vec<Fact> {
    let scratch = match make_scratch(session, category).await {
        Ok(scratch) => scratch,
        Err(error) => {
            say!("  no channels to probe in: {error}");
            return Vec::new();
        }
    };
    session.host.set_quiet(true);
    let mut facts = Vec::new();
    let next = |name: &str| {
        say!("  {name}");
        !interrupt::requested()
    };
    // Each in a window of its own first; what the other probes add comes from the journal.
    if next("rate limits") {
        facts.extend(rate_limits::observe(session, scratch).await);
    }
    if next("content") {
        facts.extend(content::observe(session, scratch).await);
    }
    if next("attachments") {
        facts.extend(attachments::observe(session, scratch).await);
    }
    if next("deletion") {
        facts.extend(deletion::observe(session, scratch).await);
    }
    if next("edits of old messages") {
        facts.extend(edits::observe(session).await);
    }
    if next("search") {
        facts.extend(search::observe(session, scratch, arguments.quick).await);
    }
    if next("nonces") {
        let minutes = if arguments.quick {
            0
        } else {
            arguments.nonce_minutes
        };
        facts.extend(nonces::observe(session, scratch, minutes).await);
    }
    facts.splice(0..0, rate_limits::learned(&session.host.journal()));
    session.host.set_quiet(false);
    facts
}

async fn make_scratch(session: &Session, category: Option<u64>) -> Result<Scratch, CallError> {
    let mut ids = [0; 2];
    for (id, name) in ids.iter_mut().zip(["live-probe-a", "live-probe-b"]) {
        let route = routes::create_channel(session.guild);
        let body = scratch_channel(session, name, category);
        let made: Channel = session.client.send(&route, &body, &[], PATIENT).await?;
        *id = made.id;
    }
    Ok(Scratch {
        a: ids[0],
        b: ids[1],
    })
}

/// Out of everyone's sight: what the probes post is of no use to people.
fn scratch_channel(session: &Session, name: &str, category: Option<u64>) -> Value {
    let (everyone, me) = (session.guild.to_string(), session.me.to_string());
    json!({
        "name": name,
        "type": TEXT_CHANNEL,
        "topic": format!("{SCRATCH_MARK}{} · made by dbcord-live; can be deleted", session.run),
        "parent_id": category.map(|id| id.to_string()),
        "permission_overwrites": [
            { "id": everyone, "type": ROLE_OVERWRITE, "allow": "0", "deny": VIEW_CHANNEL.to_string() },
            { "id": me, "type": MEMBER_OVERWRITE, "allow": OWN.to_string(), "deny": "0" },
        ],
    })
}

/// A refusal as an observation.
fn said(error: &CallError) -> String {
    match error {
        CallError::Refused {
            status,
            code,
            message,
        } => format!("HTTP {status}, code {code}: {message}"),
        other => other.to_string(),
    }
}

/// Milliseconds as seconds, with no more digits than needed.
fn seconds(ms: u64) -> String {
    if ms.is_multiple_of(1_000) {
        format!("{} s", ms / 1_000)
    } else {
        format!("{:.1} s", ms as f64 / 1_000.0)
    }
}
