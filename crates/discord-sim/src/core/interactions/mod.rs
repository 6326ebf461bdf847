//! Interactions: a person runs a slash command, Discord signs and sends it, the application answers.
//!
//! Docs `interactions/receiving-and-responding`.

pub(crate) mod answer;
pub(crate) mod file;
mod options;
mod payload;
pub(crate) mod text;
pub(crate) mod view;
pub(crate) mod webhook;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};

use self::file::OptionFile;
use self::view::DeliveryReport;
use super::guild::{User, permissions};
use super::id::Id;
use super::message::Message;
use super::time::iso8601;
use super::{Discord, Problem};

/// The first answer must be there within this time; later the token is void.
pub(crate) const FIRST_ANSWER_MS: u64 = 3_000;
/// How long a token is good for edits and follow-ups.
pub(crate) const TOKEN_MS: u64 = 15 * 60 * 1_000;

/// What a person types, or what their client would make of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InteractionSpec {
    pub guild_id: Id,
    /// `general` by default.
    #[serde(default)]
    pub channel_id: Option<Id>,
    /// The owner by default.
    #[serde(default)]
    pub user_id: Option<Id>,
    /// `/name option:value option2:value`. The value of an attachment option is `@` and a name in `files`.
    #[serde(default)]
    pub text: Option<String>,
    /// Instead of `text`: the command's name, with its subcommands after blanks.
    #[serde(default)]
    pub command: Option<String>,
    /// For `command`: values by option name. An attachment is an [`OptionFile`] as JSON, or `@` and a name in `files`.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// What attachment options refer to, by any name.
    #[serde(default)]
    pub files: BTreeMap<String, OptionFile>,
    /// The option that is being typed: sends an autocomplete interaction, in which required options may be missing.
    #[serde(default)]
    pub autocomplete: Option<String>,
}

impl InteractionSpec {
    /// `text` typed by the owner in `general`.
    pub fn text(guild_id: Id, text: &str) -> InteractionSpec {
        InteractionSpec {
            guild_id,
            channel_id: None,
            user_id: None,
            text: Some(text.to_owned()),
            command: None,
            options: Map::new(),
            files: BTreeMap::new(),
            autocomplete: None,
        }
    }

    /// A command run by the owner in `general`.
    pub fn command(guild_id: Id, name: &str, options: Map<String, Value>) -> InteractionSpec {
        InteractionSpec {
            text: None,
            command: Some(name.to_owned()),
            options,
            ..InteractionSpec::text(guild_id, "")
        }
    }

    /// With a file, which an option names as `@name`. The name is also the file's.
    #[must_use]
    pub fn file(mut self, name: &str, data: impl Into<Bytes>) -> InteractionSpec {
        self.files
            .insert(name.to_owned(), OptionFile::new(name, data));
        self
    }
}

/// A signed request to the application's interactions endpoint.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub interaction_id: Id,
    pub token: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Sent, not answered.
    Pending,
    Answered,
    /// Answered with "thinking"; the reply is still to come.
    Deferred,
    Failed(String),
}

/// A message that answers an interaction: one in the channel, or one that only the asker sees.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    Public(Id),
    Ephemeral(Box<Message>),
}

