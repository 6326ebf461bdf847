//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use lexopt::prelude::*;

/// What `--help` prints.
pub const HELP: &str = "\
discord-sim: a Discord of our own, on a loopback port

Usage: discord-sim [OPTIONS]

Options:
      --port PORT               Port to listen on; 0 lets the system choose [default: 0]
      --host ADDRESS            Loopback address to listen on [default: 127.0.0.1]
      --seed N                  Keys, tokens and latencies follow from this [default: 0]
      --traffic FILE            Append every exchange to FILE, a line of JSON each
      --latency-ms MIN..MAX     Let every answer take this long, in milliseconds [default: 0..0]
      --message-content-intent  Give the application this intent, without which it cannot search
      --exit-when-stdin-closes  End when standard input closes
  -h, --help                    Print this

When it is ready it prints one line of JSON on standard output: url, application_id, public_key, signing_key,
bot_token, bot_user_id. Logs go to standard error.

REST is served under <url>/api/v10, attachments under <url>/attachments, and the control API under <url>/sim:
  GET  /sim                                  the ready line and counts
  POST /sim/guilds                           {\"name\", \"bot_permissions\"?, \"members\"?: [{\"name\", \"permissions\"?}]}
  GET  /sim/guilds/ID                        channels, threads and messages
  PUT  /sim/guilds/ID/bot-permissions        {\"permissions\"}
  PUT  /sim/endpoint                         {\"url\"}: where interactions go; checked with two PINGs
  POST /sim/interactions                     {\"guild_id\", \"text\": \"/name option:value file:@NAME\", \"files\"?:
                                             {NAME: {\"filename\", \"text\" or \"base64\", \"content_type\"?}}} and more
  GET  /sim/interactions/ID?wait_ms=N        waits until it is answered or failed
  POST /sim/interactions/ID/redeliver        sends the same signed bytes again
  POST /sim/act                              {\"user_id\", \"method\", \"path\", \"body\"?}: a REST call as a person
  POST /sim/faults, DELETE /sim/faults       {\"fault\", \"method\"?, \"path\"?, \"skip\"?, \"times\"?, ...}
  PUT  /sim/fault-plan, DELETE               {\"seed\"?, \"rates\": {FAULT: 0..1}, \"ms\"?: {FAULT: [MIN, MAX]},
                                             \"from_ms\"?, \"until_ms\"?}: what each request meets is drawn
  PUT  /sim/search-plan, DELETE              {\"rates\": {ODDITY: 0..1}, \"ms\"?: {ODDITY: [MIN, MAX]}}: how odd search
                                             is; {} and DELETE leave nothing odd
  PUT  /sim/application                      {\"message_content_intent\"}
  GET  /sim/traffic?since=N                  everything exchanged with the application
  POST /sim/clock                            {\"advance_ms\"}

Faults: lost_request lost_response late delay status status_after rate_limit egress_block attachments_refused stale_read
ids_out_of_order. Those that last take \"ms\"; status, status_after and egress_block take \"status\", the first two \"body\".
Oddities: unindexed deep_index lag straggler ghost inexact_total short_page lost_digits, all of them to be met at first.

Exit codes: 0 ended as asked, 1 failed while running, 2 wrong arguments or port in use.
";

/// Settings of the HTTP face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    pub host: IpAddr,
    pub port: u16,
    pub seed: u64,
    pub traffic: Option<PathBuf>,
    /// Least and most milliseconds.
    pub latency_ms: (u64, u64),
    pub message_content_intent: bool,
    pub exit_when_stdin_closes: bool,
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    Run(Args),
    Help,
}

impl Args {
    /// Reads a command line, without the program's name.
    ///
    /// # Errors
    ///
    /// A sentence that says which argument is wrong.
    pub fn parse(
        arguments: impl IntoIterator<Item = std::ffi::OsString>,
    ) -> Result<Parsed, String> {
        let mut args = Args {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 0,
            seed: 0,
            traffic: None,
            latency_ms: (0, 0),
            message_content_intent: false,
            exit_when_stdin_closes: false,
        };
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            match argument {
                Short('h') | Long("help") => return Ok(Parsed::Help),
                Long("port") => args.port = value(&mut parser, "--port")?,
                Long("host") => args.host = value(&mut parser, "--host")?,
                Long("seed") => args.seed = value(&mut parser, "--seed")?,
                Long("traffic") => {
                    args.traffic = Some(parser.value().map_err(|error| error.to_string())?.into());
                }
                Long("latency-ms") => {
                    args.latency_ms = range(&value::<String>(&mut parser, "--latency-ms")?)?
                }
                Long("message-content-intent") => args.message_content_intent = true,
                Long("exit-when-stdin-closes") => args.exit_when_stdin_closes = true,
                other => return Err(other.unexpected().to_string()),
            }
        }
        if !args.host.is_loopback() {
            return Err(format!(
                "--host {} is not a loopback address; this server is for this machine only",
                args.host
            ));
        }
        Ok(Parsed::Run(args))
    }
}

fn value<T: std::str::FromStr>(parser: &mut lexopt::Parser, name: &str) -> Result<T, String> {
    let raw = parser.value().map_err(|error| error.to_string())?;
    let text = raw.to_string_lossy();
    text.parse()
        .map_err(|_| format!("{name} cannot be {text:?}"))
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("--latency-ms wants MIN..MAX in milliseconds, not {text:?}");
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let (min, max) = (
        min.parse().map_err(|_| wrong())?,
        max.parse().map_err(|_| wrong())?,
    );
    if min > max {
        Err(wrong())
    } else {
        Ok((min, max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Parsed, String> {
        Args::parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn a_whole_command_line() {
        let line = "--port 99 --host ::1 --seed 7 --latency-ms 5..20 --traffic log --message-content-intent --exit-when-stdin-closes";
        let Ok(Parsed::Run(args)) = parse(line) else {
            panic!("refused")
        };
        assert_eq!((args.port, args.seed, args.latency_ms), (99, 7, (5, 20)));
        assert!(args.exit_when_stdin_closes && args.message_content_intent);
        assert!(args.host.is_ipv6());
        assert_eq!(args.traffic, Some(PathBuf::from("log")));
    }

    #[test]
    fn wrong_arguments_are_named() {
        assert_eq!(parse("-h"), Ok(Parsed::Help));
        for line in [
            "--port x",
            "--host 0.0.0.0",
            "--latency-ms 9..1",
            "--nonsense",
            "--port",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
