//! The deployment's configuration, read from Worker variables and secrets.

use std::fmt;

use ed25519_dalek::VerifyingKey;

/// Discord's API, version 10. <https://docs.discord.com/developers/reference#api-versioning>
pub const DEFAULT_API_BASE: &str = "https://discord.com/api/v10";

/// A secret that never shows itself in a log or a panic.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Secret(value.into())
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Everything the Worker must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `DISCORD_APPLICATION_ID`
    pub application_id: u64,
    /// `DISCORD_PUBLIC_KEY`, decoded
    pub public_key: [u8; 32],
    /// `DISCORD_BOT_TOKEN`
    pub bot_token: Secret,
    /// `DBCORD_GUILD_ID`: the guilds that may use this deployment
    pub guild_ids: Vec<u64>,
    /// `DISCORD_API_BASE`, without a trailing slash
    pub api_base: String,
}

/// What is wrong with the configuration: names of variables, never their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigError {
    pub missing: Vec<&'static str>,
    pub malformed: Vec<(&'static str, &'static str)>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dbcord is not configured:")?;
        for name in &self.missing {
            write!(f, " {name} is missing;")?;
        }
        for (name, expected) in &self.malformed {
            write!(f, " {name} is not {expected};")?;
        }
        f.write_str(
            " set it in .dev.vars (local) or with `npx wrangler secret put NAME` (deployed).",
        )
    }
}

impl Config {
    /// Reads the configuration through `variable`, collecting every problem before it gives up.
    ///
    /// # Errors
    /// [`ConfigError`] with all variables that are missing or malformed.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let mut problems = ConfigError::default();
        let mut required = |name: &'static str| {
            let value = variable(name).map(|value| value.trim().to_owned());
            let value = value.filter(|value| !value.is_empty());
            if value.is_none() {
                problems.missing.push(name);
            }
            value
        };
        let application_id = required("DISCORD_APPLICATION_ID");
        let public_key = required("DISCORD_PUBLIC_KEY");
        let bot_token = required("DISCORD_BOT_TOKEN");
        let guild_ids = required("DBCORD_GUILD_ID");

        let application_id = application_id.and_then(|text| {
            problems.check("DISCORD_APPLICATION_ID", "an id (digits)", snowflake(&text))
        });
        let public_key = public_key.and_then(|text| {
            let mut key = [0; 32];
            let decoded = hex::decode_to_slice(&text, &mut key).ok().map(|()| key);
            // Not every 32 bytes are a key; better found out now than at the first signature.
            let decoded = decoded.filter(|key| VerifyingKey::from_bytes(key).is_ok());
            problems.check(
                "DISCORD_PUBLIC_KEY",
                "a public key (64 hexadecimal digits, as on the application's General Information page)",
                decoded,
            )
        });
        let bot_token = bot_token.and_then(|text| {
            // A header value: anything else would make every request fail later, less clearly.
            let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
            problems.check(
                "DISCORD_BOT_TOKEN",
                "a bot token (it has characters that no token has)",
                printable.then(|| Secret::new(text)),
            )
        });
        let guild_ids = guild_ids.and_then(|text| {
            let ids = text.split(',').map(str::trim).map(snowflake).collect();
            problems.check("DBCORD_GUILD_ID", "an id or ids separated by commas", ids)
        });
        let api_base = variable("DISCORD_API_BASE")
            .map(|base| base.trim().trim_end_matches('/').to_owned())
            .filter(|base| !base.is_empty())
            .unwrap_or_else(|| DEFAULT_API_BASE.to_owned());
        let api_base = problems.check(
            "DISCORD_API_BASE",
            "an http or https URL",
            is_base_url(&api_base).then_some(api_base),
        );

        match (application_id, public_key, bot_token, guild_ids, api_base) {
            (
                Some(application_id),
                Some(public_key),
                Some(bot_token),
                Some(guild_ids),
                Some(api_base),
            ) => Ok(Config {
                application_id,
                public_key,
                bot_token,
                guild_ids,
                api_base,
            }),
            _ => Err(problems),
        }
    }
}

impl ConfigError {
    fn check<T>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        value: Option<T>,
    ) -> Option<T> {
        if value.is_none() {
            self.malformed.push((name, expected));
        }
        value
    }
}

/// Discord's ids are positive 64-bit numbers written in decimal.
fn snowflake(text: &str) -> Option<u64> {
    text.parse().ok().filter(|&id| id > 0)
}

fn is_base_url(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty()) && text.parse::<http::Uri>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(name: &str) -> Option<String> {
        let value = match name {
            "DISCORD_APPLICATION_ID" => "123",
            "DISCORD_PUBLIC_KEY" => {
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
            }
            "DISCORD_BOT_TOKEN" => "a.b.c",
            "DBCORD_GUILD_ID" => "5, 6",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn a_complete_configuration_is_read() {
        let config = Config::read(complete).unwrap();
        assert_eq!(config.guild_ids, [5, 6]);
        assert_eq!(config.api_base, DEFAULT_API_BASE);
        assert!(!format!("{config:?}").contains("a.b.c"));
    }

    #[test]
    fn every_problem_is_named_and_no_value_shown() {
        let error = Config::read(|name| match name {
            "DISCORD_PUBLIC_KEY" => Some("zz-secret".into()),
            "DISCORD_API_BASE" => Some("ftp://x".into()),
            "DBCORD_GUILD_ID" => Some("5,x".into()),
            _ => None,
        })
        .unwrap_err();
        assert_eq!(
            error.missing,
            ["DISCORD_APPLICATION_ID", "DISCORD_BOT_TOKEN"]
        );
        let names: Vec<_> = error.malformed.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            ["DISCORD_PUBLIC_KEY", "DBCORD_GUILD_ID", "DISCORD_API_BASE"]
        );
        assert!(!error.to_string().contains("zz-secret"));
    }
}
