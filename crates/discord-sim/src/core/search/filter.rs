//! Which messages a search asks for, apart from their words.
//!
//! Docs `resources/message`, "Search Guild Messages". What several values of one parameter mean is not documented: a
//! message must fit one of the authors, mentions, file names and so on, and every one of the `has`.

use std::collections::BTreeMap;

use super::words::Word;
use crate::core::guild::channel::Channel;
use crate::core::id::Id;
use crate::core::message::{Kind, Message, flags};

/// A search, its form checked.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    /// Excluded, both of them: "before" and "after this message ID".
    pub(crate) min_id: Option<Id>,
    pub(crate) max_id: Option<Id>,
    pub(crate) slop: usize,
    /// `None` where content does not matter.
    pub(crate) words: Option<Vec<Word>>,
    pub(crate) channels: Vec<Id>,
    pub(crate) author_types: Vec<(AuthorType, bool)>,
    pub(crate) authors: Vec<Id>,
    pub(crate) mentions: Vec<Id>,
    pub(crate) mentioned_roles: Vec<Id>,
    pub(crate) mention_everyone: Option<bool>,
    pub(crate) replied_to_users: Vec<Id>,
    pub(crate) replied_to_messages: Vec<Id>,
    pub(crate) pinned: Option<bool>,
    pub(crate) has: Vec<(Has, bool)>,
    /// Whether any type of embed was asked for.
    pub(crate) by_embed_type: bool,
    pub(crate) embed_providers: Vec<String>,
    pub(crate) link_hostnames: Vec<String>,
    pub(crate) filenames: Vec<String>,
    pub(crate) extensions: Vec<String>,
    pub(crate) by_relevance: bool,
    pub(crate) ascending: bool,
    pub(crate) include_nsfw: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthorType {
    User,
    Bot,
    Webhook,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Has {
    Link,
    Embed,
    File,
    Image,
    Video,
    Sound,
    /// Stickers, polls and forwarded messages, of which this Discord has none.
    Nothing,
}

impl Query {
    /// Whether a message fits all but the words, the channels and the ids.
    pub(super) fn fits(&self, message: &Message, channels: &BTreeMap<Id, Channel>) -> bool {
        let any_or_none = |wanted: &[Id], fits: &dyn Fn(Id) -> bool| {
            wanted.is_empty() || wanted.iter().any(|id| fits(*id))
        };
        any_or_none(&self.authors, &|id| message.author.id == id)
            && self.fits_author_type(message)
            && self
                .pinned
                .is_none_or(|wanted| wanted == message.pinned_ms.is_some())
            && self
                .mention_everyone
                .is_none_or(|wanted| wanted == message.mentions.everyone)
            && any_or_none(&self.mentions, &|id| {
                message.mentions.users.iter().any(|user| user.id == id)
            })
            && any_or_none(&self.mentioned_roles, &|id| {
                message.mentions.roles.contains(&id)
            })
            && self.fits_reply(message, channels)
            && self
                .has
                .iter()
                .all(|(what, wanted)| has(message, *what) == *wanted)
            && self.fits_embeds(message)
            && self.fits_links(message)
            && self.fits_files(message)
    }

    /// Whether [`Query::fits`] says yes to whatever there is.
    pub(super) fn fits_all(&self) -> bool {
        let ids = [
            &self.authors,
            &self.mentions,
            &self.mentioned_roles,
            &self.replied_to_users,
            &self.replied_to_messages,
        ];
        let texts = [
            &self.embed_providers,
            &self.link_hostnames,
            &self.filenames,
            &self.extensions,
        ];
        let flags = [self.pinned, self.mention_everyone];
        ids.iter().all(|ids| ids.is_empty())
            && texts.iter().all(|texts| texts.is_empty())
            && flags.iter().all(Option::is_none)
            && self.author_types.is_empty()
            && self.has.is_empty()
            && !self.by_embed_type
    }

    /// Types ask for one of those named, or for none of those named with `-`.
    fn fits_author_type(&self, message: &Message) -> bool {
        let own = author_type(message);
        let mut wanted = self.author_types.iter().filter(|(_, wanted)| *wanted);
        let none_wanted = wanted.clone().next().is_none();
        (none_wanted || wanted.any(|(kind, _)| *kind == own))
            && !self.author_types.contains(&(own, false))
    }

    fn fits_reply(&self, message: &Message, channels: &BTreeMap<Id, Channel>) -> bool {
        if self.replied_to_users.is_empty() && self.replied_to_messages.is_empty() {
            return true;
        }
        let reference = message.reference.filter(|_| message.kind == Kind::Ordinary);
        let Some((channel, id)) = reference.and_then(|to| Some((to.channel, to.message?))) else {
            return false;
        };
        let author = || {
            let replied_to = channels.get(&channel)?.messages.get(&id)?;
            Some(replied_to.author.id)
        };
        (self.replied_to_messages.is_empty() || self.replied_to_messages.contains(&id))
            && (self.replied_to_users.is_empty()
                || author().is_some_and(|author| self.replied_to_users.contains(&author)))
    }

    /// All embeds here are `rich`, made by applications, and so are of none of the types that can be searched for, and have
    /// no provider: applications cannot set one (docs, "Create Message", "Limitations").
    fn fits_embeds(&self, message: &Message) -> bool {
        let provided = |provider: &String| {
            let shown = shown_embeds(message);
            shown
                .iter()
                .any(|embed| embed["provider"]["name"] == **provider)
        };
        !self.by_embed_type
            && (self.embed_providers.is_empty() || self.embed_providers.iter().any(provided))
    }

    fn fits_links(&self, message: &Message) -> bool {
        self.link_hostnames.is_empty()
            || hostnames(&message.content).any(|host| {
                let mut wanted = self.link_hostnames.iter();
                wanted.any(|wanted| wanted.eq_ignore_ascii_case(host))
            })
    }

    /// Names in full, and whatever their capitals: not documented.
    fn fits_files(&self, message: &Message) -> bool {
        let named = |wanted: &String| {
            let mut files = message.attachments.iter();
            files.any(|file| file.filename.eq_ignore_ascii_case(wanted))
        };
        let ends = |wanted: &String| {
            let mut files = message.attachments.iter();
            files.any(|file| {
                let extension = file
                    .filename
                    .rsplit_once('.')
                    .map(|(_, extension)| extension);
                extension.is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
            })
        };
        (self.filenames.is_empty() || self.filenames.iter().any(named))
            && (self.extensions.is_empty() || self.extensions.iter().any(ends))
    }
}

/// Answers to interactions carry a `webhook_id`: they were sent by the application's webhook, not by the bot's account.
fn author_type(message: &Message) -> AuthorType {
    match (&message.origin, message.author.bot) {
        (Some(_), _) => AuthorType::Webhook,
        (None, true) => AuthorType::Bot,
        (None, false) => AuthorType::User,
    }
}

fn has(message: &Message, what: Has) -> bool {
    let file = |kind: &str| {
        let mut files = message.attachments.iter();
        files.any(|file| {
            let own = file.content_type.as_deref().unwrap_or_default();
            own.starts_with(kind)
        })
    };
    match what {
        Has::Link => hostnames(&message.content).next().is_some(),
        Has::Embed => !shown_embeds(message).is_empty(),
        Has::File => !message.attachments.is_empty(),
        Has::Image => file("image/"),
        Has::Video => file("video/"),
        Has::Sound => file("audio/"),
        Has::Nothing => false,
    }
}

fn shown_embeds(message: &Message) -> &[serde_json::Value] {
    if message.flags & flags::SUPPRESS_EMBEDS == 0 {
        &message.embeds
    } else {
        &[]
    }
}

/// The hosts of the web addresses in a text.
fn hostnames(text: &str) -> impl Iterator<Item = &str> {
    ["https://", "http://"]
        .into_iter()
        .flat_map(|scheme| text.split(scheme).skip(1))
        .filter_map(|rest| {
            let ends = |c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.'));
            let host = rest.split(ends).next()?;
            (!host.is_empty()).then_some(host)
        })
}
