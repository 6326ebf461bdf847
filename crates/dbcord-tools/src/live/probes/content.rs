//! Whether text comes back as it was sent, from messages and from embeds.

use dbcord::text::is_fragile;
use serde_json::{Value, json};

use super::{Scratch, said};
use crate::live::facts::Fact;
use crate::live::session::{Session, id_of};

/// Characters that might not survive, by kind. U+0000 is left out: it may cost the whole message.
const SAMPLES: [(&str, &str); 6] = [
    (
        "control characters (U+0000 not tried)",
        "\u{1}\u{7}\u{8}\t\u{b}\u{c}\r\u{1b}\u{1f}\u{7f}\u{85}\u{9f}",
    ),
    (
        "invisible characters",
        "\u{ad}\u{34f}\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{3164}",
    ),
    (
        "directions",
        "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}",
    ),
    ("spaces", "\u{a0}\u{2003}\u{2028}\u{2029}\u{3000}"),
    (
        "unassigned and private",
        "\u{fdd0}\u{fff9}\u{fffd}\u{fffe}\u{ffff}\u{1fffe}\u{e000}\u{e0001}",
    ),
    // Ohm and Angstrom sign, an accented and a combined letter, a ligature, a jamo, an emoji.
    (
        "what normalisation changes",
        "\u{2126}\u{212b}\u{1f71}\u{344}\u{fb01}\u{1100}\u{1f44d}",
    ),
];

const EDGES: &str = " \n\t x  y\t\n\n\nz \n ";

/// What became of one character.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Kept,
    Removed,
    Became(String),
}

/// Where the text stands in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Content,
    Embed,
}

pub async fn observe(session: &Session, scratch: Scratch) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut unescaped = Vec::new();
    let mut posted = Vec::new();
    for (place, name) in [
        (Place::Content, "content"),
        (Place::Embed, "embed description"),
    ] {
        let payload = |text: &str| match place {
            Place::Content => json!({ "content": text }),
            Place::Embed => json!({ "content": "embed", "embeds": [{ "description": text }] }),
        };
        let fact = |what: &str, expected: &str, observed: String| {
            Fact::new(format!("{name}: {what}"), expected, observed)
        };
        let edges = session.post(scratch.a, payload(EDGES)).await;
        let trimmed = match place {
            Place::Content => "trimmed; inside unaltered",
            Place::Embed => "unknown",
        };
        let observed = match &edges {
            Ok(message) => compared(EDGES, &text_of(message, place)),
            Err(error) => said(error),
        };
        facts.push(fact("white space at the ends", trimmed, observed));
        posted.extend(edges);
        let samples: String = SAMPLES.iter().map(|(_, chars)| *chars).collect();
        let sampled = session.post(scratch.a, payload(&marked(&samples))).await;
        for (kind, chars) in SAMPLES {
            let expected = match (place, kind) {
                (Place::Content, kind) if kind.starts_with("control") => "some stripped",
                _ => "unknown",
            };
            let observed = match &sampled {
                Ok(message) => {
                    let fates = fates(chars, &text_of(message, place));
                    let altered = fates.iter().filter(|(_, fate)| *fate != Fate::Kept);
                    unescaped.extend(altered.map(|(c, _)| *c).filter(|&c| !is_fragile(c)));
                    summary(&fates)
                }
                Err(error) => said(error),
            };
            facts.push(fact(kind, expected, observed));
        }
        posted.extend(sampled);
    }
    let observed = if posted.is_empty() {
        "not observed".to_owned()
    } else {
        list_or(&unescaped, "none")
    };
    facts.push(Fact::new(
        "altered, and not escaped by dbcord",
        "none",
        observed,
    ));
    facts.push(read_again(session, scratch.a, &posted).await);
    facts
}

/// A later GET against the answers to the POSTs.
async fn read_again(session: &Session, channel: u64, posted: &[Value]) -> Fact {
    let observed = match session.messages(channel).await {
        Err(error) => said(&error),
        Ok(page) => {
            let same = |message: &&Value| {
                let again = page.iter().find(|other| id_of(other) == id_of(message));
                again.is_some_and(|again| {
                    [Place::Content, Place::Embed]
                        .iter()
                        .all(|&place| text_of(again, place) == text_of(message, place))
                })
            };
            format!("{} of {}", posted.iter().filter(same).count(), posted.len())
        }
    };
    Fact::new("messages that a GET shows as the POST did", "all", observed)
}

