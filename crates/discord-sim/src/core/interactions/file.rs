//! Files that people attach to commands.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

/// A file for an option of type attachment. In JSON: `{"filename", "text"}` or `{"filename", "base64"}`, and
/// `"content_type"` where it shall not be guessed from the name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct OptionFile {
    /// As the person's computer names it; Discord may clean it.
    pub filename: String,
    /// Guessed from the name where not given.
    pub content_type: Option<String>,
    pub data: Bytes,
}

impl OptionFile {
    pub fn new(filename: &str, data: impl Into<Bytes>) -> OptionFile {
        OptionFile {
            filename: filename.to_owned(),
            content_type: None,
            data: data.into(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    filename: String,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    base64: Option<String>,
}

impl TryFrom<Written> for OptionFile {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<OptionFile, &'static str> {
        let data = match (written.text, written.base64) {
            (Some(text), None) => Bytes::from(text),
            (None, Some(text)) => {
                let data = STANDARD.decode(text);
                Bytes::from(data.map_err(|_| "base64 is not standard base64 with padding")?)
            }
            _ => return Err("give either text or base64"),
        };
        Ok(OptionFile {
            filename: written.filename,
            content_type: written.content_type,
            data,
        })
    }
}
