//! Attachments: their names, and the signed URLs they are read from.
//!
//! Uploading and URL parameters: docs `reference`, "Uploading Files" and "Signed Attachment CDN URLs".

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::core::id::Id;

pub(crate) const ATTACHMENTS_MAX: usize = 10;
/// How long a signed URL is good, in seconds. Discord's last about a day.
const URL_TTL_S: u64 = 24 * 60 * 60;

const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// A file as it arrived in a multipart request.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// The n of `files[n]`.
    pub(crate) index: u64,
    pub(crate) filename: String,
    pub(crate) content_type: Option<String>,
    pub(crate) data: Bytes,
}

/// What a message knows of a file; the bytes are in [`StoredFile`].
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: Id,
    pub(crate) filename: String,
    pub(crate) size: usize,
    pub(crate) content_type: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) ephemeral: bool,
}

impl Attachment {
    /// A `MessageAttachmentResponse`.
    pub(crate) fn json(&self, channel: Id, now: u64, urls: &UrlSigner) -> Value {
        let url = urls.sign(channel, self.id, &self.filename, now);
        let mut attachment = json!({
            "id": self.id,
            "filename": self.filename,
            "size": self.size,
            "url": url,
            "proxy_url": url,
        });
        if let Some(kind) = &self.content_type {
            attachment["content_type"] = json!(kind);
        }
        if let Some(text) = &self.description {
            attachment["description"] = json!(text);
        }
        if self.ephemeral {
            attachment["ephemeral"] = json!(true);
        }
        attachment
    }
}

/// A file on the CDN.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) channel_id: Id,
    pub(crate) filename: String,
    pub(crate) content_type: Option<String>,
    pub(crate) data: Bytes,
}

/// Makes and checks the URLs of attachments.
#[derive(Clone, Debug)]
pub(crate) struct UrlSigner {
    base_url: String,
    /// Padded with zeros to the hash's block, as HMAC itself would.
    key: [u8; 64],
}

impl UrlSigner {
    pub(crate) fn new(base_url: &str, key: [u8; 32]) -> UrlSigner {
        let mut padded = [0; 64];
        padded[..32].copy_from_slice(&key);
        UrlSigner {
            base_url: base_url.trim_end_matches('/').to_owned(),
            key: padded,
        }
    }

    pub(crate) fn sign(&self, channel: Id, attachment: Id, filename: &str, now: u64) -> String {
        let issued = now / 1_000;
        let (ex, is) = (format!("{:x}", issued + URL_TTL_S), format!("{issued:x}"));
        let path = path(channel, attachment, filename);
        let hm = hex::encode(self.mac(&path, &ex, &is).finalize().into_bytes());
        format!("{}{path}?ex={ex}&is={is}&hm={hm}&", self.base_url)
    }

    /// Whether a URL with these parameters was made by [`UrlSigner::sign`] and has not expired.
    pub(crate) fn is_valid(
        &self,
        file: (Id, Id, &str),
        ex: &str,
        is: &str,
        hm: &str,
        now: u64,
    ) -> bool {
        let (Ok(expires), Ok(hm)) = (u64::from_str_radix(ex, 16), hex::decode(hm)) else {
            return false;
        };
        let path = path(file.0, file.1, file.2);
        now / 1_000 < expires && self.mac(&path, ex, is).verify_slice(&hm).is_ok()
    }

    fn mac(&self, path: &str, ex: &str, is: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(format!("{path}?{ex}&{is}").as_bytes());
        mac
    }
}

fn path(channel: Id, attachment: Id, filename: &str) -> String {
    format!(
        "/attachments/{channel}/{attachment}/{}",
        utf8_percent_encode(filename, PATH_SEGMENT)
    )
}

/// A file name as Discord stores it: blanks become `_`, and only letters, digits, `_`, `-` and `.` stay.
pub(crate) fn clean_filename(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| if c.is_whitespace() { '_' } else { c })
        .filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        .collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() {
        "unknown".to_owned()
    } else {
        name.to_owned()
    }
}

/// The type a file is served as when its part named none.
pub(crate) fn guess_content_type(filename: &str) -> Option<&'static str> {
    let (_, extension) = filename.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "json" => "application/json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "gz" => "application/gzip",
        "zip" => "application/zip",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        _ => return None,
    })
}
