//! Deleting messages: one by one, and in bulk.

use dbcord::discord::CallError;
use dbcord::discord::routes::{self, Route};
use http::Method;
use serde_json::{Value, json};

use super::{Scratch, said};
use crate::discord::{ID_TIME_SHIFT, PATIENT, route};
use crate::live::facts::Fact;
use crate::live::session::{ONCE, Session, id_of};

const FIFTEEN_DAYS_MS: u64 = 15 * 24 * 60 * 60 * 1_000;

pub async fn observe(session: &Session, scratch: Scratch) -> Vec<Fact> {
    let mut ids = Vec::new();
    for n in 0..4 {
        match session
            .post(scratch.b, json!({"content": format!("to be deleted {n}")}))
            .await
        {
            Ok(message) => ids.push(id_of(&message)),
            Err(error) => {
                return vec![Fact::new("deletion", "possible", said(&error))];
            }
        }
    }
    let single = session
        .client
        .delete(&routes::delete_message(scratch.b, ids[0]), PATIENT)
        .await;
    let fact = |what: &str, expected: &str, observed: String| {
        Fact::new(format!("deletion: {what}"), expected, observed)
    };
    let old = ids[0].saturating_sub(FIFTEEN_DAYS_MS << ID_TIME_SHIFT);
    vec![
        fact("own message", "no error", result(&single)),
        fact(
            "bulk, two fresh",
            "no error",
            bulk(session, scratch.b, &ids[1..3]).await,
        ),
        fact(
            "bulk, one",
            "HTTP 400",
            bulk(session, scratch.b, &ids[3..]).await,
        ),
        fact(
            "bulk, the same twice",
            "HTTP 400",
            bulk(session, scratch.b, &[ids[3], ids[3]]).await,
        ),
        // Ids tell the age; there need not be such messages.
        fact(
            "bulk, older than 14 days",
            "HTTP 400, code 50034",
            bulk(session, scratch.b, &[old, old + 1]).await,
        ),
        fact(
            "limit for messages older than 14 days",
            "30 / 120 s (reported)",
            "not observed: no message that old".to_owned(),
        ),
    ]
}

async fn bulk(session: &Session, channel: u64, ids: &[u64]) -> String {
    let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
    let sent = session
        .client
        .send::<Value>(
            &bulk_delete(channel),
            &json!({ "messages": ids }),
            &[],
            ONCE,
        )
        .await;
    match sent {
        // Success has no body, so there is nothing to parse.
        Err(CallError::Malformed(_)) => result(&Ok(())),
        other => result(&other.map(|_| ())),
    }
}

fn bulk_delete(channel: u64) -> Route {
    let path = format!("/channels/{channel}/messages/bulk-delete");
    route(
        Method::POST,
        "/channels/{}/messages/bulk-delete",
        channel,
        path,
    )
}

fn result(done: &Result<(), CallError>) -> String {
    match done {
        Ok(()) => "no error".to_owned(),
        Err(error) => said(error),
    }
}
