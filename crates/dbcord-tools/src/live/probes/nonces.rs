//! How long Discord remembers a nonce, and where it counts.

use std::time::{Duration, Instant};

use dbcord::discord::{CallError, routes};
use serde_json::json;

use super::{Scratch, said};
use crate::discord::PATIENT;
use crate::interrupt;
use crate::live::facts::Fact;
use crate::live::session::{Session, id_in, id_of};

/// When to ask again, in seconds after the first message.
const LATER_S: [u64; 9] = [0, 30, 60, 120, 300, 600, 900, 1_800, 3_600];

/// A message whose nonce is used again later. Each has its own: asking might prolong it.
struct Seed {
    nonce: String,
    message: u64,
    posted: Instant,
    again_after_s: u64,
}

pub async fn observe(session: &Session, scratch: Scratch, minutes: u64) -> Vec<Fact> {
    let mut facts = vec![
        other_channel(session, scratch).await,
        after_deletion(session, scratch.a).await,
        Fact::new(
            "nonce: on webhooks",
            "not enforced (reported)",
            "not observed: would need Manage Webhooks",
        ),
    ];
    facts.extend(window(session, scratch.b, minutes).await);
    facts
}

async fn other_channel(session: &Session, scratch: Scratch) -> Fact {
    let nonce = session.fresh_nonce();
    let fields = json!({"content": "one nonce, two channels", "nonce": nonce});
    let first = session.post(scratch.a, fields.clone()).await;
    let second = session.post(scratch.b, fields).await;
    let observed = match (first, second) {
        (Ok(first), Ok(second)) if id_of(&first) == id_of(&second) => {
            let at = id_in(&second, "channel_id");
            let place = if at == scratch.a {
                "its own"
            } else {
                "the other"
            };
            format!("the first message comes back, with {place} channel_id")
        }
        (Ok(_), Ok(_)) => "another message".to_owned(),
        (Err(error), _) | (_, Err(error)) => said(&error),
    };
    Fact::new(
        "nonce: again in another channel",
        "the first message comes back, with its own channel_id",
        observed,
    )
}

async fn after_deletion(session: &Session, channel: u64) -> Fact {
    let observed = match delete_and_repeat(session, channel).await {
        Ok(()) => "another message".to_owned(),
        Err(error) => said(&error),
    };
    Fact::new(
        "nonce: again after the message's deletion",
        "HTTP 404, code 10008: Unknown Message",
        observed,
    )
}

async fn delete_and_repeat(session: &Session, channel: u64) -> Result<(), CallError> {
    let fields = json!({"content": "deleted", "nonce": session.fresh_nonce()});
    let message = session.post(channel, fields.clone()).await?;
    let route = routes::delete_message(channel, id_of(&message));
    session.client.delete(&route, PATIENT).await?;
    session.post(channel, fields).await.map(|_| ())
}

async fn window(session: &Session, channel: u64, minutes: u64) -> Vec<Fact> {
    let mut seeds = Vec::new();
    for again_after_s in LATER_S.into_iter().filter(|&s| s <= minutes * 60) {
        let nonce = session.fresh_nonce();
        match session.post(channel, asking(&nonce)).await {
            Ok(message) => seeds.push(Seed {
                nonce,
                message: id_of(&message),
                // Only now: before the answer there may have been a wait for a rate limit.
                posted: Instant::now(),
                again_after_s,
            }),
            Err(error) => return vec![again(again_after_s, said(&error))],
        }
    }
    let mut facts = Vec::new();
    for seed in seeds {
        let due = Duration::from_secs(seed.again_after_s);
        let left = due.saturating_sub(seed.posted.elapsed());
        if left > Duration::from_secs(1) {
            say!("    waiting {} s for a nonce to grow old", left.as_secs());
        }
        session.sleep(left).await;
        if interrupt::requested() {
            break;
        }
        let observed = match session.post(channel, asking(&seed.nonce)).await {
            Ok(message) if id_of(&message) == seed.message => {
                "the first message comes back".to_owned()
            }
            Ok(_) => "another message: forgotten".to_owned(),
            Err(error) => said(&error),
        };
        facts.push(again(seed.again_after_s, observed));
    }
    facts
}

fn asking(nonce: &str) -> serde_json::Value {
    json!({"content": "remember me", "nonce": nonce})
}

fn again(after_s: u64, observed: String) -> Fact {
    let expected = match after_s {
        0..300 => "the first message comes back",
        _ => "unknown: documented are \"the past few minutes\"",
    };
    Fact::new(
        format!("nonce: again after {after_s} s"),
        expected,
        observed,
    )
}
