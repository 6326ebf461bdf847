//! Bugs to be planted in a run, to prove that the checks would catch them. Where that is possible, the
//! engine stays as it is: what it sends and stores is distorted on the way. The rest is switched on in it.

use bytes::Bytes;
use dbcord::planted::Bug;
use http::{Method, Request};
use serde_json::Value;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What the engine would do if one of its rules were missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlantedBug {
    /// An object reads the log before its claim is stored: what others commit in between is missed.
    ReadBeforeClaim,
    /// Messages carry a nonce that Discord is not asked to enforce.
    NonceNotEnforced,
    /// The nonce of a row's message is made of the row alone, not of the channel as well.
    NonceWithoutChannel,
    /// A commit counts as stored as soon as storage was asked to.
    AcknowledgedBeforeStored,
    /// An object that opens the database believes the newest checkpoint, and drops the commits
    /// after it.
    TailDropped,
    /// The engine's own.
    Engine(Bug),
}

impl PlantedBug {
    /// The request as an engine with this bug would send it.
    pub(super) fn distort(self, request: Request<Bytes>) -> Request<Bytes> {
        let is_post = request.method() == Method::POST;
        if !is_post || !request.uri().path().ends_with("/messages") {
            return request;
        }
        let (parts, body) = request.into_parts();
        let body = match self {
            PlantedBug::NonceNotEnforced => replace(
                &body,
                br#""enforce_nonce":true"#,
                br#""enforce_nonce":false"#,
            ),
            PlantedBug::NonceWithoutChannel => with_nonce_of_content(&body).unwrap_or(body),
            PlantedBug::ReadBeforeClaim
            | PlantedBug::AcknowledgedBeforeStored
            | PlantedBug::TailDropped
            | PlantedBug::Engine(_) => body,
        };
        Request::from_parts(parts, body)
    }
}

/// A page of the log without what stands after the checkpoint in it.
pub(super) fn without_tail(body: &Bytes) -> Bytes {
    let Ok(Value::Array(mut messages)) = serde_json::from_slice(body) else {
        return body.clone();
    };
    let id = |message: &Value| message["id"].as_str().and_then(|id| id.parse::<u64>().ok());
    let is_checkpoint = |message: &&Value| {
        let content = message["content"].as_str().unwrap_or_default();
        content.starts_with('#') && content.contains(" · checkpoint of commit ")
    };
    let newest = messages.iter().filter(is_checkpoint).filter_map(id).max();
    messages.retain(|message| newest.is_none() || id(message) <= newest);
    Value::Array(messages).to_string().into()
}

/// The body is JSON, or multipart with JSON in it; the text looks the same in both.
fn replace(body: &Bytes, from: &[u8], to: &[u8]) -> Bytes {
    match find(body, from) {
        Some(at) => [&body[..at], to, &body[at + from.len()..]].concat().into(),
        None => body.clone(),
    }
}

/// The first line of a row's message has key and revision, and nothing of its table.
fn with_nonce_of_content(body: &Bytes) -> Option<Bytes> {
    let content = after(body, br#""content":""#)?;
    let line = &body[content..content + find(&body[content..], br"\n")?];
    if !line.starts_with(b"**") {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    let nonce = after(body, br#""nonce":""#)?;
    let end = nonce + find(&body[nonce..], b"\"")?;
    let hash = format!("{:x}", hasher.finish());
    Some(
        [&body[..nonce], hash.as_bytes(), &body[end..]]
            .concat()
            .into(),
    )
}

fn after(body: &[u8], text: &[u8]) -> Option<usize> {
    find(body, text).map(|at| at + text.len())
}

fn find(body: &[u8], text: &[u8]) -> Option<usize> {
    body.windows(text.len()).position(|window| window == text)
}
