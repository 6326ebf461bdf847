//! The stateless entry: proves that a request is Discord's, hands it to the guild's object, and
//! answers in time whatever becomes of that.

use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::StreamExt;
use futures_util::future::{Either, select};
use serde_json::{Value, json};
use worker::{
    Context, Env, Headers, Method, ObjectNamespace, Request, RequestInit, Response, Result,
    console_error, event,
};

use super::host::WorkerIo;
use super::timer::Timer;
use crate::config::Config;
use crate::discord::{Client, Draft, original};
use crate::error::{Error, ErrorKind, Written};
use crate::host::Clock;
use crate::instance::{refusal, screen};
use crate::interactions::{Callback, Interaction, Kind, signature};
use crate::limits::{ENTRY_ANSWER_MS, REQUEST_BODY_BYTES};

/// Where new objects are placed: near Discord's API.
const LOCATION_HINT: &str = "enam";

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch, respond_with_errors)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    match (request.path().as_str(), request.method()) {
        ("/", Method::Get | Method::Head) => status(&env),
        ("/", _) => not_allowed("GET, HEAD"),
        ("/interactions", Method::Post) => interactions(request, env, context).await,
        ("/interactions", _) => not_allowed("POST"),
        _ => failure(
            404,
            "There is nothing here. Interactions go to /interactions.",
        ),
    }
}

/// What this is and whether it is configured: names of variables, no values.
fn status(env: &Env) -> Result<Response> {
    let (missing, malformed) = match super::config(env) {
        Ok(_) => (Vec::new(), Vec::new()),
        Err(error) => {
            let malformed = error.malformed.into_iter().map(|(name, _)| name).collect();
            (error.missing, malformed)
        }
    };
    Response::from_json(&json!({
        "service": "dbcord",
        "about": "A document database that lives in a Discord server. Discord sends interactions to /interactions.",
        "version": env!("CARGO_PKG_VERSION"),
        "configured": missing.is_empty() && malformed.is_empty(),
        "missing": missing,
        "malformed": malformed,
    }))
}

async fn interactions(mut request: Request, env: Env, context: Context) -> Result<Response> {
    let arrived = WorkerIo.now();
    let config = match super::config(&env) {
        Ok(config) => config,
        Err(error) => {
            console_error!("{error}");
            return failure(500, &error.to_string());
        }
    };
    let signature = request.headers().get("X-Signature-Ed25519")?;
    let timestamp = request.headers().get("X-Signature-Timestamp")?;
    let Some(body) = read_bounded(&mut request).await? else {
        return failure(413, "The body is larger than any interaction.");
    };
    let verified = signature::verify(
        &config.public_key,
        signature.as_deref(),
        timestamp.as_deref(),
        &body,
        arrived,
    );
    if let Err(rejection) = verified {
        return failure(401, &format!("Not Discord's: {}.", rejection.reason()));
    }
    let interaction = match Interaction::parse(&body) {
        Ok(interaction) => interaction,
        Err(problem) => return failure(400, &problem),
    };
    let guild = match screen(&config, &interaction) {
        Ok(guild) => guild,
        Err(callback) => return Response::from_json(&callback.to_json()),
    };
    let objects = env.durable_object("GUILD")?;
    let is_autocomplete = matches!(interaction.kind, Kind::Autocomplete(_));

    // One task from the start, which tells the handler when it is done: a future that is polled
    // here first and there later may never be woken again.
    let (done, answered) = oneshot::channel();
    let name = guild.to_string();
    context.wait_until(async move {
        let answer = ask_object(&objects, &name, body).await;
        if let Err(late) = done.send(answer)
            && !is_autocomplete
        {
            deliver_late(config, &interaction, late).await;
        }
    });
    let left = ENTRY_ANSWER_MS.saturating_sub(WorkerIo.now().saturating_sub(arrived));
    let timer = Timer::new(Duration::from_millis(left));
    match select(answered, timer).await {
        Either::Left((Ok(answer), _)) => {
            Response::from_json(&answer.unwrap_or_else(unreachable_object))
        }
        _ if is_autocomplete => Response::from_json(&Callback::Choices(Vec::new()).to_json()),
        _ => Response::from_json(&Callback::Deferred.to_json()),
    }
}

/// The object's answer, or what kept it from answering.
async fn ask_object(
    objects: &ObjectNamespace,
    name: &str,
    body: Vec<u8>,
) -> std::result::Result<Value, String> {
    let ask = async {
        let stub = objects.get_by_name_with_location_hint(name, LOCATION_HINT)?;
        let mut init = RequestInit::new();
        let bytes = js_sys::Uint8Array::from(body.as_slice());
        init.with_method(Method::Post).with_body(Some(bytes.into()));
        let request = Request::new_with_init("https://object/interaction", &init)?;
        let mut response = stub.fetch_with_request(request).await?;
        match response.status_code() {
            200 => response.json::<Value>().await,
            _ => Err(worker::Error::RustError(response.text().await?)),
        }
    };
    ask.await.map_err(|error| {
        console_error!("guild {name}: its object did not answer: {error}");
        error.to_string()
    })
}

/// The object answered after "thinking" was sent in its stead: its reply is edited in. Where the
/// object deferred by itself, it also delivers by itself.
async fn deliver_late(
    config: Config,
    interaction: &Interaction,
    answer: std::result::Result<Value, String>,
) {
    let answer = answer.unwrap_or_else(unreachable_object);
    if answer.get("type") != Some(&json!(4)) {
        return;
    }
    let content = answer.pointer("/data/content").and_then(Value::as_str);
    let draft = Draft {
        content: content.unwrap_or_default(),
        ..Draft::default()
    };
    let client = Client::new(Rc::new(WorkerIo), config.api_base, config.bot_token);
    let application = interaction.application_id.get();
    let edited = original::edit(&client, application, &interaction.token, &draft).await;
    if let Err(error) = edited {
        console_error!("interaction {}: late reply lost: {error}", interaction.id);
    }
}

fn unreachable_object(why: String) -> Value {
    let error = Error::new(
        ErrorKind::Unavailable,
        format!("the object that keeps this server's databases did not answer ({why})."),
    )
    .written(Written::Unknown)
    .hint("Look whether it is there before you try again.");
    Callback::Message(refusal(&error)).to_json()
}

/// The body, or None when it is over the limit: then no more of it is read than that.
async fn read_bounded(request: &mut Request) -> Result<Option<Vec<u8>>> {
    let announced = request.headers().get("Content-Length")?;
    let announced = announced.and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > REQUEST_BODY_BYTES) {
        return Ok(None);
    }
    let mut body = Vec::new();
    // A request without a body has no stream either.
    let Ok(mut stream) = request.stream() else {
        return Ok(Some(body));
    };
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > REQUEST_BODY_BYTES {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

fn not_allowed(allowed: &str) -> Result<Response> {
    let response = failure(405, &format!("Only {allowed} is possible here."))?;
    let headers = Headers::new();
    headers.set("Allow", allowed)?;
    headers.set("Content-Type", "application/json")?;
    Ok(response.with_headers(headers))
}

fn failure(status: u16, sentence: &str) -> Result<Response> {
    Ok(Response::from_json(&json!({ "error": sentence }))?.with_status(status))
}
