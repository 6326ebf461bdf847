//! The first answer to an interaction.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::view::{DeliveryReport, View};
use super::{Interaction, Slot, State};
use crate::core::body::Body;
use crate::core::commands::options::{STRING, read_choice_value};
use crate::core::error::{ApiError, ApiResult, FormErrors, form_error};
use crate::core::form::Form;
use crate::core::id::Id;
use crate::core::message::apply::Authorship;
use crate::core::message::draft::{Draft, Purpose};
use crate::core::message::{Origin, flags};
use crate::core::traffic::{Direction, Exchange};
use crate::core::{Discord, Problem};

const CHOICES_MAX: usize = 25;
const CHOICE_NAME_MAX: usize = 100;

const MESSAGE: i64 = 4;
const DEFERRED: i64 = 5;
const AUTOCOMPLETE: i64 = 8;

impl Discord {
    /// Reports what came back for a delivery; `None` if nothing did. An answer after more than 3 seconds is void, and so
    /// is one that Discord would refuse. Returns how the interaction stands now.
    ///
    /// # Errors
    ///
    /// If there is no such interaction.
    pub fn answered(
        &mut self,
        now: u64,
        id: Id,
        answer: Option<Response<Bytes>>,
    ) -> Result<View, Problem> {
        self.advance(now);
        let missing = || Problem::missing(format!("there is no interaction {id}"));
        let interaction = self.interactions.get(id).ok_or_else(missing)?;
        let late = interaction.report.is_none() && matches!(interaction.state, State::Failed(_));
        let open = interaction.state == State::Pending;
        let elapsed_ms = now.saturating_sub(interaction.created_ms);
        self.log_delivery(id, interaction.created_ms, answer.as_ref(), late);

        let body = answer
            .as_ref()
            .and_then(|answer| serde_json::from_slice(answer.body()).ok());
        let status = answer.as_ref().map(|answer| answer.status().as_u16());
        let outcome = match &answer {
            _ if !open => Ok(()),
            None => Err("the endpoint gave no answer".to_owned()),
            // The application answers through the callback route instead.
            Some(answer) if answer.status() == StatusCode::ACCEPTED && answer.body().is_empty() => {
                Ok(())
            }
            Some(answer) if answer.status() != StatusCode::OK => {
                Err(format!("the endpoint answered {}", answer.status()))
            }
            Some(answer) => Body::read(&Method::POST, answer.headers(), answer.body())
                .and_then(|body| self.acknowledge(now, id, &body))
                .map_err(|error| format!("Discord refused the answer: {}", error.body())),
        };
        if let Some(interaction) = self.interactions.get_mut(id) {
            interaction.report.get_or_insert(DeliveryReport {
                status,
                elapsed_ms,
                body,
            });
            if let Err(text) = outcome {
                interaction.state = State::Failed(text);
            }
        }
        self.interaction(id).ok_or_else(missing)
    }

    /// Logs what an endpoint answered to a replay of a delivery. The interaction itself stays as it is.
    pub fn redelivered(&mut self, now: u64, id: Id, answer: Option<&Response<Bytes>>) {
        self.log_delivery(id, now, answer, false);
    }

    fn log_delivery(&mut self, id: Id, at: u64, answer: Option<&Response<Bytes>>, late: bool) {
        let Some(interaction) = self.interactions.get(id) else {
            return;
        };
        if !self.config.record_traffic {
            return;
        }
        let delivery = &interaction.delivery;
        let endpoint = self
            .interactions_endpoint
            .as_deref()
            .unwrap_or("/interactions");
        let path = endpoint.split_once("://").map_or(endpoint, |(_, rest)| {
            rest.find('/').map_or("/", |at| &rest[at..])
        });
        let mut exchange = Exchange::new(at, Direction::Interaction, "POST", path);
        exchange.note_request(&delivery.headers, "");
        exchange.request = serde_json::from_slice(&delivery.body).ok();
        exchange.late = Some(late);
        if let Some(answer) = answer {
            exchange.note_response(answer.status().as_u16(), answer.headers(), answer.body());
        }
        self.traffic.push(Some(exchange));
    }

