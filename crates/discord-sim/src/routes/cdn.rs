//! `/attachments/{channel}/{attachment}/{filename}`: the attachment host.
//!
//! Docs `reference`, "Signed Attachment CDN URLs".

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;

use crate::core::Discord;
use crate::core::id::Id;

/// Serves a file whose URL is signed and fresh; anything else is gone.
pub(crate) fn get(
    discord: &Discord,
    now: u64,
    method: &Method,
    path: &str,
    query: &str,
) -> Response<Bytes> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    }
    match find(discord, now, path, query) {
        None => text(
            StatusCode::NOT_FOUND,
            "This content is no longer available.",
        ),
        Some((content_type, data)) => {
            let length = HeaderValue::from(data.len());
            let mut response = Response::new(if *method == Method::HEAD {
                Bytes::new()
            } else {
                data
            });
            let kind = content_type.and_then(|kind| HeaderValue::from_str(&kind).ok());
            let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response.headers_mut().insert(CONTENT_LENGTH, length);
            response
        }
    }
}

fn find(discord: &Discord, now: u64, path: &str, query: &str) -> Option<(Option<String>, Bytes)> {
    let mut steps = path.strip_prefix("/attachments/")?.split('/');
    let channel: Id = steps.next()?.parse().ok()?;
    let id: Id = steps.next()?.parse().ok()?;
    let filename = percent_decode_str(steps.next()?).decode_utf8().ok()?;
    let param = |name: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, v)| v)
    };
    let (ex, is, hm) = (param("ex")?, param("is")?, param("hm")?);
    if steps.next().is_some()
        || !discord
            .urls
            .is_valid((channel, id, &filename), &ex, &is, &hm, now)
    {
        return None;
    }
    let file = discord
        .files
        .get(&id)
        .filter(|file| file.channel_id == channel && file.filename == filename)?;
    Some((file.content_type.clone(), file.data.clone()))
}

fn text(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
