//! Whether files can be read back from here. That says nothing about a Worker's address, from
//! which `/dbc_init` tries the same.

use dbcord::discord::CallError;
use dbcord::discord::multipart::File;
use dbcord::host::Clock;
use serde_json::{Value, json};

use super::{Scratch, said};
use crate::discord::PATIENT;
use crate::live::facts::Fact;
use crate::live::session::Session;

pub async fn observe(session: &Session, scratch: Scratch) -> Vec<Fact> {
    let text = format!("a file of {}\n", session.run);
    let file = File {
        name: "probe.txt".to_owned(),
        content_type: "text/plain",
        bytes: text.clone().into(),
    };
    let fields = json!({
        "content": "a file",
        "attachments": [{ "id": "0", "filename": file.name }],
    });
    let posted = session.post_files(scratch.a, fields, &[file]).await;
    let (access, lifetime) = match posted {
        Err(error) => (said(&error), "not observed".to_owned()),
        Ok(message) => match message["attachments"][0]["url"].as_str() {
            None => (
                "the message has no attachment".to_owned(),
                "not observed".to_owned(),
            ),
            Some(url) => (
                download(session, url, &text).await,
                lifetime(url, session.host.now()),
            ),
        },
    };
    vec![
        Fact::new(
            "attachment: download from here",
            "HTTP 200, unaltered",
            access,
        ),
        Fact::new("attachment: its URL is good for", "24 h", lifetime),
        nonce_with_file(session, scratch).await,
    ]
}

async fn download(session: &Session, url: &str, text: &str) -> String {
    let downloaded = session.client.download(url, PATIENT).await;
    let status = session.host.journal().last().and_then(|exchange| {
        let status = exchange.answer.as_ref()?.status;
        Some(format!(
            "HTTP {status} in {} ms",
            exchange.elapsed.as_millis()
        ))
    });
    let status = status.unwrap_or_else(|| "no answer".to_owned());
    match downloaded {
        Ok(bytes) if bytes == text.as_bytes() => format!("{status}, unaltered"),
        Ok(bytes) => format!(
            "{status}, altered: {} bytes instead of {}",
            bytes.len(),
            text.len()
        ),
        Err(CallError::Refused { message, .. }) => format!("{status}: {message}"),
        Err(error) => format!("{status}: {error}"),
    }
}

/// A message with a file, posted twice.
async fn nonce_with_file(session: &Session, scratch: Scratch) -> Fact {
    let nonce = session.fresh_nonce();
    let mut ids = Vec::new();
    let mut problem = None;
    for _ in 0..2 {
        let file = File {
            name: "twice.txt".to_owned(),
            content_type: "text/plain",
            bytes: "twice".into(),
        };
        let fields = json!({
            "nonce": nonce,
            "attachments": [{ "id": "0", "filename": file.name }],
        });
        match session.post_files(scratch.a, fields, &[file]).await {
            Ok(Value::Object(message)) => ids.push(message.get("id").cloned()),
            Ok(_) => problem = Some("no message came back".to_owned()),
            Err(error) => problem = Some(said(&error)),
        }
    }
    let observed = match (problem, ids.as_slice()) {
        (Some(problem), _) => problem,
        (None, [first, second]) if first == second => "the first message comes back".to_owned(),
        (None, _) => "two messages".to_owned(),
    };
    Fact::new(
        "nonce: with a file",
        "the first message comes back",
        observed,
    )
}

/// How long the signature in a URL holds, from its `ex`: hexadecimal seconds.
fn lifetime(url: &str, now: u64) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let expires = query.split('&').find_map(|pair| pair.strip_prefix("ex="));
    match expires.map(|text| u64::from_str_radix(text, 16)) {
        None => "no ex= in it".to_owned(),
        Some(Err(_)) => "an ex= that is no number".to_owned(),
        Some(Ok(expires)) => {
            let left_ms = expires.saturating_mul(1_000).saturating_sub(now);
            format!("{:.1} h", left_ms as f64 / 3_600_000.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expiry_is_read_from_the_url() {
        let now = 1_700_000_000_000;
        let url = format!(
            "https://cdn.example/a/b.txt?ex={:x}&is=1&hm=2",
            1_700_000_000 + 86_400
        );
        assert_eq!(lifetime(&url, now), "24.0 h");
        assert_eq!(lifetime("https://cdn.example/a", now), "no ex= in it");
        assert_eq!(
            lifetime("https://cdn.example/a?ex=zz", now),
            "an ex= that is no number"
        );
    }
}
