//! What an application does with an interaction's token after its first answer.
//!
//! Docs `interactions/receiving-and-responding`, "Followup Messages".

use serde_json::Value;

use super::{Interaction, Slot, State, TOKEN_MS};
use crate::core::Discord;
use crate::core::body::Body;
use crate::core::error::{ApiError, ApiResult};
use crate::core::id::Id;
use crate::core::message::draft::{Draft, Purpose};
use crate::core::message::{Message, flags};

/// Which message of an interaction is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    Original,
    Followup(Id),
}

impl Discord {
    /// The interaction behind a token: 10015 before its first answer or if there was none in time, 50027 once the
    /// token's 15 minutes are over.
    fn webhook(&self, now: u64, application: Id, token: &str) -> ApiResult<&Interaction> {
        if application != self.application.id {
            return Err(ApiError::unknown_webhook());
        }
        let interaction = self
            .interactions
            .with_token(token)
            .ok_or_else(ApiError::unknown_webhook)?;
        if now.saturating_sub(interaction.created_ms) > TOKEN_MS {
            return Err(ApiError::expired_webhook_token());
        }
        match interaction.state {
            State::Answered | State::Deferred if interaction.original.is_some() => Ok(interaction),
            _ => Err(ApiError::unknown_webhook()),
        }
    }

    fn answer_of(&self, interaction: &Interaction, which: Which) -> ApiResult<Message> {
        let slot = match which {
            Which::Original => interaction.original.as_ref(),
            Which::Followup(id) => interaction
                .followups
                .iter()
                .chain(&interaction.original)
                .find(|slot| slot.id() == id),
        };
        match slot.ok_or_else(ApiError::unknown_message)? {
            Slot::Ephemeral(message) => Ok((**message).clone()),
            Slot::Public(id) => self
                .message(interaction.channel_id, *id)
                .cloned()
                .map_err(|_| ApiError::unknown_message()),
        }
    }

    pub(crate) fn get_answer(
        &self,
        now: u64,
        application: Id,
        token: &str,
        which: Which,
    ) -> ApiResult<Value> {
        let message = self.answer_of(self.webhook(now, application, token)?, which)?;
        Ok(self.show(now, &message))
    }

    pub(crate) fn edit_answer(
        &mut self,
        now: u64,
        application: Id,
        token: &str,
        which: Which,
        body: &Body,
    ) -> ApiResult<Value> {
        let interaction = self.webhook(now, application, token)?;
        let id = interaction.id;
        let old = self.answer_of(interaction, which)?;
        let draft = Draft::read(&body.payload, &[], Purpose::Edit)?;
        let message = self.revise(now, &old, draft, &body.uploads)?;
        let shown = self.show(now, &message);
        let new_slot = self.keep_answer(message);
        if let Some(interaction) = self.interactions.get_mut(id) {
            let original = interaction
                .original
                .as_ref()
                .is_some_and(|slot| slot.id() == new_slot.id());
            if original {
                interaction.original = Some(new_slot);
                if interaction.state == State::Deferred {
                    interaction.state = State::Answered;
                }
            } else if let Some(slot) = interaction
                .followups
                .iter_mut()
                .find(|slot| slot.id() == new_slot.id())
            {
                *slot = new_slot;
            }
        }
        Ok(shown)
    }

    pub(crate) fn delete_answer(
        &mut self,
        now: u64,
        application: Id,
        token: &str,
        which: Which,
    ) -> ApiResult<()> {
        let interaction = self.webhook(now, application, token)?;
        let (id, channel) = (interaction.id, interaction.channel_id);
        let message = self.answer_of(interaction, which)?;
        self.remove_message(channel, message.id);
        for attachment in &message.attachments {
            self.files.remove(&attachment.id);
        }
        if let Some(interaction) = self.interactions.get_mut(id) {
            if interaction
                .original
                .as_ref()
                .is_some_and(|slot| slot.id() == message.id)
            {
                // An id that no message has: the token still works for follow-ups, the original is gone.
                interaction.original = Some(Slot::Public(Id(0)));
                if interaction.state == State::Deferred {
                    interaction.state = State::Answered;
                }
            }
            interaction.followups.retain(|slot| slot.id() != message.id);
        }
        Ok(())
    }

    /// A new message, or the original where that is still to come: right after a deferral, a follow-up takes its place
    /// (docs, "Create Followup Message").
    pub(crate) fn follow_up(
        &mut self,
        now: u64,
        application: Id,
        token: &str,
        body: &Body,
    ) -> ApiResult<Value> {
        let interaction = self.webhook(now, application, token)?.clone();
        let draft = Draft::read(&body.payload, &[], Purpose::Webhook)?;
        if interaction.state == State::Deferred {
            return self.edit_answer(now, application, token, Which::Original, body);
        }
        let message = self.compose(
            now,
            self.webhook_author(&interaction, 0),
            draft,
            &body.uploads,
        )?;
        let shown = self.show(now, &message);
        let slot = self.keep_answer(message);
        if let Some(interaction) = self.interactions.get_mut(interaction.id) {
            interaction.followups.push(slot);
        }
        Ok(shown)
    }

    /// Puts an answer where it belongs: the channel, or the asker's eyes only.
    pub(super) fn keep_answer(&mut self, message: Message) -> Slot {
        if message.flags & flags::EPHEMERAL != 0 {
            return Slot::Ephemeral(Box::new(message));
        }
        let id = message.id;
        self.keep(message);
        Slot::Public(id)
    }
}
