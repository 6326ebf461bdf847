//! Listening, and handing each request to Discord or to the control API.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use super::control;
use super::sim::Sim;
use crate::Outcome;

/// More than Discord accepts, so that the core is the one to refuse; beyond this the connection is closed.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Marks a response that must not be sent: the connection is closed instead.
#[derive(Clone, Copy)]
struct HangUp;

/// Serves until the task is dropped.
pub async fn serve(sim: Arc<Sim>, listener: TcpListener) {
    let router = control::router().fallback(discord).with_state(sim);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                eprintln!("discord-sim: cannot accept a connection: {error}");
                // Most likely out of file descriptors: give some time to be closed.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        // Answers are small and waited for; do not let the kernel hold them back.
        drop(stream.set_nodelay(true));
        let router = router.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| dispatch(router.clone(), request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            // An error here is a client that went away, or a fault that was asked for.
            drop(connection.await);
        });
    }
}

/// An error from a service makes hyper close the connection without a word, which is what a lost answer looks like.
async fn dispatch(router: Router, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let response = match router.oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.extensions().get::<HangUp>().is_some() {
        return Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "a fault was injected",
        ));
    }
    Ok(response)
}

async fn discord(
    State(sim): State<Arc<Sim>>,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let bytes = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(status(StatusCode::PAYLOAD_TOO_LARGE)),
    };
    let outcome = sim.with(|discord, now| discord.handle(now, Request::from_parts(parts, bytes)));
    Ok(match outcome {
        Outcome::Responded { after, response } => {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            response.map(Body::from)
        }
        Outcome::LostRequest | Outcome::LostResponse => {
            let mut response = status(StatusCode::BAD_GATEWAY);
            response.extensions_mut().insert(HangUp);
            response
        }
    })
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::new()));
    *response.status_mut() = status;
    response
}
