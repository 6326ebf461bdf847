//! Editing the first answer to an interaction, which may not be there yet.

use std::time::Duration;

use serde_json::Value;

use super::{CallError, Client, Draft, Patience, routes};
use crate::host::Io;

/// Discord takes the edit for one of an unknown message until it has processed our first answer,
/// which travels beside the edit and not before it.
const TOO_EARLY: u32 = 6;
const TOO_EARLY_PAUSE_MS: u64 = 250;

/// Edits `@original`, waiting for it to exist.
///
/// # Errors
/// See [`CallError`]; 404 after a quarter of a minute means that the first answer never arrived.
pub async fn edit<H: Io>(
    client: &Client<H>,
    application: u64,
    token: &str,
    draft: &Draft<'_>,
) -> Result<(), CallError> {
    let route = routes::edit_original(application, token);
    let mut early = 0;
    loop {
        let sent = client.send_draft::<Value>(&route, draft, Patience::COMMAND);
        match sent.await {
            Err(error) if error.is_not_found() && early < TOO_EARLY => {
                let pause = TOO_EARLY_PAUSE_MS << early;
                early += 1;
                client.host().sleep(Duration::from_millis(pause)).await;
            }
            other => return other.map(|_| ()),
        }
    }
}
