//! The edge to Cloudflare: the only files that `use worker`.

mod entry;
mod host;
mod object;
mod timer;

use worker::Env;

use crate::config::{Config, ConfigError};

/// Reads the configuration from variables and secrets alike.
fn config(env: &Env) -> Result<Config, ConfigError> {
    Config::read(|name| env.var(name).ok().map(|value| value.to_string()))
}
