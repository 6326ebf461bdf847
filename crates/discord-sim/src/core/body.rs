//! Request bodies: JSON, or multipart with files.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

use super::error::{ApiError, ApiResult, form_error};
use super::message::attachments::Upload;

/// A request's body, understood.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// The JSON body, or `payload_json`; an empty object where there is neither.
    pub(crate) payload: Value,
    pub(crate) uploads: Vec<Upload>,
}

impl Body {
    /// Understands a body by its content type (docs `reference`, "Content Type").
    pub(crate) fn read(method: &Method, headers: &HeaderMap, bytes: &Bytes) -> ApiResult<Body> {
        let empty = Body {
            payload: json!({}),
            uploads: Vec::new(),
        };
        if *method == Method::GET || *method == Method::DELETE || bytes.is_empty() {
            return Ok(empty);
        }
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => Ok(Body {
                payload: parse_json(bytes)?,
                uploads: Vec::new(),
            }),
            "multipart/form-data" => read_multipart(content_type, bytes),
            _ => Err(form_error(
                &[],
                "CONTENT_TYPE_INVALID",
                "Expected \"Content-Type\" header to be one of {'application/json', 'multipart/form-data'}.",
            )),
        }
    }
}

fn parse_json(bytes: &[u8]) -> ApiResult<Value> {
    serde_json::from_slice(bytes).map_err(|_| ApiError::invalid_json())
}

fn bad_multipart() -> ApiError {
    form_error(
        &[],
        "MULTIPART_INVALID",
        "The multipart body could not be read.",
    )
}

fn read_multipart(content_type: &str, bytes: &Bytes) -> ApiResult<Body> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| bad_multipart())?;
    let whole = futures_util::stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(
        bytes.clone(),
    )));
    let mut multipart = multer::Multipart::new(whole, boundary);
    let mut payload = None;
    let mut fields = Map::new();
    let mut uploads: Vec<Upload> = Vec::new();
    // The whole body is in memory, so no future below ever waits.
    while let Some(field) = ready(multipart.next_field())? {
        let name = field.name().unwrap_or_default().to_owned();
        let filename = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(ToString::to_string);
        let data = ready(field.bytes())?;
        if let Some(index) = file_index(&name) {
            let Some(filename) = filename else {
                return Err(bad_multipart());
            };
            if uploads.iter().any(|upload| upload.index == index) {
                return Err(bad_multipart());
            }
            uploads.push(Upload {
                index,
                filename,
                content_type,
                data,
            });
        } else if name == "payload_json" {
            payload = Some(parse_json(&data)?);
        } else {
            let text = String::from_utf8(data.to_vec()).map_err(|_| bad_multipart())?;
            let value = match text.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::String(text),
            };
            fields.insert(name, value);
        }
    }
    Ok(Body {
        payload: payload.unwrap_or(Value::Object(fields)),
        uploads,
    })
}

fn ready<T>(future: impl Future<Output = Result<T, multer::Error>>) -> ApiResult<T> {
    match future.now_or_never() {
        Some(Ok(value)) => Ok(value),
        Some(Err(_)) | None => Err(bad_multipart()),
    }
}

/// The n of `files[n]`; plain `file` is an older name for the first.
fn file_index(name: &str) -> Option<u64> {
    if name == "file" {
        return Some(0);
    }
    name.strip_prefix("files[")?.strip_suffix(']')?.parse().ok()
}
