//! What an onlooker sees of an interaction.

use serde::Serialize;
use serde_json::Value;

use super::{Slot, State};
use crate::core::Discord;
use crate::core::id::Id;

/// How the delivery to the application went.
#[derive(Clone, Debug, Serialize)]
pub struct DeliveryReport {
    /// `None` where no answer came, or none yet.
    pub status: Option<u16>,
    /// Until the answer, or until now.
    pub elapsed_ms: u64,
    /// The answer's body, if it is JSON.
    pub body: Option<Value>,
}

/// An interaction and everything that answered it so far.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    pub id: Id,
    pub token: String,
    /// `pending` until the first answer, then `answered`, `deferred` or `failed`.
    pub state: &'static str,
    pub failure: Option<String>,
    pub delivery: DeliveryReport,
    pub ephemeral: bool,
    /// The original response as a message object; `None` while deferred, or once deleted.
    pub reply: Option<Value>,
    pub followups: Vec<Value>,
    /// The answer to an autocomplete interaction.
    pub choices: Option<Vec<Value>>,
}

impl Discord {
    /// An interaction as it stands, or `None` if there is none with that id. Time counts only as far as the latest call
    /// that took `now`.
    pub fn interaction(&self, id: Id) -> Option<View> {
        let interaction = self.interactions.get(id)?;
        let now = self.latest_ms;
        let show = |slot: &Slot| match slot {
            Slot::Ephemeral(message) => Some(message.json(now, &self.urls)),
            Slot::Public(id) => {
                let message = self
                    .channels
                    .get(&interaction.channel_id)?
                    .messages
                    .get(id)?;
                Some(self.show(now, message))
            }
        };
        let (state, failure) = match &interaction.state {
            State::Pending => ("pending", None),
            State::Answered => ("answered", None),
            State::Deferred => ("deferred", None),
            State::Failed(text) => ("failed", Some(text.clone())),
        };
        Some(View {
            id,
            token: interaction.token.clone(),
            state,
            failure,
            delivery: interaction.report.clone().unwrap_or(DeliveryReport {
                status: None,
                elapsed_ms: now.saturating_sub(interaction.created_ms),
                body: None,
            }),
            ephemeral: interaction.ephemeral,
            reply: interaction
                .original
                .as_ref()
                .filter(|_| interaction.state == State::Answered)
                .and_then(show),
            followups: interaction.followups.iter().filter_map(show).collect(),
            choices: interaction.choices.clone(),
        })
    }
}
