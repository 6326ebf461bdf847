//! The Durable Object: one a guild.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use worker::{DurableObject, Env, Request, Response, Result, State, console_error, durable_object};

use super::host::ObjectHost;
use crate::host::Durable;
use crate::instance::Instance;
use crate::interactions::Interaction;

type Guild = Instance<ObjectHost>;

thread_local! {
    /// The instances of this isolate's objects, by object id. The wasm heap outlives an object:
    /// its Rust value is never dropped when the object is evicted, so what it holds must be
    /// reachable from elsewhere to be let go of.
    static REGISTRY: RefCell<HashMap<String, Rc<Guild>>> = RefCell::default();
}

/// Where the guild's id is kept, for alarms that find nothing else.
const GUILD_KEY: &str = "guild";

#[durable_object(alarm)]
pub struct GuildObject {
    id: String,
    host: Rc<ObjectHost>,
    env: Env,
}

impl DurableObject for GuildObject {
    fn new(state: State, env: Env) -> Self {
        let id = state.id().to_string();
        let predecessor = REGISTRY.with_borrow_mut(|registry| registry.remove(&id));
        if let Some(predecessor) = predecessor {
            predecessor.dispose();
        }
        GuildObject {
            id,
            host: Rc::new(ObjectHost::new(Rc::new(state))),
            env,
        }
    }

    /// Only the entry calls this, with the body of a verified interaction.
    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        let interaction = match Interaction::parse(&body) {
            Ok(interaction) => interaction,
            Err(problem) => return Response::error(problem, 400),
        };
        let Some(guild) = interaction.guild_id else {
            return Response::error("The interaction belongs to no guild.", 400);
        };
        let guild = guild.get();
        let known = REGISTRY.with_borrow(|registry| registry.contains_key(&self.id));
        if !known {
            self.note_guild(guild).await;
        }
        let Some(instance) = self.instance(guild) else {
            return Response::error("dbcord is not configured.", 500);
        };
        let callback = instance.handle(interaction).await;
        Response::from_json(&callback.to_json())
    }

    async fn alarm(&self) -> Result<Response> {
        let guild = match self.host.load(GUILD_KEY).await {
            Ok(guild) => guild.and_then(|text| text.parse().ok()),
            // An error is retried by the runtime.
            Err(error) => return Err(worker::Error::RustError(error.to_string())),
        };
        if let Some(instance) = guild.and_then(|guild| self.instance(guild)) {
            let rung = instance.alarm().await;
            rung.map_err(|error| worker::Error::RustError(error.to_string()))?;
        }
        Response::empty()
    }
}

impl GuildObject {
    /// This object's instance, made at its first use.
    fn instance(&self, guild: u64) -> Option<Rc<Guild>> {
        let known = REGISTRY.with_borrow(|registry| registry.get(&self.id).cloned());
        if known.is_some() {
            return known;
        }
        let config = match super::config(&self.env) {
            Ok(config) => config,
            Err(error) => {
                console_error!("{error}");
                return None;
            }
        };
        let instance = Instance::new(Rc::clone(&self.host), config, guild);
        REGISTRY.with_borrow_mut(|registry| {
            registry.insert(self.id.clone(), Rc::clone(&instance));
        });
        Some(instance)
    }

    /// Writes the guild's id down, once for all of the object's lives.
    async fn note_guild(&self, guild: u64) {
        let text = guild.to_string();
        let stored = self.host.load(GUILD_KEY).await;
        if stored
            .as_ref()
            .is_ok_and(|stored| stored.as_ref() == Some(&text))
        {
            return;
        }
        if let Err(error) = self.host.store(GUILD_KEY, &text).await {
            console_error!("the guild's id was not stored: {error}");
        }
    }
}
