//! The control API under `/sim`: JSON in and out; refusals are 4xx `{"problem": "text"}`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post, put};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::deliver;
use super::sim::Sim;
use crate::{Fault, FaultPlan, GuildSpec, Id, InteractionSpec, Problem, SearchPlan, View};

/// Longest wait that `wait_ms` can ask for.
const WAIT_MS_MAX: u64 = 60_000;
/// A little more than the time that an application has for its first answer.
const FIRST_ANSWER_PATIENCE: Duration = Duration::from_millis(3_500);

/// Room for the largest file of a command in base64, and then some.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

type Answer = Result<Json, Refusal>;
type Shared = State<Arc<Sim>>;

pub(super) fn router() -> Router<Arc<Sim>> {
    Router::new()
        .route("/sim", get(status))
        .route("/sim/guilds", post(create_guild))
        .route("/sim/guilds/{id}", get(guild))
        .route("/sim/guilds/{id}/bot-permissions", put(bot_permissions))
        .route("/sim/endpoint", put(endpoint))
        .route("/sim/interactions", post(interact))
        .route("/sim/interactions/{id}", get(interaction))
        .route("/sim/interactions/{id}/redeliver", post(redeliver))
        .route("/sim/act", post(act))
        .route("/sim/faults", post(inject).delete(clear_faults))
        .route("/sim/fault-plan", put(set_plan).delete(end_plan))
        .route("/sim/search-plan", put(set_search_plan).delete(calm_search))
        .route("/sim/application", put(application))
        .route("/sim/traffic", get(traffic))
        .route("/sim/clock", post(clock))
        .route("/sim/{*rest}", any(unknown))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

struct Json(Value);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.0.to_string().into());
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

struct Refusal(Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Json(json!({"problem": self.0.text})).into_response();
        *response.status_mut() = self.0.status;
        response
    }
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Refusal(Problem::bad(format!("the body does not fit: {error}"))))
}

fn read_id(text: &str) -> Result<Id, Refusal> {
    text.parse()
        .map_err(|_| Refusal(Problem::bad(format!("{text:?} is not an id"))))
}

fn to_json(value: &impl serde::Serialize) -> Answer {
    serde_json::to_value(value)
        .map(Json)
        .map_err(|error| Refusal(Problem::bad(error.to_string())))
}

async fn unknown() -> Refusal {
    Refusal(Problem {
        status: StatusCode::NOT_FOUND,
        text: "there is no such control; see discord-sim --help".to_owned(),
    })
}

async fn status(State(sim): Shared) -> Json {
    let mut body = sim.ready_line();
    sim.look(|discord| {
        body["counts"] = discord.counts();
        body["endpoint"] = json!(discord.interactions_endpoint());
    });
    body["now"] = json!(sim.now());
    Json(body)
}

async fn create_guild(State(sim): Shared, body: Bytes) -> Answer {
    let spec: GuildSpec = read(&body)?;
    let mut names: Vec<&str> = spec
        .members
        .iter()
        .map(|member| member.name.as_str())
        .collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Refusal(Problem::bad("two members have the same name")));
    }
    to_json(&sim.with(|discord, now| discord.create_guild(now, spec)))
}

