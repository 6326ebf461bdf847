//! Edits of messages older than an hour, in a channel that an earlier run kept.

use dbcord::discord::model::{Channel, TEXT_CHANNEL};
use dbcord::discord::routes;
use serde_json::Value;

use super::rate_limits::refusal;
use super::{SCRATCH_MARK, said};
use crate::discord::ID_TIME_SHIFT;
use crate::live::facts::Fact;
use crate::live::session::{ONCE, Session, edit, id_in, id_of};

/// Reported are 3 in 6 seconds; some more tell whether the sixth still passes.
const EDITS: usize = 6;
const HOUR_MS: u64 = 60 * 60 * 1_000;

pub async fn observe(session: &Session) -> Vec<Fact> {
    let observed = match find_old_message(session).await {
        Ok(Some((channel, message))) => edit_until_refused(session, channel, message).await,
        Ok(None) => {
            "not observed: no message older than an hour; run with --keep, and again after an hour"
                .to_owned()
        }
        Err(problem) => format!("not observed: {problem}"),
    };
    vec![Fact::new(
        "limit: edits of messages older than an hour",
        "3 / 6 s, then HTTP 429, code 30046 (reported)",
        observed,
    )]
}

/// A message of ours, old enough, in a scratch channel of another run.
async fn find_old_message(session: &Session) -> Result<Option<(u64, u64)>, String> {
    let channels = session.channels().await.map_err(|error| said(&error))?;
    // By Discord's clock, not ours: the newest id there is tells what time it is there.
    let newest = channels
        .iter()
        .map(|channel| channel.id)
        .max()
        .unwrap_or_default();
    for channel in channels.iter().filter(|channel| is_kept(channel, session)) {
        let messages = session.messages(channel.id).await;
        let messages = messages.map_err(|error| said(&error))?;
        let old = messages.iter().find(|message| {
            id_in(&message["author"], "id") == session.me
                && age_ms(id_of(message), newest) > HOUR_MS
        });
        if let Some(message) = old {
            return Ok(Some((channel.id, id_of(message))));
        }
    }
    Ok(None)
}

fn is_kept(channel: &Channel, session: &Session) -> bool {
    let topic = channel.topic.as_deref().unwrap_or_default();
    channel.kind == TEXT_CHANNEL
        && topic.starts_with(SCRATCH_MARK)
        && session.before.contains(&channel.id)
}

/// The time between two ids.
fn age_ms(id: u64, newer: u64) -> u64 {
    (newer >> ID_TIME_SHIFT).saturating_sub(id >> ID_TIME_SHIFT)
}

async fn edit_until_refused(session: &Session, channel: u64, message: u64) -> String {
    for passed in 0..EDITS {
        let before = session.host.journal().len();
        let body = edit(&format!("edited by {}, {passed}", session.run));
        let route = routes::edit_message(channel, message);
        let edited = session.client.send::<Value>(&route, &body, &[], ONCE).await;
        if let Err(error) = edited {
            let told = refusal(&session.host.journal(), before);
            return format!(
                "{passed} passed, then {}",
                told.unwrap_or_else(|| said(&error))
            );
        }
    }
    format!("{EDITS} in a row are let through")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_ages() {
        let id = 1_000_000_000_000_000_000;
        assert_eq!(age_ms(id, id + (HOUR_MS << 22)), HOUR_MS);
        assert_eq!(age_ms(id, id - (1 << 30)), 0);
    }
}