impl Slot {
    pub(crate) fn id(&self) -> Id {
        match self {
            Slot::Public(id) => *id,
            Slot::Ephemeral(message) => message.id,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Interaction {
    pub(crate) id: Id,
    pub(crate) token: String,
    pub(crate) guild_id: Id,
    pub(crate) channel_id: Id,
    pub(crate) user: User,
    pub(crate) command: String,
    /// For autocomplete: the type of the option that is being typed.
    pub(crate) focused_kind: Option<i64>,
    pub(crate) created_ms: u64,
    pub(crate) state: State,
    pub(crate) ephemeral: bool,
    pub(crate) original: Option<Slot>,
    pub(crate) followups: Vec<Slot>,
    pub(crate) choices: Option<Vec<Value>>,
    pub(crate) report: Option<DeliveryReport>,
    pub(crate) delivery: Delivery,
}

impl Interaction {
    pub(crate) fn is_autocomplete(&self) -> bool {
        self.focused_kind.is_some()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Interactions {
    by_id: BTreeMap<Id, Interaction>,
    by_token: BTreeMap<String, Id>,
    /// Those that time may still change, so that the passing of time does not cost a look at all of them.
    open: Vec<Id>,
}

impl Interactions {
    pub(crate) fn get(&self, id: Id) -> Option<&Interaction> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut Interaction> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn with_token(&self, token: &str) -> Option<&Interaction> {
        self.by_id.get(self.by_token.get(token)?)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    fn insert(&mut self, interaction: Interaction) {
        self.open.push(interaction.id);
        self.by_token
            .insert(interaction.token.clone(), interaction.id);
        self.by_id.insert(interaction.id, interaction);
    }
}

impl Discord {
    /// Makes the signed request that Discord would send for a command; the caller delivers it and reports what came
    /// back with [`Discord::answered`].
    ///
    /// # Errors
    ///
    /// What Discord's client would not let a person send: unknown command or option, a missing or ill-typed value, no
    /// permission to use the command there.
    pub fn interact(&mut self, now: u64, spec: InteractionSpec) -> Result<Delivery, Problem> {
        self.advance(now);
        let guild = self
            .guilds
            .get(&spec.guild_id)
            .ok_or_else(|| Problem::missing("there is no such guild"))?;
        if !guild.commands_scope {
            return Err(Problem::forbidden(
                "the application was not invited there with applications.commands",
            ));
        }
        let user_id = spec.user_id.unwrap_or(guild.owner_id);
        let user = self
            .users
            .get(&user_id)
            .filter(|user| guild.members.contains_key(&user.id));
        let user = user
            .ok_or_else(|| Problem::missing(format!("user {user_id} is not in that guild")))?
            .clone();
        if user.bot {
            return Err(Problem::bad("bots cannot run commands"));
        }
        let channel = match spec.channel_id {
            Some(id) => self
                .channels
                .get(&id)
                .filter(|channel| channel.guild_id == guild.id),
            None => self.general_channel(guild.id),
        };
        let channel =
            channel.ok_or_else(|| Problem::missing("there is no such channel in that guild"))?;
        let bits = self.permissions_in(channel, user.id);
        if bits & (permissions::VIEW_CHANNEL | permissions::USE_APPLICATION_COMMANDS)
            != permissions::VIEW_CHANNEL | permissions::USE_APPLICATION_COMMANDS
        {
            return Err(Problem::forbidden(format!(
                "{} cannot use commands in #{}",
                user.name, channel.name
            )));
        }
        if channel
            .thread
            .as_ref()
            .is_some_and(|thread| thread.archived)
        {
            return Err(Problem::forbidden(
                "nobody can use commands in an archived thread",
            ));
        }
        let (guild_id, channel_id) = (guild.id, channel.id);
        let invocation = text::resolve(self, &spec)?;
        if let Some(needed) = invocation.command.member_permissions() {
            let enough = if needed == 0 {
                bits == permissions::ALL
            } else {
                bits & needed == needed
            };
            if !enough {
                let problem = format!(
                    "{} lacks the permissions that /{} needs",
                    user.name, invocation.name
                );
                return Err(Problem::forbidden(problem));
            }
        }
        let command = invocation.name.clone();
        let data = options::fill(self, now, guild_id, channel_id, &invocation)?;
        let id = self.ids.next(now);
        let token = self.interaction_token(id);
        let body = payload::build(
            self,
            &payload::Source {
                id,
                token: &token,
                guild_id,
                channel_id,
                user: &user,
                kind: if data.focused_kind.is_some() { 4 } else { 2 },
                data: data.json,
            },
        );
        let delivery = self.sign(now, id, token.clone(), Bytes::from(body.to_string()));
        self.interactions.insert(Interaction {
            id,
            token,
            guild_id,
            channel_id,
            user,
            command,
            focused_kind: data.focused_kind,
            created_ms: now,
            state: State::Pending,
            ephemeral: false,
            original: None,
            followups: Vec::new(),
            choices: None,
            report: None,
            delivery: delivery.clone(),
        });
        Ok(delivery)
    }

    /// The very same request again, as an attacker who recorded it would send it.
    pub fn delivery(&self, id: Id) -> Option<&Delivery> {
        self.interactions
            .get(id)
            .map(|interaction| &interaction.delivery)
    }

    /// A PING as Discord sends when an endpoint URL is saved: well signed, or with a signature that does not fit.
    pub fn ping(&mut self, now: u64, well_signed: bool) -> Delivery {
        let id = self.ids.next(now);
        let token = self.interaction_token(id);
        let body = payload::ping(self, id, &token);
        let mut delivery = self.sign(now, id, token, Bytes::from(body.to_string()));
        if !well_signed {
            let signature = self.application.sign("0", &delivery.body);
            if let Ok(value) = HeaderValue::from_str(&signature) {
                delivery.headers.insert("x-signature-ed25519", value);
            }
        }
        delivery
    }

    fn sign(&self, now: u64, interaction_id: Id, token: String, body: Bytes) -> Delivery {
        let timestamp = (now / 1_000).to_string();
        let signature = self.application.sign(&timestamp, &body);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let agent = "Discord-Interactions/1.0 (+https://discord.com)";
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        for (name, text) in [
            ("x-signature-ed25519", signature),
            ("x-signature-timestamp", timestamp),
        ] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
        Delivery {
            interaction_id,
            token,
            headers,
            body,
        }
    }

    /// An opaque token, unguessable in form and reproducible from the seed.
    fn interaction_token(&mut self, id: Id) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let noise: Vec<u8> = (0..96).map(|_| self.rng.u8(..)).collect();
        let mut raw = format!("interaction:{id}:").into_bytes();
        raw.extend_from_slice(hex::encode(noise).as_bytes());
        URL_SAFE_NO_PAD.encode(raw)
    }

    /// Makes failures of first answers that are overdue, and of deferred replies whose token has run out.
    pub(crate) fn expire_interactions(&mut self, now: u64) {
        let Interactions { by_id, open, .. } = &mut self.interactions;
        open.retain(|id| {
            let Some(interaction) = by_id.get_mut(id) else {
                return false;
            };
            let age = now.saturating_sub(interaction.created_ms);
            match interaction.state {
                State::Pending if age > FIRST_ANSWER_MS => {
                    interaction.state =
                        State::Failed("no first answer within 3 seconds".to_owned());
                    false
                }
                State::Deferred if age > TOKEN_MS => {
                    let asked = iso8601(interaction.created_ms);
                    let text = format!("deferred, but not answered within 15 minutes of {asked}");
                    interaction.state = State::Failed(text);
                    false
                }
                State::Pending | State::Deferred => true,
                State::Answered | State::Failed(_) => false,
            }
        });
    }
}
