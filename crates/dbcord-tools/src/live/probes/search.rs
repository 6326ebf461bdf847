//! Search: how late it is, and what it takes for a word.

use std::time::{Duration, Instant};

use dbcord::discord::routes::{self, Route};
use http::Method;
use serde_json::{Value, json};

use super::{Scratch, said};
use crate::discord::{PATIENT, route};
use crate::interrupt;
use crate::live::facts::Fact;
use crate::live::session::{ONCE, Session, id_of};

/// Pauses between looks, in seconds: a minute and a half in all.
const PAUSES_S: [u64; 8] = [1, 2, 4, 8, 15, 20, 20, 20];

/// What a look at the index shows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    Found,
    Missing,
    /// HTTP 202: there is no index yet.
    Indexing,
    /// No search at all, in Discord's words.
    Refused(String),
}

pub async fn observe(session: &Session, scratch: Scratch, quick: bool) -> Vec<Fact> {
    let words = Words::of(&session.run);
    let fields = json!({"content": words.content, "embeds": [{"description": words.embed}]});
    let posted = Instant::now();
    let message = match session.post(scratch.a, fields).await {
        Ok(message) => id_of(&message),
        Err(error) => return vec![appears(said(&error))],
    };
    let first = look(session, scratch.a, message, &words.plain).await;
    if quick || matches!(first, Look::Refused(_)) {
        let observed = match first {
            Look::Refused(why) => why,
            Look::Found => "at once".to_owned(),
            Look::Missing => "not at once; --quick does not wait".to_owned(),
            Look::Indexing => "HTTP 202, being indexed; --quick does not wait".to_owned(),
        };
        return vec![appears(observed)];
    }
    let mut facts = Vec::new();
    match until(
        session,
        scratch.a,
        message,
        &words.plain,
        &Look::Found,
        posted,
    )
    .await
    {
        Err(why) => return vec![appears(why)],
        Ok(lag) => facts.push(appears(lag)),
    }
    for (what, expected, query) in words.queries() {
        let observed = match look(session, scratch.a, message, &query).await {
            Look::Found => "found".to_owned(),
            Look::Missing => "not found".to_owned(),
            Look::Indexing => "HTTP 202, being indexed".to_owned(),
            Look::Refused(why) => why,
        };
        facts.push(Fact::new(format!("search: {what}"), expected, observed));
    }
    let route = routes::delete_message(scratch.a, message);
    let deleted = Instant::now();
    let observed = match session.client.delete(&route, PATIENT).await {
        Err(error) => said(&error),
        Ok(()) => {
            let gone = until(
                session,
                scratch.a,
                message,
                &words.plain,
                &Look::Missing,
                deleted,
            );
            gone.await.unwrap_or_else(|why| why)
        }
    };
    facts.push(Fact::new(
        "search: a deleted message is gone",
        "about 60 s (reported)",
        observed,
    ));
    facts
}

fn appears(observed: String) -> Fact {
    Fact::new(
        "search: a new message appears",
        "about 35 s (reported)",
        observed,
    )
}

/// Looks again and again until it is as wanted: how long that took, or why not.
async fn until(
    session: &Session,
    channel: u64,
    message: u64,
    word: &str,
    wanted: &Look,
    since: Instant,
) -> Result<String, String> {
    let mut last = Look::Missing;
    for pause in PAUSES_S {
        say!("    looking again in {pause} s");
        session.sleep(Duration::from_secs(pause)).await;
        if interrupt::requested() {
            return Err("interrupted".to_owned());
        }
        last = look(session, channel, message, word).await;
        match &last {
            Look::Refused(why) => return Err(why.clone()),
            seen if seen == wanted => {
                return Ok(format!("within {} s", since.elapsed().as_secs().max(1)));
            }
            _ => {}
        }
    }
    let waited = since.elapsed().as_secs();
    Err(match last {
        Look::Indexing => format!("still being indexed (HTTP 202) after {waited} s"),
        _ => format!("not within {waited} s"),
    })
}

async fn look(session: &Session, channel: u64, message: u64, query: &str) -> Look {
    let route = search(session.guild, channel, query);
    match session.client.get::<Value>(&route, ONCE).await {
        Err(error) => Look::Refused(said(&error)),
        Ok(answer) => seen(&answer, message),
    }
}

/// <https://docs.discord.com/developers/resources/message#search-guild-messages>
fn search(guild: u64, channel: u64, query: &str) -> Route {
    let query = encoded(query);
    let path =
        format!("/guilds/{guild}/messages/search?content={query}&channel_id={channel}&limit=5");
    route(Method::GET, "/guilds/{}/messages/search", guild, path)
}

fn seen(answer: &Value, message: u64) -> Look {
    let Some(groups) = answer["messages"].as_array() else {
        return Look::Indexing;
    };
    let mut all = groups
        .iter()
        .flat_map(|group| group.as_array().into_iter().flatten());
    if all.any(|found| id_of(found) == message) {
        Look::Found
    } else {
        Look::Missing
    }
}

fn encoded(query: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    query.bytes().map(byte).collect()
}

/// A text with words that stand nowhere else.
struct Words {
    plain: String,
    stem: String,
    content: String,
    embed: String,
}

impl Words {
    fn of(run: &str) -> Words {
        // Letters only: how digits fare is one of the questions.
        let letter = |c: char| c.to_digit(16).map_or('q', |n| char::from(b'g' + n as u8));
        let hex = run.rsplit('_').next().unwrap_or(run);
        let stem: String = hex.chars().map(letter).collect();
        Words {
            plain: format!("{stem}alpha"),
            content: format!(
                "{stem}Alpha {stem}beta {stem}gr\u{fc}n {stem}under_score {stem}hy-phen {} end",
                digits(&stem)
            ),
            embed: format!("{stem}embedded"),
            stem,
        }
    }

    /// What to search for, with what is expected.
    fn queries(&self) -> Vec<(&'static str, &'static str, String)> {
        let stem = &self.stem;
        vec![
            ("in capitals", "found", self.plain.to_uppercase()),
            (
                "words in the other order",
                "not found (reported)",
                format!("{stem}beta {stem}alpha"),
            ),
            ("the beginning of a word", "unknown", format!("{stem}alp")),
            ("digits", "unreliable (reported)", digits(stem)),
            ("without its umlaut", "unknown", format!("{stem}grun")),
            ("what stands before _", "unknown", format!("{stem}under")),
            ("what stands before -", "unknown", format!("{stem}hy")),
            (
                "text in an embed",
                "often not (reported)",
                format!("{stem}embedded"),
            ),
        ]
    }
}

/// A number as unlikely as the word.
fn digits(stem: &str) -> String {
    stem.bytes()
        .map(|byte| u32::from(byte).to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let page = json!({"total_results": 1, "messages": [[{"id": "7"}], [{"id": "8"}]]});
        assert_eq!(seen(&page, 8), Look::Found);
        assert_eq!(seen(&page, 9), Look::Missing);
        let indexing = json!({"code": 110_000, "documents_indexed": 0, "retry_after": 2});
        assert_eq!(seen(&indexing, 9), Look::Indexing);
    }

    #[test]
    fn queries_go_into_a_url() {
        assert_eq!(encoded("a b_\u{fc}&"), "a%20b_%C3%BC%26");
    }

    #[test]
    fn words_have_letters_only_and_follow_from_the_run() {
        let words = Words::of("live_3f9a0c");
        assert_eq!(words.plain, "jvpqgsalpha");
        assert!(words.stem.bytes().all(|byte| byte.is_ascii_lowercase()));
        assert!(words.content.contains("jvpqgsAlpha"));
    }
}
