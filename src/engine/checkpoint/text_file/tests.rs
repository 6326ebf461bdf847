use super::*;
use crate::engine::log::codec::{RecordBody, locate};
use proptest::prelude::*;
use serde_json::json;

/// What Discord would give back.
fn message(id: u64, part: &TextPart) -> Message {
    let embeds: Vec<_> = part
        .embeds
        .iter()
        .map(|text| json!({ "description": text.trim() }))
        .collect();
    serde_json::from_value(json!({
        "id": id.to_string(), "channel_id": "2", "author": {"id": "3"},
        "content": part.content.trim(), "embeds": embeds,
    }))
    .unwrap()
}

fn seen(parts: &[TextPart]) -> Vec<SeenPart> {
    let seen = |(id, part)| parse(&message(id, part)).unwrap();
    (1..).zip(parts).map(seen).collect()
}

/// Bytes that differ from part to part.
fn file(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * n / 7) as u8).collect()
}

#[test]
fn parts_use_what_a_message_holds() {
    let parts = split("users.base.1042", &file(20_000), 100).unwrap();
    assert_eq!(parts.len(), 4);
    for part in &parts {
        assert!(utf16_len(&part.content) <= MESSAGE_CONTENT);
        assert!(
            part.embeds
                .iter()
                .all(|text| utf16_len(text) <= EMBED_DESCRIPTION)
        );
        let total: usize = part.embeds.iter().map(|text| utf16_len(text)).sum();
        assert!(total <= EMBED_TOTAL);
        let is_record = locate(&message(1, part)) != RecordBody::NotARecord;
        assert!(!is_record);
    }
    let full = &parts[0];
    let all = full.content.len() + full.embeds.iter().map(String::len).sum::<usize>();
    assert!(all > 7_950, "{all}");
    assert!(
        full.content.starts_with("§ users.base.1042 · part 1/4 · "),
        "{}",
        full.content
    );
}

#[test]
fn the_number_of_parts_has_a_limit() {
    let one = split("f", &file(5_850), 1).unwrap();
    assert_eq!(one.len(), 1);
    let error = split("f", &file(50_000), 5).unwrap_err();
    assert_eq!(
        error,
        TooManyParts {
            parts: 9,
            max_parts: 5
        }
    );
    assert!(split("f", b"", 0).is_err());
}

#[test]
fn parts_come_in_any_order_and_more_than_once() {
    let file = file(30_000);
    let sum = FileSum::of(&file);
    let mut parts = seen(&split("f", &file, 100).unwrap());
    parts.extend(seen(&split("other", &[1; 9_000], 100).unwrap()));
    parts.reverse();
    // A damaged copy beside an intact one, before and after it.
    for at in [2, 5] {
        let mut damaged = parts[at].clone();
        damaged.bytes = None;
        parts.insert(0, damaged.clone());
        parts.push(damaged);
    }
    assert_eq!(join(parts, sum).unwrap(), file);
}

#[test]
fn a_file_cut_twice_in_different_ways_is_there_twice() {
    let file = file(30_000);
    let first = split("f", &file, 9).unwrap();
    let second = split(&"f".repeat(80), &file, 9).unwrap();
    let mut parts = seen(&first[1..]);
    parts.extend(seen(&second));
    assert_eq!(join(parts, FileSum::of(&file)).unwrap(), file);
}

#[test]
fn what_is_wrong_is_named() {
    let file = file(20_000);
    let sum = FileSum::of(&file);
    let parts = split("f", &file, 100).unwrap();
    let whole = seen(&parts);

    let error = join(whole[..2].to_vec(), sum).unwrap_err();
    assert_eq!(error.to_string(), "of the file `f` part 3 of 4 is missing");
    let error = join(whole.clone(), FileSum(1)).unwrap_err();
    assert_eq!(error, JoinError::Nothing { sum: FileSum(1) });

    // As when a moderator hides the embeds.
    let mut hidden = parts.clone();
    hidden[1].embeds.clear();
    let error = join(seen(&hidden), sum).unwrap_err();
    assert_eq!(
        error.to_string(),
        "of the file `f` part 2 (message 2) was changed or its embeds are hidden"
    );

    // Base64 still, and of the same length.
    let mut edited = parts.clone();
    let content = &mut edited[2].content;
    let at = content.len() - 10;
    let other = if content.as_bytes().get(at) == Some(&b'A') {
        "B"
    } else {
        "A"
    };
    content.replace_range(at..=at, other);
    let error = join(seen(&edited), sum).unwrap_err();
    assert!(
        matches!(
            error,
            JoinError::Damaged {
                number: 3,
                message: 3,
                ..
            }
        ),
        "{error}"
    );

    let mut swapped = whole;
    swapped[0].number = 2;
    swapped[1].number = 1;
    let error = join(swapped, sum).unwrap_err();
    assert!(matches!(error, JoinError::Altered { .. }), "{error}");
}

#[test]
fn foreign_messages_are_passed_over() {
    let file = FileSum(1);
    for content in [
        "",
        "hello",
        "§ 4 of the law",
        "§ f · part 0/1 · 0000000000000001 · 00000000",
        "§ f · part 2/1 · 0000000000000001 · 00000000",
        "§ f · part 1/1 · 1 · 00000000",
        "§ f · part 1/1 · 0000000000000001 · 00000000 · more",
        "#1 · users/u_1 put",
    ] {
        let part = TextPart {
            content: content.to_owned(),
            embeds: Vec::new(),
        };
        assert_eq!(parse(&message(1, &part)), None, "{content}");
    }
    // What a message claims costs nothing.
    let greedy = TextPart {
        content: title("f", 1, usize::MAX, file, 0),
        embeds: Vec::new(),
    };
    let part = parse(&message(1, &greedy)).unwrap();
    assert_eq!(part.bytes.as_deref(), Some(&[][..]));
    assert!(join([part], file).is_err());
}

proptest! {
    #[test]
    fn files_come_back(name in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..40_000)) {
        let parts = split(&name, &bytes, 1_000).unwrap();
        prop_assert_eq!(join(seen(&parts), FileSum::of(&bytes)).unwrap(), bytes);
    }

    #[test]
    fn any_changed_character_is_noticed(len in 1usize..7_000, at in any::<prop::sample::Index>(), to in "[A-Za-z0-9+/=`\n ]") {
        let file = file(len);
        let mut parts = split("f", &file, 9).unwrap();
        let TextPart { content, embeds } = &mut parts[0];
        let mut texts: Vec<&mut String> = vec![content];
        texts.extend(embeds);
        let mut at = at.index(texts.iter().map(|text| text.len()).sum());
        for text in texts {
            if at >= text.len() {
                at -= text.len();
                continue;
            }
            if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                text.replace_range(at..=at, &to);
            }
            break;
        }
        let seen = parts.iter().zip(1..).filter_map(|(part, id)| parse(&message(id, part)));
        // The file as it was or none at all.
        if let Ok(joined) = join(seen, FileSum::of(&file)) {
            prop_assert_eq!(joined, file);
        }
    }

    #[test]
    fn no_message_makes_it_panic(content in any::<String>(), embed in any::<String>()) {
        for content in [format!("§ {content}"), title("f", 1, 1, FileSum(1), 2) + "\n" + &content] {
            let part = TextPart { content, embeds: vec![embed.clone()] };
            let _ = parse(&message(1, &part));
        }
    }
}
