//! What tests do to this Discord from outside: make guilds, change permissions, order faults, look at everything.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::config::GuildSpec;
use super::faults::Fault;
use super::faults::plan::FaultPlan;
use super::guild::channel::{Channel, ChannelKind};
use super::guild::{GuildState, Member, Role, User, permissions};
use super::id::Id;
use super::traffic::Exchange;
use super::{Discord, Guild, Problem};

impl Discord {
    /// Makes a guild with a text channel `general`, people, and the bot with its managed role.
    pub fn create_guild(&mut self, now: u64, spec: GuildSpec) -> Guild {
        self.advance(now);
        let id = self.ids.next(now);
        let mut roles = BTreeMap::new();
        let mut members = BTreeMap::new();
        let mut users = BTreeMap::new();
        add_role(&mut roles, id, "@everyone", 0, None);
        let members_role = self.ids.next(now);
        add_role(
            &mut roles,
            members_role,
            "Members",
            permissions::MEMBERS_DEFAULT,
            None,
        );

        let plain = ["owner", "member"].map(|name| (name.to_owned(), None));
        let extra = spec
            .members
            .into_iter()
            .map(|member| (member.name, member.permissions));
        for (name, bits) in plain.into_iter().chain(extra) {
            let user = match users.get(&name) {
                Some(user) => *user,
                None => self.add_user(now, &name),
            };
            let mut own = vec![members_role];
            if let Some(bits) = bits {
                let role = self.ids.next(now);
                add_role(&mut roles, role, &name, bits & permissions::ALL, None);
                own.push(role);
            }
            members.insert(
                user,
                Member {
                    roles: own,
                    joined_ms: now,
                },
            );
            users.insert(name, user);
        }
        let bot = self.application.bot_user_id;
        let bot_role = self.ids.next(now);
        let bits = spec.bot_permissions.unwrap_or(permissions::BOT_DEFAULT) & permissions::ALL;
        add_role(&mut roles, bot_role, "dbcord", bits, Some(bot));
        members.insert(
            bot,
            Member {
                roles: vec![bot_role],
                joined_ms: now,
            },
        );

        let owner_id = users.get("owner").copied().unwrap_or_default();
        let (commands_scope, news) = (spec.commands_scope, spec.news);
        self.guilds.insert(
            id,
            GuildState {
                id,
                name: spec.name,
                owner_id,
                roles,
                members,
                commands_scope,
                news,
            },
        );
        let channel_id = self.ids.next(now);
        let general = Channel::new(channel_id, id, ChannelKind::Text, "general".to_owned());
        self.channels.insert(channel_id, general);
        Guild {
            guild_id: id,
            channel_id,
            users,
        }
    }

    fn add_user(&mut self, now: u64, name: &str) -> Id {
        let id = self.ids.next(now);
        self.users.insert(
            id,
            User {
                id,
                name: name.to_owned(),
                bot: false,
            },
        );
        id
    }

    /// Replaces the permissions of the bot's managed role.
    ///
    /// # Errors
    ///
    /// If there is no such guild.
    pub fn set_bot_permissions(&mut self, guild_id: Id, bits: u64) -> Result<(), Problem> {
        let bot = self.application.bot_user_id;
        let guild = self
            .guilds
            .get_mut(&guild_id)
            .ok_or_else(|| Problem::missing("there is no such guild"))?;
        for role in guild
            .roles
            .values_mut()
            .filter(|role| role.bot_id == Some(bot))
        {
            role.permissions = bits & permissions::ALL;
        }
        Ok(())
    }

    /// The channel that commands are typed in unless another is named.
    pub(crate) fn general_channel(&self, guild: Id) -> Option<&Channel> {
        let mut channels = self
            .channels
            .values()
            .filter(|c| c.guild_id == guild && c.kind == ChannelKind::Text);
        // Ids grow, so the channel that came with the guild is the first as long as it is there.
        channels.next()
    }

    /// Where interactions go, for `GET /applications/@me` and the traffic log.
    pub fn set_interactions_endpoint(&mut self, url: Option<String>) {
        self.interactions_endpoint = url;
    }

    /// See [`Discord::set_interactions_endpoint`].
    pub fn interactions_endpoint(&self) -> Option<&str> {
        self.interactions_endpoint.as_deref()
    }

    /// Arms a fault and returns its number.
    ///
    /// # Errors
    ///
    /// If its path is no regular expression, its method no method, or its status makes no sense.
    pub fn inject(&mut self, fault: Fault) -> Result<u64, Problem> {
        self.faults.inject(fault)
    }

    /// Lets each of the application's requests draw its fate from a plan, or no longer. Armed faults go first.
    ///
    /// # Errors
    ///
    /// If its rates are none or its times are more than a fault can last.
    pub fn set_fault_plan(&mut self, plan: Option<FaultPlan>) -> Result<(), Problem> {
        self.faults.set_plan(plan)
    }

    /// Disarms all faults that were armed by [`Discord::inject`].
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Everything exchanged with the application from number `since` on, as far as it is still kept
    /// ([`Config::traffic_kept`](crate::Config::traffic_kept)).
    pub fn traffic(&self, since: u64) -> &[Exchange] {
        self.traffic.since(since)
    }

    /// How many exchanges there were, kept or not; the number of the next one.
    pub fn traffic_next(&self) -> u64 {
        self.traffic.next()
    }

    /// Answers of 401, 403 and 429 that count towards a ban, in the 10 minutes before `now`.
    pub fn invalid_requests(&self, now: u64) -> usize {
        self.invalid.count(now)
    }

    /// How many there are of guilds, channels, messages, interactions and logged exchanges.
    pub fn counts(&self) -> Value {
        json!({
            "guilds": self.guilds.len(),
            "channels": self.channels.len(),
            "messages": self.channels.values().map(|channel| channel.messages.len()).sum::<usize>(),
            "files": self.files.len(),
            "interactions": self.interactions.len(),
            "exchanges": self.traffic_next(),
        })
    }

    /// A guild with its channels, its threads and all their messages, oldest first; `null` if there is none with that
    /// id. Attachment URLs are signed as of the latest call that took `now`.
    pub fn guild_state(&self, id: Id) -> Value {
        let Some(guild) = self.guilds.get(&id) else {
            return Value::Null;
        };
        let show = |channel: &&Channel| {
            let mut body = channel.json(self.application.bot_user_id);
            if channel.kind == ChannelKind::Category {
                body["topic"] = Value::Null;
            }
            body["messages"] = channel
                .messages
                .values()
                .map(|message| self.show(self.latest_ms, message))
                .collect();
            body
        };
        let channels: Vec<Value> = self.guild_channels(id).iter().map(show).collect();
        let threads = self
            .channels
            .values()
            .filter(|channel| channel.guild_id == id && channel.thread.is_some());
        let threads: Vec<Value> = threads.map(|thread| show(&thread)).collect();
        json!({"id": id, "name": guild.name, "channels": channels, "threads": threads})
    }
}

fn add_role(
    roles: &mut BTreeMap<Id, Role>,
    id: Id,
    name: &str,
    permissions: u64,
    bot_id: Option<Id>,
) {
    let position = i64::try_from(roles.len()).unwrap_or(i64::MAX);
    let role = Role {
        id,
        name: name.to_owned(),
        permissions,
        position,
        color: 0,
        hoist: false,
        mentionable: false,
        bot_id,
    };
    roles.insert(id, role);
}