fn text_of(message: &Value, place: Place) -> String {
    let text = match place {
        Place::Content => &message["content"],
        Place::Embed => &message["embeds"][0]["description"],
    };
    text.as_str().unwrap_or_default().to_owned()
}

/// Each character behind its own number, so that it can be found whatever became of the others.
fn marked(chars: &str) -> String {
    let mark = |c: char| format!("{:04x}[{c}]", u32::from(c));
    let marks: Vec<String> = chars.chars().map(mark).collect();
    marks.join(" ")
}

fn fates(chars: &str, came_back: &str) -> Vec<(char, Fate)> {
    let fate = |c: char| {
        let mark = format!("{:04x}[", u32::from(c));
        let inside = came_back
            .split_once(&mark)
            .and_then(|(_, rest)| rest.split_once(']'));
        match inside.map(|(inside, _)| inside) {
            Some("") | None => Fate::Removed,
            Some(inside) if inside.chars().eq([c]) => Fate::Kept,
            Some(inside) => Fate::Became(inside.to_owned()),
        }
    };
    chars.chars().map(|c| (c, fate(c))).collect()
}

fn summary(fates: &[(char, Fate)]) -> String {
    let of = |wanted: Fate| -> Vec<char> {
        let same = fates.iter().filter(|(_, fate)| *fate == wanted);
        same.map(|(c, _)| *c).collect()
    };
    let (kept, removed) = (of(Fate::Kept), of(Fate::Removed));
    if kept.len() == fates.len() {
        return "all kept".to_owned();
    }
    let mut parts = Vec::new();
    if removed.len() == fates.len() {
        return "all removed".to_owned();
    }
    if !removed.is_empty() {
        parts.push(format!("removed {}", list_or(&removed, "")));
    }
    for (c, fate) in fates {
        if let Fate::Became(other) = fate {
            let other: Vec<char> = other.chars().collect();
            parts.push(format!(
                "{} became {}",
                list_or(&[*c], ""),
                list_or(&other, "")
            ));
        }
    }
    if !kept.is_empty() {
        parts.push(format!("kept {}", list_or(&kept, "")));
    }
    parts.join("; ")
}

fn list_or(chars: &[char], none: &str) -> String {
    if chars.is_empty() {
        return none.to_owned();
    }
    let names: Vec<String> = chars
        .iter()
        .map(|&c| format!("U+{:04X}", u32::from(c)))
        .collect();
    names.join(" ")
}

fn compared(sent: &str, came_back: &str) -> String {
    if came_back == sent {
        "unaltered".to_owned()
    } else if came_back == sent.trim() {
        "trimmed; inside unaltered".to_owned()
    } else {
        format!("{sent:?} came back as {came_back:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_s_fate_is_found() {
        let sent = marked("\u{7}\u{200b}\u{2126}\r");
        let back = sent.replace('\u{7}', "").replace('\u{2126}', "\u{3a9}");
        let fates = fates("\u{7}\u{200b}\u{2126}\r", &back);
        assert_eq!(
            summary(&fates),
            "removed U+0007; U+2126 became U+03A9; kept U+200B U+000D"
        );
        assert_eq!(summary(&super::fates("\u{7}", &sent)), "all kept");
        assert_eq!(summary(&super::fates("\u{7}\u{8}", "")), "all removed");
    }

    #[test]
    fn samples_fit_a_message_and_are_told_apart() {
        let all: String = SAMPLES.iter().map(|(_, chars)| *chars).collect();
        assert!(dbcord::text::utf16_len(&marked(&all)) <= dbcord::limits::MESSAGE_CONTENT);
        let kept = fates(&all, &marked(&all));
        assert!(kept.iter().all(|(_, fate)| *fate == Fate::Kept), "{kept:?}");
    }

    #[test]
    fn trimming_is_told_from_other_changes() {
        assert_eq!(compared(" a ", " a "), "unaltered");
        assert_eq!(compared(" a ", "a"), "trimmed; inside unaltered");
        assert_eq!(compared("a  b", "a b"), r#""a  b" came back as "a b""#);
    }
}
