//! Takes away what this run made, and nothing else.

use std::collections::BTreeSet;

use dbcord::discord::model::Channel;
use dbcord::discord::{Patience, routes};

use super::session::Session;

/// Somebody else's limits must not leave our channels behind.
const STUBBORN: Patience = Patience {
    reserve: 0,
    attempts: 6,
    wait_ms: 60_000,
};

/// Deletes the channels of this run; says what stays. Whether nothing did.
pub async fn remove(session: &Session) -> bool {
    say!("\nRemoving what this run made");
    let made = session.host.journal().created_channels();
    let listed = session.channels().await;
    if let Err(error) = &listed {
        say!("  the guild's channels cannot be listed: {error}");
    }
    let channels = listed.as_ref().map(Vec::as_slice).unwrap_or_default();
    let mut stays = Vec::new();
    for id in to_remove(&made, channels, &session.before, &session.run) {
        let route = routes::delete_channel(id);
        match session.client.delete(&route, STUBBORN).await {
            Ok(()) => say!("  removed  {}", described(id, channels)),
            Err(error) if error.is_not_found() => {}
            Err(error) => {
                say!("  STAYS    {}: {error}", described(id, channels));
                stays.push(id);
            }
        }
    }
    if !stays.is_empty() {
        say!("  Please delete what stays by hand.");
    }
    stays.is_empty() && listed.is_ok()
}

/// Says what `--keep` left.
pub fn leave(session: &Session) {
    say!("\nKept, as asked. Delete these channels in Discord when they are no longer needed:");
    for id in session.host.journal().created_channels() {
        say!("  https://discord.com/channels/{}/{id}", session.guild);
    }
    say!("An hour from now, another run observes edits of old messages in them.");
}

/// Ids to delete, newest first: what stands in a category goes before it.
///
/// Ours is what Discord said it created. Where that answer was lost, ours is also what was not
/// there at the start and bears this run's random name.
fn to_remove(made: &[u64], channels: &[Channel], before: &BTreeSet<u64>, run: &str) -> Vec<u64> {
    let bears_name = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains(run));
    let ours = |c: &&Channel| bears_name(&c.name) || bears_name(&c.topic);
    let unheard = channels.iter().filter(ours).map(|channel| channel.id);
    let mut ids: BTreeSet<u64> = made.iter().copied().chain(unheard).collect();
    ids.retain(|id| !before.contains(id));
    ids.into_iter().rev().collect()
}

fn described(id: u64, channels: &[Channel]) -> String {
    let channel = channels.iter().find(|channel| channel.id == id);
    let name = channel.and_then(|channel| channel.name.as_deref());
    format!("{id} ({})", name.unwrap_or("name unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn channel(id: u64, name: &str, topic: &str) -> Channel {
        let channel = json!({"id": id.to_string(), "type": 0, "name": name, "topic": topic});
        serde_json::from_value(channel).unwrap()
    }

    #[test]
    fn only_what_this_run_made_goes() {
        let channels = [
            channel(1, "general", ""),
            channel(2, "talk-about-live_abc", ""),
            channel(3, "dbcord-live_abc", ""),
            channel(4, "dbc-log", "dbcord:1:log:live_abc · log"),
            channel(5, "dbc-log", "dbcord:1:log:prod · log"),
            channel(6, "new-and-foreign", ""),
        ];
        let before = BTreeSet::from([1, 2, 5]);
        // 4 was made without an answer; 7 is not listed any more or not yet.
        assert_eq!(
            to_remove(&[3, 7], &channels, &before, "live_abc"),
            [7, 4, 3]
        );
        assert_eq!(
            to_remove(&[], &channels, &before, "live_xyz"),
            [] as [u64; 0]
        );
        assert_eq!(to_remove(&[1], &[], &before, "live_abc"), [] as [u64; 0]);
    }
}
