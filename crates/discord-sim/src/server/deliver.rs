//! Delivering interactions to the application.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};

use super::sim::Sim;
use crate::{Delivery, Problem};

/// How long an answer is waited for at all. Discord stops caring after 3 s; the log still wants to know.
const PATIENCE: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// POSTs a delivery and returns the whole answer; `None` where there was none.
pub(super) async fn post(sim: &Sim, url: &str, delivery: &Delivery) -> Option<Response<Bytes>> {
    let mut request = Request::post(url)
        .body(Full::new(delivery.body.clone()))
        .ok()?;
    *request.headers_mut() = delivery.headers.clone();
    let answer = async {
        let (parts, body) = sim
            .client
            .request(request)
            .await
            .map_err(|error| error.to_string())?
            .into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        Ok::<_, String>(Response::from_parts(parts, body.to_bytes()))
    };
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            eprintln!("discord-sim: no answer from {url}: {error}");
            None
        }
        Err(_) => {
            eprintln!("discord-sim: no answer from {url} within {PATIENCE:?}");
            None
        }
    }
}

/// Does what the developer portal does before it accepts an endpoint (docs `interactions/overview`, "Setting Up an
/// Endpoint"): it must answer PINGs, and must not be taken in by a wrong signature.
pub(super) async fn check_endpoint(sim: &Sim, url: &str) -> Result<(), Problem> {
    check_url(url)?;
    let good = sim.with(|discord, now| discord.ping(now, true));
    let answer = post(sim, url, &good)
        .await
        .ok_or_else(|| Problem::bad("the endpoint did not answer a PING"))?;
    let pong = serde_json::from_slice::<serde_json::Value>(answer.body())
        .is_ok_and(|body| body["type"] == 1);
    if answer.status() != 200 || !pong {
        let body = String::from_utf8_lossy(answer.body())
            .chars()
            .take(200)
            .collect::<String>();
        let status = answer.status();
        return Err(Problem::bad(format!(
            "the endpoint answered a PING with {status} {body:?}, not 200 {{\"type\":1}}"
        )));
    }
    let forged = sim.with(|discord, now| discord.ping(now, false));
    let answer = post(sim, url, &forged).await;
    let answer =
        answer.ok_or_else(|| Problem::bad("the endpoint did not answer a badly signed PING"))?;
    if answer.status() != 401 {
        let status = answer.status();
        return Err(Problem::bad(format!(
            "the endpoint answered a badly signed PING with {status}, not 401"
        )));
    }
    Ok(())
}

fn check_url(url: &str) -> Result<(), Problem> {
    let uri: Uri = url
        .parse()
        .map_err(|_| Problem::bad(format!("{url:?} is not a URL")))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let local = host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if uri.scheme_str() != Some("http") || !local {
        return Err(Problem::bad(
            "the endpoint must be an http URL on this machine",
        ));
    }
    Ok(())
}
