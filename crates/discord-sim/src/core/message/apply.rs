//! Turning drafts into messages, and changing those that are there.

use bytes::Bytes;

use super::attachments::{
    self, Attachment, StoredFile, Upload, clean_filename, guess_content_type,
};
use super::draft::{AttachmentEntry, Draft};
use super::{Kind, Message, Origin, content, flags};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult, form_error};
use crate::core::guild::{User, permissions};
use crate::core::id::Id;
use crate::core::interactions::file::OptionFile;

/// Who writes a message, where, and on whose behalf.
pub(crate) struct Authorship {
    pub(crate) channel: Id,
    pub(crate) author: User,
    pub(crate) origin: Option<Origin>,
    /// Flags on top of those of the draft.
    pub(crate) flags: u64,
    /// How much too early the message's id says that it was made, in milliseconds.
    pub(crate) early_ms: u64,
}

impl Discord {
    /// Builds a message; the caller decides where it is kept. Its files are stored.
    pub(crate) fn compose(
        &mut self,
        now: u64,
        by: Authorship,
        draft: Draft,
        uploads: &[Upload],
    ) -> ApiResult<Message> {
        let flags = draft.flags.unwrap_or(0) | by.flags;
        let content = content::clean(draft.content.as_deref().unwrap_or_default());
        let files = self.accept_files(&[], draft.attachments.as_deref(), uploads)?;
        let mentions = self.mentions(&draft, &content, by.channel, by.author.id);
        let mut message = Message {
            id: Id(0),
            channel_id: by.channel,
            application_id: by.origin.as_ref().map(|_| self.application.id),
            author: by.author,
            content,
            embeds: draft.embeds.unwrap_or_default(),
            components: draft.components.unwrap_or_default(),
            attachments: Vec::new(),
            flags,
            tts: draft.tts,
            mentions,
            created_ms: now.saturating_sub(by.early_ms),
            posted_ms: now,
            edited_ms: None,
            pinned_ms: None,
            nonce: draft.nonce,
            kind: Kind::Ordinary,
            reference: None,
            had_thread: false,
            origin: by.origin,
        };
        if files.is_empty() && message.is_empty() {
            return Err(ApiError::empty_message());
        }
        message.id = self.ids.early(now, by.early_ms);
        let ephemeral = flags & flags::EPHEMERAL != 0;
        message.attachments = files
            .into_iter()
            .map(|file| self.store_file(now, by.channel, file, ephemeral))
            .collect();
        Ok(message)
    }

    /// Applies an edit to a copy of a message; the caller puts it back. Files that go are deleted.
    pub(crate) fn revise(
        &mut self,
        now: u64,
        old: &Message,
        draft: Draft,
        uploads: &[Upload],
    ) -> ApiResult<Message> {
        let mut message = old.clone();
        let mut edited = false;
        if let Some(content) = &draft.content {
            message.content = content::clean(content);
            message.mentions =
                self.mentions(&draft, &message.content, old.channel_id, old.author.id);
            edited = true;
        }
        if let Some(embeds) = draft.embeds {
            message.embeds = embeds;
            edited = true;
        }
        if let Some(components) = draft.components {
            message.components = components;
            edited = true;
        }
        if let Some(flags) = draft.flags {
            message.flags =
                message.flags & !flags::SUPPRESS_EMBEDS | flags & flags::SUPPRESS_EMBEDS;
        }
        let kept: Vec<Attachment> = match &draft.attachments {
            None => old.attachments.clone(),
            Some(entries) => old
                .attachments
                .iter()
                .filter_map(|file| keep(file, entries))
                .collect(),
        };
        edited |= draft.attachments.is_some() || !uploads.is_empty();
        let files = self.accept_files(&old.attachments, draft.attachments.as_deref(), uploads)?;
        if kept.len() + files.len() > attachments::ATTACHMENTS_MAX {
            return Err(too_many_attachments());
        }
        message.attachments = kept;
        message.flags &= !flags::LOADING;
        if files.is_empty() && message.is_empty() {
            return Err(ApiError::empty_message());
        }
        let ephemeral = message.flags & flags::EPHEMERAL != 0;
        for file in files {
            let stored = self.store_file(now, old.channel_id, file, ephemeral);
            message.attachments.push(stored);
        }
        for gone in old
            .attachments
            .iter()
            .filter(|file| !message.attachments.iter().any(|kept| kept.id == file.id))
        {
            self.files.remove(&gone.id);
        }
        if edited && old.flags & flags::LOADING == 0 {
            message.edited_ms = Some(now);
        }
        Ok(message)
    }