    /// Takes the first answer, from the HTTP response or from the callback route.
    pub(crate) fn acknowledge(&mut self, now: u64, id: Id, body: &Body) -> ApiResult<()> {
        let interaction = self
            .interactions
            .get(id)
            .ok_or_else(ApiError::unknown_interaction)?
            .clone();
        if interaction.state != State::Pending {
            return Err(ApiError::already_acknowledged());
        }
        let mut errors = FormErrors::default();
        let mut form = Form::new(&body.payload, Vec::new(), &mut errors);
        form.require("type");
        // 1 is for PINGs, 6 and 7 for components, which no interaction here is.
        let types: &[i64] = if interaction.is_autocomplete() {
            &[AUTOCOMPLETE]
        } else {
            &[MESSAGE, DEFERRED]
        };
        let kind = form.choice("type", types);
        errors.finish()?;
        let data = body.payload.get("data").filter(|data| !data.is_null());
        match kind {
            Some(MESSAGE) => self.answer_with_message(now, &interaction, data, body),
            Some(DEFERRED) => self.defer(now, &interaction, data),
            _ => self.answer_with_choices(&interaction, data),
        }
    }

    fn answer_with_message(
        &mut self,
        now: u64,
        interaction: &Interaction,
        data: Option<&Value>,
        body: &Body,
    ) -> ApiResult<()> {
        let empty = json!({});
        let draft = Draft::read(data.unwrap_or(&empty), &["data"], Purpose::Webhook)?;
        let message = self.compose(
            now,
            self.webhook_author(interaction, 0),
            draft,
            &body.uploads,
        )?;
        let ephemeral = message.flags & flags::EPHEMERAL != 0;
        let slot = self.keep_answer(message);
        self.set_original(interaction.id, State::Answered, slot, ephemeral);
        Ok(())
    }

    /// "The app is thinking": a message that shows as loading until it is edited. EPHEMERAL is the only flag allowed.
    fn defer(
        &mut self,
        now: u64,
        interaction: &Interaction,
        data: Option<&Value>,
    ) -> ApiResult<()> {
        let mut bits = 0;
        if let Some(data) = data {
            let mut errors = FormErrors::default();
            let mut form = Form::new(data, vec!["data".to_owned()], &mut errors);
            bits = form
                .integer("flags", 0, i64::from(u32::MAX))
                .and_then(|bits| u64::try_from(bits).ok())
                .unwrap_or(0);
            if bits & !flags::EPHEMERAL != 0 {
                form.fail(
                    "flags",
                    "MESSAGE_FLAGS_INVALID",
                    "Only EPHEMERAL can be set on a deferred response.",
                );
            }
            errors.finish()?;
        }
        let by = self.webhook_author(interaction, bits | flags::LOADING);
        let message = self.compose(now, by, Draft::default(), &[])?;
        let slot = self.keep_answer(message);
        self.set_original(
            interaction.id,
            State::Deferred,
            slot,
            bits & flags::EPHEMERAL != 0,
        );
        Ok(())
    }

    fn set_original(&mut self, id: Id, state: State, slot: Slot, ephemeral: bool) {
        if let Some(interaction) = self.interactions.get_mut(id) {
            interaction.state = state;
            interaction.ephemeral = ephemeral;
            interaction.original = Some(slot);
        }
    }

    fn answer_with_choices(
        &mut self,
        interaction: &Interaction,
        data: Option<&Value>,
    ) -> ApiResult<()> {
        let kind = interaction.focused_kind.unwrap_or(STRING);
        let Some(data) = data else {
            return Err(form_error(
                &["data"],
                "BASE_TYPE_REQUIRED",
                "This field is required",
            ));
        };
        let mut errors = FormErrors::default();
        let mut form = Form::new(data, vec!["data".to_owned()], &mut errors);
        form.require("choices");
        let mut choices = Vec::new();
        for (n, item) in form
            .list("choices", CHOICES_MAX)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let mut choice = form.item("choices", n, item);
            choice.require("name");
            let name = choice.string("name", 1, CHOICE_NAME_MAX);
            choice.require("value");
            let value = read_choice_value(&mut choice, kind);
            choices.push(json!({"name": name, "value": value}));
        }
        errors.finish()?;
        if let Some(interaction) = self.interactions.get_mut(interaction.id) {
            interaction.state = State::Answered;
            interaction.choices = Some(choices);
        }
        Ok(())
    }

    /// Answers are written by the bot's user through the application's webhook.
    pub(crate) fn webhook_author(&self, interaction: &Interaction, flags: u64) -> Authorship {
        let bot = self.users.get(&self.application.bot_user_id).cloned();
        Authorship {
            channel: interaction.channel_id,
            author: bot.unwrap_or_else(|| interaction.user.clone()),
            origin: Some(Origin {
                interaction_id: interaction.id,
                user: interaction.user.clone(),
                guild_id: interaction.guild_id,
                command: interaction.command.clone(),
                original_message: interaction.original.as_ref().map(Slot::id),
            }),
            flags,
            early_ms: 0,
        }
    }
}
