//! Drafts: what a request wants a message to hold, checked but not yet applied.

use serde_json::Value;

use super::content::{AllowedMentions, CONTENT_MAX, read_nonce};
use super::{attachments, components, embeds, flags};
use crate::core::error::{ApiResult, FormErrors};
use crate::core::form::Form;
use crate::core::id::Id;

/// Which route a draft came by; they differ in what they accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A message in a channel.
    Create,
    /// Any change of an existing message.
    Edit,
    /// A follow-up, or the answer to an interaction.
    Webhook,
}

/// An entry of a request's `attachments`: an upload's index or an existing attachment's id.
#[derive(Clone, Debug)]
pub(crate) struct AttachmentEntry {
    pub(crate) id: Id,
    pub(crate) filename: Option<String>,
    pub(crate) description: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct MessageReference {
    pub(crate) message: Id,
    pub(crate) fail_if_not_exists: bool,
}

/// The fields of a message request. `None` is "not sent", which an edit leaves alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(crate) content: Option<String>,
    pub(crate) embeds: Option<Vec<Value>>,
    pub(crate) components: Option<Vec<Value>>,
    pub(crate) attachments: Option<Vec<AttachmentEntry>>,
    pub(crate) flags: Option<u64>,
    pub(crate) allowed_mentions: AllowedMentions,
    pub(crate) tts: bool,
    pub(crate) nonce: Option<Value>,
    pub(crate) enforce_nonce: bool,
    pub(crate) reference: Option<MessageReference>,
}

impl Draft {
    /// Reads and checks a message form. `path` is where the form stands in the request, for errors.
    pub(crate) fn read(body: &Value, path: &[&str], purpose: Purpose) -> ApiResult<Draft> {
        let mut errors = FormErrors::default();
        let path = path.iter().map(|step| (*step).to_owned()).collect();
        let mut form = Form::new(body, path, &mut errors);
        let mut draft = Draft {
            content: form.string("content", 0, CONTENT_MAX),
            embeds: embeds::read(&mut form),
            components: components::read(&mut form),
            attachments: read_attachments(&mut form),
            flags: read_flags(&mut form, purpose),
            tts: form.boolean("tts").unwrap_or(false),
            ..Draft::default()
        };
        // An explicit null empties the field; for a creation that is the same as leaving it out.
        if form.has("content") && form.raw("content").is_none() {
            draft.content = Some(String::new());
        }
        if form.has("embeds") && form.raw("embeds").is_none() {
            draft.embeds = Some(Vec::new());
        }
        if form.has("components") && form.raw("components").is_none() {
            draft.components = Some(Vec::new());
        }
        if let Some(allowed) = form.nested("allowed_mentions") {
            draft.allowed_mentions = AllowedMentions::read(allowed);
        }
        if purpose == Purpose::Create {
            draft.nonce = read_nonce(&mut form);
            draft.enforce_nonce = form.boolean("enforce_nonce").unwrap_or(false);
            draft.reference = read_reference(&mut form);
        }
        for field in ["poll", "sticker_ids"] {
            let given = form
                .raw(field)
                .is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()));
            if given {
                form.fail(
                    field,
                    "NOT_SIMULATED",
                    "This simulator does not know this field.",
                );
            }
        }
        errors.finish()?;
        Ok(draft)
    }
}

fn read_attachments(form: &mut Form<'_>) -> Option<Vec<AttachmentEntry>> {
    if form.has("attachments") && form.raw("attachments").is_none() {
        return Some(Vec::new());
    }
    let items = form.list("attachments", attachments::ATTACHMENTS_MAX)?;
    let mut entries: Vec<AttachmentEntry> = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        let mut entry = form.item("attachments", n, item);
        entry.require("id");
        let filename = entry.string("filename", 1, 1_024);
        let description = entry.string("description", 0, 1_024);
        let Some(id) = entry.snowflake("id") else {
            continue;
        };
        if entries.iter().any(|other| other.id == id) {
            entry.fail(
                "id",
                "SET_TYPE_ALREADY_CONTAINS_VALUE",
                "The set already contains this value",
            );
        }
        entries.push(AttachmentEntry {
            id,
            filename,
            description,
        });
    }
    Some(entries)
}

/// Reads `flags`. A creation may set only those the docs list for it; an edit carries the message's other flags along,
/// so there the rest is ignored (docs `resources/message`, "Edit Message").
fn read_flags(form: &mut Form<'_>, purpose: Purpose) -> Option<u64> {
    let value = form.integer("flags", 0, (1 << 53) - 1)?;
    let bits = u64::try_from(value).unwrap_or_default();
    let settable = match purpose {
        Purpose::Create => flags::SUPPRESS_EMBEDS | flags::SUPPRESS_NOTIFICATIONS,
        Purpose::Edit => return Some(bits & flags::SUPPRESS_EMBEDS),
        Purpose::Webhook => {
            flags::SUPPRESS_EMBEDS | flags::SUPPRESS_NOTIFICATIONS | flags::EPHEMERAL
        }
    };
    if bits & !settable != 0 {
        form.fail(
            "flags",
            "MESSAGE_FLAGS_INVALID",
            format!("Only these flags can be set here: {settable}."),
        );
        return None;
    }
    Some(bits)
}

fn read_reference(form: &mut Form<'_>) -> Option<MessageReference> {
    let mut reference = form.nested("message_reference")?;
    reference.choice("type", &[0]);
    reference.require("message_id");
    let fail_if_not_exists = reference.boolean("fail_if_not_exists").unwrap_or(true);
    Some(MessageReference {
        message: reference.snowflake("message_id")?,
        fail_if_not_exists,
    })
}
