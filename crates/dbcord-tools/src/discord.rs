//! How the programs talk to Discord.

use std::rc::Rc;

use dbcord::config::{DEFAULT_API_BASE, Secret};
use dbcord::discord::routes::Route;
use dbcord::discord::{CallError, Client, Patience};
use dbcord::host::UnixMillis;
use http::Method;

use crate::host::NativeHost;
use crate::settings::Settings;

/// Somebody may wait for a rate limit, but not for long.
pub const PATIENT: Patience = Patience {
    reserve: 0,
    attempts: 4,
    wait_ms: 20_000,
};

/// Which Discord, and as whom.
pub struct Access {
    pub api_base: String,
    token: Secret,
}

impl Access {
    /// From the command line's `--api-base`, if any, and the settings.
    ///
    /// # Errors
    /// A sentence about the setting that is missing or wrong.
    pub fn find(api_base: Option<&str>, settings: &Settings) -> Result<Access, String> {
        let api_base = api_base.map(str::to_owned);
        let api_base = api_base.or_else(|| settings.get("DISCORD_API_BASE"));
        let api_base = api_base.unwrap_or_else(|| DEFAULT_API_BASE.to_owned());
        let token = settings.require("DISCORD_BOT_TOKEN")?;
        // It becomes a header; what cannot be one would fail later, and less clearly.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("DISCORD_BOT_TOKEN has characters that no bot token has.".to_owned());
        }
        Ok(Access {
            api_base: api_base.trim_end_matches('/').to_owned(),
            token: Secret::new(token),
        })
    }

    pub fn client(&self, host: Rc<NativeHost>) -> Client<NativeHost> {
        Client::new(host, self.api_base.clone(), self.token.clone())
    }

    /// What to do about a failure, whichever call it was.
    pub fn advice(&self, error: &CallError) -> String {
        let api_base = &self.api_base;
        match error {
            CallError::Refused { status: 401, .. } => {
                "DISCORD_BOT_TOKEN is wrong or was reset: take the current one from the application's Bot page.".to_owned()
            }
            CallError::NotSent(_) | CallError::Ambiguous(_) | CallError::Failed(_) => {
                format!("Is {api_base} right, and is there a network?")
            }
            CallError::Malformed(_) => format!("Is {api_base} Discord's API?"),
            CallError::Refused { .. }
            | CallError::RateLimited { .. }
            | CallError::OldEdits { .. }
            | CallError::Blocked { .. } => "Try again later.".to_owned(),
        }
    }
}

/// Discord counts ids' milliseconds from the start of 2015, above 22 bits of other things.
/// <https://docs.discord.com/developers/reference#snowflakes>
pub const ID_TIME_SHIFT: u32 = 22;
const ID_EPOCH_MS: UnixMillis = 1_420_070_400_000;

/// The first id of a moment.
pub fn id_at(time: UnixMillis) -> u64 {
    time.saturating_sub(ID_EPOCH_MS) << ID_TIME_SHIFT
}

/// A route that dbcord itself has no use for.
pub fn route(method: Method, template: &'static str, major: u64, path: String) -> Route {
    Route {
        repeatable: method != Method::POST,
        method,
        path,
        template,
        major,
        interaction: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_time() {
        let now = 1_800_000_000_123;
        assert_eq!(dbcord::discord::model::created_ms(id_at(now)), now);
    }

    #[test]
    fn each_failure_says_what_to_do() {
        let access = Access {
            api_base: "http://x".to_owned(),
            token: Secret::new("t"),
        };
        let refused = CallError::Refused {
            status: 401,
            code: 0,
            message: "no".to_owned(),
        };
        assert!(access.advice(&refused).contains("DISCORD_BOT_TOKEN"));
        for error in [
            CallError::NotSent("refused".into()),
            CallError::Malformed("html".into()),
        ] {
            assert!(access.advice(&error).contains("http://x"), "{error}");
        }
    }
}
