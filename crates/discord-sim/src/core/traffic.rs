//! The log of everything that went between Discord and the application.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use serde::Serialize;
use serde_json::Value;

use super::body::Body;
use super::message::attachments::Upload;

/// Which way an exchange went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The application called Discord's REST API.
    Rest,
    /// The application fetched an attachment.
    Cdn,
    /// Discord delivered an interaction to the application.
    Interaction,
}

/// One request and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Exchange {
    /// Counts from 0 without gaps.
    pub n: u64,
    /// Unix milliseconds of Discord's clock.
    pub at: u64,
    pub direction: Direction,
    pub method: String,
    /// With query, without host and `/api/v10`.
    pub path: String,
    /// `bot`, `none` or `other`; never the token.
    pub authorization: &'static str,
    pub user_agent: Option<String>,
    pub content_type: Option<String>,
    /// The JSON body or `payload_json`.
    pub request: Option<Value>,
    pub files: Vec<ExchangeFile>,
    /// `None` where nothing was answered.
    pub status: Option<u16>,
    pub response_headers: BTreeMap<String, String>,
    pub response: Option<Value>,
    /// The fault that this request met.
    pub fault: Option<&'static str>,
    /// For interactions: the answer came after the time for it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<bool>,
}

/// A file of a multipart request.
#[derive(Clone, Debug, Serialize)]
pub struct ExchangeFile {
    pub field: String,
    pub filename: String,
    /// Bytes.
    pub size: usize,
}

impl Exchange {
    pub(crate) fn new(at: u64, direction: Direction, method: &str, path: &str) -> Exchange {
        Exchange {
            n: 0,
            at,
            direction,
            method: method.to_owned(),
            path: path.to_owned(),
            authorization: "none",
            user_agent: None,
            content_type: None,
            request: None,
            files: Vec::new(),
            status: None,
            response_headers: BTreeMap::new(),
            response: None,
            fault: None,
            late: None,
        }
    }

    pub(crate) fn note_request(&mut self, headers: &HeaderMap, bot: &str) {
        self.authorization = match headers.get(AUTHORIZATION) {
            None => "none",
            Some(value) if value.as_bytes() == bot.as_bytes() => "bot",
            Some(_) => "other",
        };
        let text = |name| {
            headers
                .get(name)
                .map(|v: &http::HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned())
        };
        self.user_agent = text(USER_AGENT);
        self.content_type = text(CONTENT_TYPE);
    }

    pub(crate) fn note_body(&mut self, body: &Body, sent: bool) {
        if sent {
            self.request = Some(body.payload.clone());
        }
        let file = |upload: &Upload| ExchangeFile {
            field: format!("files[{}]", upload.index),
            filename: upload.filename.clone(),
            size: upload.data.len(),
        };
        self.files = body.uploads.iter().map(file).collect();
    }

    pub(crate) fn note_response(&mut self, status: u16, headers: &HeaderMap, body: &[u8]) {
        self.status = Some(status);
        for (name, value) in headers {
            self.response_headers.insert(
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            );
        }
        let json = headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        self.response = if json {
            serde_json::from_slice(body).ok()
        } else {
            None
        };
    }
}

#[derive(Debug)]
pub(crate) struct Traffic {
    exchanges: Vec<Exchange>,
    /// The number of the first of them.
    first: u64,
    /// At least so many of the latest are kept.
    kept: usize,
}

impl Traffic {
    pub(crate) fn new(kept: usize) -> Traffic {
        Traffic {
            exchanges: Vec::new(),
            first: 0,
            kept,
        }
    }

    /// Numbers an exchange and keeps it; `None` is one that nobody wants to know of.
    pub(crate) fn push(&mut self, exchange: Option<Exchange>) {
        let Some(mut exchange) = exchange else {
            return;
        };
        exchange.n = self.next();
        self.exchanges.push(exchange);
        // Many at a time, so that each moves the others only now and then.
        if self.exchanges.len() / 2 >= self.kept.max(1) {
            let gone = self.exchanges.len() - self.kept;
            self.exchanges.drain(..gone);
            self.first += gone as u64;
        }
    }

    /// How many there were, which is the number of the next.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.exchanges.len() as u64
    }

    pub(crate) fn since(&self, n: u64) -> &[Exchange] {
        let from = usize::try_from(n.saturating_sub(self.first))
            .unwrap_or(usize::MAX)
            .min(self.exchanges.len());
        &self.exchanges[from..]
    }
}