    fn mentions(&self, draft: &Draft, content: &str, channel: Id, author: Id) -> content::Mentions {
        let Some(channel) = self.channels.get(&channel) else {
            return content::Mentions::default();
        };
        let Some(guild) = self.guilds.get(&channel.guild_id) else {
            return content::Mentions::default();
        };
        let everyone = self.permissions_in(channel, author) & permissions::MENTION_EVERYONE != 0;
        let user = |id| self.users.get(&id);
        draft
            .allowed_mentions
            .apply(content, user, |id| guild.roles.contains_key(&id), everyone)
    }

    /// The uploads that a request attaches, under their final names.
    ///
    /// Where `attachments` is sent, only what it lists is attached (docs `reference`, "Editing Message Attachments").
    fn accept_files(
        &self,
        existing: &[Attachment],
        entries: Option<&[AttachmentEntry]>,
        uploads: &[Upload],
    ) -> ApiResult<Vec<NewFile>> {
        if uploads.len() > attachments::ATTACHMENTS_MAX {
            return Err(too_many_attachments());
        }
        if uploads
            .iter()
            .any(|upload| upload.data.len() > self.config.attachment_bytes_max)
        {
            return Err(ApiError::too_large());
        }
        if uploads.iter().any(|upload| upload.data.is_empty()) {
            return Err(ApiError::empty_message());
        }
        let Some(entries) = entries else {
            return Ok(uploads
                .iter()
                .map(|upload| NewFile::new(upload, None))
                .collect());
        };
        let mut files = Vec::new();
        for entry in entries {
            match uploads.iter().find(|upload| upload.index == entry.id.0) {
                Some(upload) => files.push(NewFile::new(upload, Some(entry))),
                None if existing.iter().any(|file| file.id == entry.id) => {}
                None => return Err(ApiError::uploaded_file_not_found()),
            }
        }
        Ok(files)
    }

    fn store_file(&mut self, now: u64, channel: Id, file: NewFile, ephemeral: bool) -> Attachment {
        let id = self.ids.next(now);
        let attachment = Attachment {
            id,
            filename: file.filename.clone(),
            size: file.data.len(),
            content_type: file.content_type.clone(),
            description: file.description,
            ephemeral,
        };
        let stored = StoredFile {
            channel_id: channel,
            filename: file.filename,
            content_type: file.content_type,
            data: file.data,
        };
        self.files.insert(id, stored);
        attachment
    }

    /// Stores a file that a person gave with a command.
    pub(crate) fn store_option_file(
        &mut self,
        now: u64,
        channel: Id,
        file: &OptionFile,
    ) -> Attachment {
        let upload = Upload {
            index: 0,
            filename: file.filename.clone(),
            content_type: file.content_type.clone(),
            data: file.data.clone(),
        };
        self.store_file(now, channel, NewFile::new(&upload, None), true)
    }
}

fn too_many_attachments() -> ApiError {
    let max = attachments::ATTACHMENTS_MAX;
    form_error(
        &["attachments"],
        "BASE_TYPE_MAX_LENGTH",
        format!("Must be {max} or fewer in length."),
    )
}

/// An attachment that an edit's list keeps, with its new description.
fn keep(file: &Attachment, entries: &[AttachmentEntry]) -> Option<Attachment> {
    let entry = entries.iter().find(|entry| entry.id == file.id)?;
    let mut file = file.clone();
    if entry.description.is_some() {
        file.description = entry.description.clone();
    }
    Some(file)
}

struct NewFile {
    filename: String,
    content_type: Option<String>,
    description: Option<String>,
    data: Bytes,
}

impl NewFile {
    fn new(upload: &Upload, entry: Option<&AttachmentEntry>) -> NewFile {
        let named = entry
            .and_then(|entry| entry.filename.as_deref())
            .unwrap_or(&upload.filename);
        let filename = clean_filename(named);
        NewFile {
            content_type: upload
                .content_type
                .clone()
                .or_else(|| guess_content_type(&filename).map(str::to_owned)),
            description: entry.and_then(|entry| entry.description.clone()),
            data: upload.data.clone(),
            filename,
        }
    }
}
