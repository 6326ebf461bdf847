//! JSON that somebody hands to a command, typed or as a file: Discord's text options end at 6,000
//! characters.

use twilight_interactions::command::{CommandOption, CreateOption};
use twilight_model::channel::Attachment;

use super::Context;
use crate::discord::{CallError, Patience};
use crate::engine::query::Filter;
use crate::engine::query::plan::Via;
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::Host;
use crate::limits::ATTACHMENT_BYTES;
use crate::text::inline;

/// Where rows come from.
#[derive(CommandOption, CreateOption)]
pub(super) enum ViaOption {
    #[option(name = "memory: exact", value = "memory")]
    Memory,
    #[option(name = "search: what Discord's search finds", value = "search")]
    Search,
    #[option(name = "scan: all messages of the table's channel", value = "scan")]
    Scan,
}

impl From<ViaOption> for Via {
    fn from(via: ViaOption) -> Via {
        match via {
            ViaOption::Memory => Via::Memory,
            ViaOption::Search => Via::Search,
            ViaOption::Scan => Via::Scan,
        }
    }
}

/// The two options that one piece of JSON can come in.
pub(super) struct Options {
    pub json: &'static str,
    pub file: &'static str,
}

/// A text, and the option that it came in.
pub(super) struct Input {
    pub option: &'static str,
    pub text: String,
}

/// Reads whichever of the two was given.
pub(super) async fn read<H: Host>(
    context: &Context<H>,
    options: Options,
    json: Option<String>,
    file: Option<Attachment>,
) -> Result<Input> {
    let Options {
        json: json_name,
        file: file_name,
    } = options;
    match (json, file) {
        (Some(text), None) => Ok(Input {
            option: json_name,
            text,
        }),
        (None, Some(file)) => Ok(Input {
            option: file_name,
            text: fetch(context, json_name, file_name, &file).await?,
        }),
        (None, None) => Err(Error::invalid(
            json_name,
            format!("there is nothing in it, and nothing in `{file_name}` either."),
        )
        .hint("Give one of the two.")),
        (Some(_), Some(_)) => Err(Error::invalid(
            file_name,
            format!("there is something in `{json_name}` as well."),
        )
        .hint("Give only one of the two.")),
    }
}

/// The two options that a filter can come in.
pub(super) const WHERE: Options = Options {
    json: "where_json",
    file: "where_file",
};

/// Reads a filter; without one, every row matches.
pub(super) async fn filter<H: Host>(
    context: &Context<H>,
    json: Option<String>,
    file: Option<Attachment>,
) -> Result<Filter> {
    if json.is_none() && file.is_none() {
        return Filter::parse(WHERE.json, "{}");
    }
    let input = read(context, WHERE, json, file).await?;
    Filter::parse(input.option, &input.text)
}

/// Rows that a question shows where it does not say how many.
const DEFAULT_LIMIT: usize = 20;

/// How many rows at most.
pub(super) fn limit(given: Option<i64>) -> usize {
    given.map_or(DEFAULT_LIMIT, |_| number(given))
}

/// An option that is a number from 0 on, 0 without it.
pub(super) fn number(given: Option<i64>) -> usize {
    usize::try_from(given.unwrap_or_default()).unwrap_or_default()
}

async fn fetch<H: Host>(
    context: &Context<H>,
    json_name: &'static str,
    option: &'static str,
    file: &Attachment,
) -> Result<String> {
    let name = inline(&file.filename);
    check_size(option, &name, file.size)?;
    let client = context.engine.client();
    let bytes = client.download(&file.url, Patience::COMMAND).await;
    let bytes = bytes.map_err(|error| not_fetched(json_name, option, &name, &error))?;
    // What arrives need not be what was announced.
    check_size(option, &name, bytes.len() as u64)?;
    decode(option, &name, &bytes)
}

fn check_size(option: &'static str, name: &str, bytes: u64) -> Result<()> {
    if bytes <= ATTACHMENT_BYTES as u64 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!(
            "the file `{name}` has {bytes} bytes; at most {ATTACHMENT_BYTES} ({} MiB) are read.",
            ATTACHMENT_BYTES >> 20
        ),
    )
    .option(option))
}

fn not_fetched(
    json_name: &'static str,
    option: &'static str,
    name: &str,
    error: &CallError,
) -> Error {
    let (kind, message, hint) = match error {
        CallError::Refused { status: 404, .. } => (
            ErrorKind::NotFound,
            format!("the file `{name}` is not at Discord any more."),
            "Attach it again.".to_owned(),
        ),
        CallError::Refused { .. } | CallError::Blocked { .. } => (
            ErrorKind::Forbidden,
            format!("Discord does not let this Worker read files, so `{name}` cannot be fetched."),
            format!("What has at most 6,000 characters can be given in `{json_name}`."),
        ),
        error => (
            ErrorKind::Unavailable,
            format!("fetching the file `{name}` failed: {error}"),
            "Try again in a minute.".to_owned(),
        ),
    };
    Error::new(kind, message)
        .option(option)
        .written(Written::No)
        .hint(hint)
}

/// The file's text.
fn decode(option: &'static str, name: &str, bytes: &[u8]) -> Result<String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(
            Error::invalid(option, format!("the file `{name}` is in UTF-16."))
                .hint("Save it as UTF-8."),
        );
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(Error::invalid(
            option,
            format!(
                "the file `{name}` is no UTF-8 text: byte {} cannot be read.",
                error.valid_up_to() + 1
            ),
        )
        .hint("Save it as UTF-8.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_text_in_utf_8() {
        let decode = |bytes: &[u8]| decode("value_file", "row.json", bytes);
        assert_eq!(decode(b"{}").unwrap(), "{}");
        for (bytes, word) in [
            (&b"\xff\xfe{\0}\0"[..], "UTF-16"),
            (b"\xfe\xff\0{\0}", "UTF-16"),
            (b"{\"a\":\"\xe9\"}", "byte 7"),
            (b"\x1f\x8b\x08", "byte 2"),
        ] {
            let error = decode(bytes).unwrap_err();
            assert_eq!(error.option, Some("value_file"));
            assert!(error.message.contains(word), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_says_why() {
        let refused = |status| CallError::Refused {
            status,
            code: 0,
            message: "no".into(),
        };
        for (error, word) in [
            (refused(403), "`value_json`"),
            (CallError::Blocked { until: 0 }, "does not let this Worker"),
            (refused(404), "Attach it again"),
            (CallError::Failed("HTTP 500".into()), "Try again"),
        ] {
            let told = not_fetched("value_json", "value_file", "row.json", &error).to_string();
            assert!(told.contains(word), "{told}");
            assert!(told.contains("`value_file`"), "{told}");
            assert!(told.contains("Nothing was written"), "{told}");
        }
        assert!(check_size("value_file", "x", ATTACHMENT_BYTES as u64).is_ok());
        assert!(check_size("value_file", "x", ATTACHMENT_BYTES as u64 + 1).is_err());
    }
}