async fn guild(State(sim): Shared, Path(id): Path<String>) -> Answer {
    let id = read_id(&id)?;
    match sim.look(|discord| discord.guild_state(id)) {
        Value::Null => Err(Refusal(Problem {
            status: StatusCode::NOT_FOUND,
            text: format!("there is no guild {id}"),
        })),
        state => Ok(Json(state)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BotPermissions {
    permissions: Id,
}

async fn bot_permissions(State(sim): Shared, Path(id): Path<String>, body: Bytes) -> Answer {
    let id = read_id(&id)?;
    let wanted: BotPermissions = read(&body)?;
    sim.with(|discord, _| discord.set_bot_permissions(id, wanted.permissions.0))?;
    Ok(Json(json!({"ok": true})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Endpoint {
    url: String,
}

async fn endpoint(State(sim): Shared, body: Bytes) -> Answer {
    let wanted: Endpoint = read(&body)?;
    deliver::check_endpoint(&sim, &wanted.url).await?;
    sim.with(|discord, _| discord.set_interactions_endpoint(Some(wanted.url)));
    Ok(Json(json!({"ok": true})))
}

fn endpoint_url(sim: &Sim) -> Result<String, Refusal> {
    let url = sim.look(|discord| discord.interactions_endpoint().map(str::to_owned));
    url.ok_or_else(|| {
        Refusal(Problem::bad(
            "no interactions endpoint is set; PUT /sim/endpoint first",
        ))
    })
}

async fn interact(State(sim): Shared, body: Bytes) -> Answer {
    let spec: InteractionSpec = read(&body)?;
    let url = endpoint_url(&sim)?;
    let delivery = sim.with(|discord, now| discord.interact(now, spec))?;
    let id = delivery.interaction_id;
    let courier = sim.clone();
    // On its own, so that a late answer is still seen when the caller has long been told of the failure.
    tokio::spawn(async move {
        let answer = deliver::post(&courier, &url, &delivery).await;
        drop(courier.with(|discord, now| discord.answered(now, id, answer)));
    });
    // Answered through the callback route, the HTTP response is still to come.
    let settled = |view: &View| {
        view.state == "failed" || (view.state != "pending" && view.delivery.status.is_some())
    };
    to_json(&wait_for(&sim, id, FIRST_ANSWER_PATIENCE, settled).await?)
}

#[derive(Deserialize)]
struct Wait {
    wait_ms: Option<u64>,
}

async fn interaction(
    State(sim): Shared,
    Path(id): Path<String>,
    Query(wait): Query<Wait>,
) -> Answer {
    let id = read_id(&id)?;
    let patience = Duration::from_millis(wait.wait_ms.unwrap_or(0).min(WAIT_MS_MAX));
    let settled = |view: &View| matches!(view.state, "answered" | "failed");
    to_json(&wait_for(&sim, id, patience, settled).await?)
}

/// The view as soon as it is settled, or as it is when patience ends.
async fn wait_for(
    sim: &Sim,
    id: Id,
    patience: Duration,
    settled: impl Fn(&View) -> bool,
) -> Result<View, Refusal> {
    /// Time alone changes things too (an answer becomes overdue), and nobody says so.
    const LOOK_EVERY: Duration = Duration::from_millis(100);
    let mut changes = sim.changes();
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        changes.mark_unchanged();
        let view = sim.look(|discord| discord.interaction(id));
        let view = view.ok_or_else(|| {
            Refusal(Problem {
                status: StatusCode::NOT_FOUND,
                text: format!("there is no interaction {id}"),
            })
        })?;
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        if settled(&view) || left.is_zero() {
            return Ok(view);
        }
        drop(tokio::time::timeout(left.min(LOOK_EVERY), changes.changed()).await);
    }
}

async fn redeliver(State(sim): Shared, Path(id): Path<String>) -> Answer {
    let id = read_id(&id)?;
    let url = endpoint_url(&sim)?;
    let delivery = sim.look(|discord| discord.delivery(id).cloned());
    let delivery = delivery.ok_or_else(|| {
        Refusal(Problem {
            status: StatusCode::NOT_FOUND,
            text: format!("there is no interaction {id}"),
        })
    })?;
    let answer = deliver::post(&sim, &url, &delivery).await;
    sim.with(|discord, now| discord.redelivered(now, id, answer.as_ref()));
    let answer = answer.ok_or_else(|| Refusal(Problem::bad("the endpoint gave no answer")))?;
    Ok(Json(
        json!({"status": answer.status().as_u16(), "body": body_json(answer.body())}),
    ))
}

/// JSON where it is JSON, else text; nothing where it is empty.
fn body_json(body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| json!(String::from_utf8_lossy(body)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    user_id: Id,
    method: String,
    path: String,
    #[serde(default)]
    body: Option<Value>,
}

async fn act(State(sim): Shared, body: Bytes) -> Answer {
    let act: Act = read(&body)?;
    let method = Method::from_bytes(act.method.to_uppercase().as_bytes());
    let method =
        method.map_err(|_| Refusal(Problem::bad(format!("{:?} is not a method", act.method))))?;
    let bytes = act
        .body
        .map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let request = Request::builder()
        .method(method)
        .uri(&act.path)
        .header(CONTENT_TYPE, "application/json")
        .body(bytes);
    let request =
        request.map_err(|_| Refusal(Problem::bad(format!("{:?} is not a path", act.path))))?;
    let response = sim.with(|discord, now| discord.act_as(now, act.user_id, request));
    Ok(Json(
        json!({"status": response.status().as_u16(), "body": body_json(response.body())}),
    ))
}

async fn inject(State(sim): Shared, body: Bytes) -> Answer {
    let fault: Fault = read(&body)?;
    let id = sim.with(|discord, _| discord.inject(fault))?;
    Ok(Json(json!({"id": id})))
}

async fn clear_faults(State(sim): Shared) -> Json {
    sim.with(|discord, _| discord.clear_faults());
    Json(json!({"ok": true}))
}

async fn set_plan(State(sim): Shared, body: Bytes) -> Answer {
    let plan: FaultPlan = read(&body)?;
    sim.with(|discord, _| discord.set_fault_plan(Some(plan)))?;
    Ok(Json(json!({"ok": true})))
}

async fn end_plan(State(sim): Shared) -> Answer {
    sim.with(|discord, _| discord.set_fault_plan(None))?;
    Ok(Json(json!({"ok": true})))
}

async fn set_search_plan(State(sim): Shared, body: Bytes) -> Answer {
    let plan: SearchPlan = read(&body)?;
    sim.with(|discord, _| discord.set_search_plan(plan))?;
    Ok(Json(json!({"ok": true})))
}

async fn calm_search(State(sim): Shared) -> Answer {
    sim.with(|discord, _| discord.set_search_plan(SearchPlan::calm()))?;
    Ok(Json(json!({"ok": true})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApplicationSettings {
    message_content_intent: bool,
}

async fn application(State(sim): Shared, body: Bytes) -> Answer {
    let wanted: ApplicationSettings = read(&body)?;
    sim.with(|discord, _| discord.set_message_content_intent(wanted.message_content_intent));
    Ok(Json(json!({"ok": true})))
}

#[derive(Deserialize)]
struct Since {
    since: Option<u64>,
}

async fn traffic(State(sim): Shared, Query(from): Query<Since>) -> Json {
    let since = from.since.unwrap_or(0);
    sim.look(|discord| {
        let exchanges = discord.traffic(since);
        let next = discord.traffic_next();
        Json(json!({"next": next, "exchanges": exchanges}))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    advance_ms: u64,
}

async fn clock(State(sim): Shared, body: Bytes) -> Answer {
    let clock: Clock = read(&body)?;
    sim.move_clock(clock.advance_ms);
    sim.with(|_, now| Ok(Json(json!({"now": now}))))
}
