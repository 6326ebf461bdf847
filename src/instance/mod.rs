//! The single writer of a guild: takes interactions in, answers in time, and keeps what it owes.

mod alarm;
mod authorise;
mod deferral;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use twilight_model::id::Id;
use twilight_model::id::marker::GuildMarker;

use crate::commands::{self, Context};
use crate::config::Config;
use crate::discord::Client;
use crate::discord::model::created_ms;
use crate::engine::{Engine, Origin};
use crate::error::Error;
use crate::host::{Host, Level};
use crate::interactions::{Callback, CommandData, Interaction, Kind, Reply};
use crate::limits::{DEFER_AFTER_MS, INTERACTION_TOKEN_MS};

use alarm::{AlarmState, Unfinished};
use deferral::OwedReply;

/// One guild's object, without the host around it.
pub struct Instance<H> {
    host: Rc<H>,
    config: Config,
    engine: Rc<Engine<H>>,
    /// Commands seen by this object; a replay is not run again.
    seen: RefCell<BTreeSet<u64>>,
    /// Interactions whose command is running here, or whose reply is being delivered.
    running: RefCell<BTreeSet<u64>>,
    /// Alarms do not overlap: a second one leaves a note for the first.
    alarm: Cell<AlarmState>,
    /// How many alarms in a row could not open a database.
    failed_openings: Cell<u32>,
    /// What the last alarm left in the middle.
    unfinished: RefCell<Option<Unfinished>>,
}

impl<H: Host> Instance<H> {
    pub fn new(host: Rc<H>, config: Config, guild: u64) -> Rc<Self> {
        let client = Client::new(
            Rc::clone(&host),
            config.api_base.clone(),
            config.bot_token.clone(),
        );
        Rc::new(Instance {
            engine: Rc::new(Engine::new(Rc::clone(&host), client, guild)),
            host,
            config,
            seen: RefCell::default(),
            running: RefCell::default(),
            alarm: Cell::new(AlarmState::Idle),
            failed_openings: Cell::new(0),
            unfinished: RefCell::default(),
        })
    }

    /// Answers an interaction, always, and before Discord gives up on it.
    pub async fn handle(self: &Rc<Self>, interaction: Interaction) -> Callback {
        // The entry has done so too; an object does not rely on who calls it.
        if let Err(callback) = screen(&self.config, &interaction) {
            return callback;
        }
        match &interaction.kind {
            Kind::Autocomplete(data) => {
                let context = self.context(&interaction, &data.name);
                Callback::Choices(commands::complete(data, context).await)
            }
            Kind::Command(data) => {
                if !self.first_time(interaction.id.get()) {
                    return Callback::Message(Reply::new(
                        "This interaction was handled already; it is not run twice.",
                    ));
                }
                let data = (**data).clone();
                self.run_in_time(interaction, data).await
            }
            Kind::Ping => Callback::Pong,
            Kind::Other(kind) => Callback::Message(Reply::new(format!(
                "dbcord has no use for interactions of type {kind}. Nothing was written."
            ))),
        }
    }

    /// Lets go of everything in memory: another object with the same id takes over.
    pub fn dispose(&self) {
        self.engine.close();
        // It refers to this instance, which would keep both alive.
        self.unfinished.take();
        self.seen.borrow_mut().clear();
    }

    /// Runs a command as a task of its own. Done soon: its reply is the answer. Not done: the
    /// answer is "thinking", and the reply is edited into that later.
    async fn run_in_time(self: &Rc<Self>, interaction: Interaction, data: CommandData) -> Callback {
        let id = interaction.id.get();
        let context = self.context(&interaction, &data.name);
        let owed = OwedReply::new(&interaction, &data, self.host.now());
        let (done, mut waiting) = oneshot::channel();
        self.running.borrow_mut().insert(id);
        let this = Rc::clone(self);
        let late = owed.clone();
        self.host.spawn(Box::pin(async move {
            let reply = match commands::run(data, context).await {
                Ok(reply) => reply,
                Err(error) => refusal(&error),
            };
            // Nobody waits any more: the interaction was deferred, and stored as such.
            if let Err(reply) = done.send(reply) {
                this.deliver(&late, &reply).await;
            }
        }));
        let timer = self.host.sleep(Duration::from_millis(DEFER_AFTER_MS));
        let in_time = match select(&mut waiting, std::pin::pin!(timer)).await {
            Either::Left((reply, _)) => reply.ok(),
            Either::Right(_) => None,
        };
        // A file cannot be part of the first answer, so such a reply is always edited in.
        if let Some(reply) = in_time.as_ref().filter(|reply| reply.file.is_none()) {
            self.running.borrow_mut().remove(&id);
            // Failing that, `/dbc_inspect` still tells when it has happened.
            if reply.watch.is_some() {
                self.delivered(&owed.answered(reply)).await;
            }
            return Callback::Message(reply.clone());
        }
        if let Err(error) = self.remember(&owed).await {
            let line = format!("interaction {id}: the deferral was not stored: {error}");
            self.host.log(Level::Error, &line);
        }
        // It may have finished while that was being stored; from here on the task delivers.
        waiting.close();
        let finished = in_time.or_else(|| waiting.try_recv().ok().flatten());
        if let Some(reply) = finished {
            let this = Rc::clone(self);
            self.host.spawn(Box::pin(async move {
                this.deliver(&owed, &reply).await;
            }));
        }
        Callback::Deferred
    }

    fn context(&self, interaction: &Interaction, command: &str) -> Context<H> {
        let user = interaction.user_id.map(|id| id.to_string());
        Context {
            engine: Rc::clone(&self.engine),
            origin: Origin {
                interaction: interaction.id.to_string(),
                user: user.unwrap_or_default(),
                command: command.to_owned(),
            },
            app_permissions: interaction.app_permissions.map(|bits| bits.bits()),
            warning: Rc::default(),
        }
    }

    /// Whether this object sees the interaction for the first time. Its id tells when it was made;
    /// what is older than any signature that would be accepted need not be kept.
    fn first_time(&self, interaction: u64) -> bool {
        let now = self.host.now();
        let mut seen = self.seen.borrow_mut();
        seen.retain(|&id| created_ms(id).saturating_add(INTERACTION_TOKEN_MS) > now);
        seen.insert(interaction)
    }
}

/// The guild whose object an interaction belongs to.
///
/// # Errors
/// The answer to one that no object needs to see: a PING, or one that is not allowed.
pub fn screen(config: &Config, interaction: &Interaction) -> Result<Id<GuildMarker>, Callback> {
    if matches!(interaction.kind, Kind::Ping) {
        return Err(Callback::Pong);
    }
    authorise::authorise(config, interaction).map_err(|error| match interaction.kind {
        Kind::Autocomplete(_) => Callback::Choices(Vec::new()),
        _ => Callback::Message(refusal(&error)),
    })
}

/// An error as a reply.
pub fn refusal(error: &Error) -> Reply {
    Reply::new(format!("❌ {error}"))
}
