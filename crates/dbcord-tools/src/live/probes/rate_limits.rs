//! Rate limits, as headers announce them - and one that no header announces.

use dbcord::discord::routes;
use http::Method;
use serde_json::{Value, json};

use super::{Scratch, said, seconds};
use crate::discord::{PATIENT, route};
use crate::journal::{Bucket, Journal, Quota};
use crate::live::facts::Fact;
use crate::live::session::{ONCE, Session, edit, id_of};

const MESSAGES: &str = "/channels/{}/messages";
const MESSAGE: &str = "/channels/{}/messages/{}";
const CHANNEL: &str = "/channels/{}";
const CHANNELS: &str = "/guilds/{}/channels";
/// Reported are two in ten minutes; one more tells.
const TOPIC_EDITS: usize = 3;

/// Buckets that this run learned from headers.
pub fn learned(journal: &Journal) -> Vec<Fact> {
    let routes = [
        (
            "create message",
            Method::POST,
            MESSAGES,
            "5 / 5 s (reported)",
        ),
        ("edit message", Method::PATCH, MESSAGE, "5 / 5 s (reported)"),
        (
            "delete fresh message",
            Method::DELETE,
            MESSAGE,
            "3 / 1 s (reported)",
        ),
        ("list messages", Method::GET, MESSAGES, "unknown"),
        ("create channel", Method::POST, CHANNELS, "unknown"),
        ("edit channel", Method::PATCH, CHANNEL, "unknown"),
    ];
    let mut facts: Vec<Fact> = routes
        .iter()
        .map(|(name, method, template, expected)| {
            let observed = bucket(journal.bucket(method, template).as_ref());
            Fact::new(format!("limit: {name}"), *expected, observed)
        })
        .collect();
    let hash = |method| journal.bucket(&method, MESSAGES).and_then(|b| b.hash);
    let edits = journal.bucket(&Method::PATCH, MESSAGE).and_then(|b| b.hash);
    facts.push(Fact::new(
        "limit: create and edit share a hash",
        "yes (reported)",
        match (hash(Method::POST), edits) {
            (Some(create), Some(edit)) if create == edit => "yes",
            (Some(_), Some(_)) => "no",
            _ => "no hash seen",
        },
    ));
    let headers: Vec<&str> = journal.limit_headers().into_iter().collect();
    facts.push(Fact::new(
        "limit: headers seen",
        "x-ratelimit-limit, -remaining, -reset, -reset-after, -bucket",
        if headers.is_empty() {
            "none".to_owned()
        } else {
            headers.join(", ")
        },
    ));
    facts
}

fn bucket(bucket: Option<&Bucket>) -> String {
    match bucket {
        None => "no headers".to_owned(),
        Some(bucket) => format!(
            "{} / {}, bucket {}",
            bucket.limit,
            seconds(bucket.window_ms),
            bucket.hash.as_deref().map_or("unnamed", short)
        ),
    }
}

fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

/// Makes requests whose headers tell, and edits a topic until that is refused.
pub async fn observe(session: &Session, scratch: Scratch) -> Vec<Fact> {
    vec![
        across_channels(session, scratch).await,
        topic_edits(session, scratch.b).await,
    ]
}

/// Two messages in one channel, then one in the other: is it the same bucket?
async fn across_channels(session: &Session, scratch: Scratch) -> Fact {
    let mut quotas = Vec::new();
    for channel in [scratch.a, scratch.a, scratch.b] {
        let before = session.host.journal().len();
        let posted = session.post(channel, json!({"content": "counting"})).await;
        let posted = match posted {
            Ok(message) => message,
            Err(error) => return across(format!("not observed: {}", said(&error))),
        };
        quotas.push(quota_since(session, before));
        if quotas.len() == 1 {
            // For the edit's own headers; whether it works is not in question.
            let route = routes::edit_message(channel, id_of(&posted));
            let body = edit("counting edits");
            let _ = session
                .client
                .send::<Value>(&route, &body, &[], PATIENT)
                .await;
        }
    }
    let [_, Some(second), Some(other)] = quotas.as_slice() else {
        return across("not observed: no headers".to_owned());
    };
    let hash = if second.hash == other.hash {
        "same hash"
    } else {
        "different hashes"
    };
    let counted = if other.remaining > second.remaining {
        "counted apart"
    } else {
        "counted together"
    };
    across(format!(
        "{hash}, {counted} ({} left after two, {} left in the other channel)",
        second.remaining, other.remaining
    ))
}

fn quota_since(session: &Session, before: usize) -> Option<Quota> {
    let journal = session.host.journal();
    journal.answer_since(before)?.quota.clone()
}

fn across(observed: String) -> Fact {
    Fact::new(
        "limit: create message in two channels",
        "same hash, counted apart",
        observed,
    )
}

async fn topic_edits(session: &Session, channel: u64) -> Fact {
    let (mut passed, mut end) = (0, String::new());
    for n in 1..=TOPIC_EDITS {
        let body = json!({"topic": format!("{}{} · edit {n}", super::SCRATCH_MARK, session.run)});
        let path = format!("/channels/{channel}");
        let route = route(Method::PATCH, CHANNEL, channel, path);
        let before = session.host.journal().len();
        let edited = session.client.send::<Value>(&route, &body, &[], ONCE).await;
        match edited {
            Ok(_) => passed += 1,
            Err(error) => {
                end = refusal(&session.host.journal(), before).unwrap_or_else(|| said(&error));
                break;
            }
        }
    }
    let observed = if end.is_empty() {
        format!("{passed} at once are let through")
    } else {
        format!("{passed} passed, then {end}")
    };
    Fact::new("limit: topic edits", "2 / 10 min (reported)", observed)
}

/// The refusal in the answers after the first `before`.
pub(super) fn refusal(journal: &Journal, before: usize) -> Option<String> {
    let answer = journal
        .answer_since(before)
        .filter(|answer| answer.status >= 400)?;
    let mut told = format!("HTTP {}", answer.status);
    if let Some(code) = answer.code.filter(|&code| code > 0) {
        told.push_str(&format!(", code {code}"));
    }
    if let Some(scope) = &answer.scope {
        told.push_str(&format!(", scope {scope}"));
    }
    if let Some(ms) = answer.retry_after_ms {
        told.push_str(&format!(", again after {}", seconds(ms)));
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_told_in_one_phrase() {
        let seen = Bucket {
            hash: Some("0123456789".to_owned()),
            limit: 5,
            window_ms: 4_950,
        };
        assert_eq!(bucket(Some(&seen)), "5 / 5.0 s, bucket 01234567");
        assert_eq!(bucket(None), "no headers");
    }

    #[test]
    fn without_requests_nothing_is_claimed() {
        let facts = learned(&Journal::default());
        assert!(
            facts.iter().all(|fact| fact.observed.starts_with("no")),
            "{facts:?}"
        );
    }
}
