//! `/interactions/{id}/{token}/callback`: the first answer, for applications that do not give it in their HTTP response.

use http::Method;
use serde_json::json;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult};

pub(super) const ROUTES: &[Entry] = &[Entry::interaction(
    Method::POST,
    "/interactions/{interaction_id}/{interaction_token}/callback",
    callback,
    rule("interactions/callback", 50, 1_000),
)];

fn callback(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let id = call.id("interaction_id")?;
    let interaction = discord
        .interactions
        .get(id)
        .filter(|known| known.token == call.text("interaction_token"));
    let interaction = interaction.ok_or_else(ApiError::unknown_interaction)?;
    if matches!(
        interaction.state,
        crate::core::interactions::State::Failed(_)
    ) {
        return Err(ApiError::unknown_interaction());
    }
    let with_response = call.query_flag("with_response")?;
    discord.acknowledge(call.now, id, &call.body)?;
    if !with_response {
        return Reply::no_content();
    }
    let kind = call.body.payload["type"].clone();
    let view = discord
        .interactions
        .get(id)
        .ok_or_else(ApiError::unknown_interaction)?;
    let message = view
        .original
        .as_ref()
        .map(crate::core::interactions::Slot::id);
    let mut body = json!({
        "interaction": {"id": id, "type": if view.is_autocomplete() { 4 } else { 2 }},
    });
    if let Some(message) = message {
        body["interaction"]["response_message_id"] = json!(message);
        body["interaction"]["response_message_loading"] = json!(kind == 5);
        body["interaction"]["response_message_ephemeral"] = json!(view.ephemeral);
    }
    if kind == 4 {
        let token = view.token.clone();
        let application = discord.application.id;
        let which = crate::core::interactions::webhook::Which::Original;
        let message = discord.get_answer(call.now, application, &token, which)?;
        body["resource"] = json!({"type": 4, "message": message});
    }
    Reply::ok(body)
}
