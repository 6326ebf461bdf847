//! The simulator as a process of its own, and our programs run against it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

/// A running simulator with one guild. It ends with this value: its standard input closes.
pub struct Simulator {
    process: Child,
    agent: ureq::Agent,
    url: String,
    pub token: String,
    pub application: String,
    pub guild: String,
}

impl Simulator {
    pub fn start() -> Simulator {
        Simulator::start_with(&[])
    }

    pub fn start_with(arguments: &[&str]) -> Simulator {
        let mut process = Command::new(simulator_binary())
            .args(["--port", "0", "--exit-when-stdin-closes"])
            .args(arguments)
            .args(recording())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the simulator starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it is");
        let ready: Value = serde_json::from_str(&line).expect("its first line is JSON");
        let text = |field: &str| ready[field].as_str().expect(field).to_owned();
        let mut simulator = Simulator {
            process,
            agent: ureq::Agent::config_builder()
                .http_status_as_error(false)
                .proxy(None)
                .build()
                .into(),
            url: text("url"),
            token: text("bot_token"),
            application: text("application_id"),
            guild: String::new(),
        };
        let guild = simulator.control("POST", "/sim/guilds", &json!({"name": "Test guild"}));
        simulator.guild = guild["guild_id"].as_str().expect("a guild id").to_owned();
        simulator
    }

    /// A call to the control API.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, path, body, None)
    }

    /// A call as the bot.
    #[allow(dead_code, reason = "not every test file calls Discord itself")]
    pub fn rest(&self, method: &str, path: &str, body: &Value) -> Value {
        let credentials = format!("Bot {}", self.token);
        self.call(method, &format!("/api/v10{path}"), body, Some(&credentials))
    }

    fn call(&self, method: &str, path: &str, body: &Value, credentials: Option<&str>) -> Value {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("User-Agent", dbcord::discord::client::USER_AGENT)
            .header("Content-Type", "application/json");
        if let Some(credentials) = credentials {
            request = request.header("Authorization", credentials);
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let sent = match body.as_str() {
            "" => self.agent.run(request.body(()).expect("a request")),
            body => self.agent.run(request.body(body).expect("a request")),
        };
        let mut response = sent.expect("an answer");
        let status = response.status();
        let text = response.body_mut().read_to_string().expect("a text");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The guild's channels, by id and name, without their messages.
    #[allow(dead_code, reason = "commands leave channels alone")]
    pub fn channels(&self) -> Vec<(String, String)> {
        let guild = self.control("GET", &format!("/sim/guilds/{}", self.guild), &Value::Null);
        let channels = guild["channels"].as_array().expect("channels").iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        channels
            .map(|c| (text(&c["id"]), text(&c["name"])))
            .collect()
    }

    /// One of our programs, set up to talk to this simulator; where settings files are not found.
    pub fn program(&self, path: &str) -> Command {
        let mut command = Command::new(path);
        command
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .env("DISCORD_API_BASE", format!("{}/api/v10", self.url))
            .env("DISCORD_BOT_TOKEN", &self.token)
            .env("DISCORD_APPLICATION_ID", &self.application)
            .env("DBCORD_GUILD_ID", &self.guild)
            // Loopback must not go through anybody's proxy.
            .env("NO_PROXY", "*")
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// What a program printed, and how it ended.
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    pub fn of(command: &mut Command) -> Finished {
        let output = command.output().expect("the program runs");
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Both streams, for messages and for what must stand in neither.
    pub fn all(&self) -> String {
        format!(
            "exit code {:?}\n{}\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    #[track_caller]
    pub fn ends(self, code: i32) -> Finished {
        assert_eq!(self.code, Some(code), "{}", self.all());
        self
    }

    /// Asserts that each text stands in the output.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Finished {
        for text in texts {
            assert!(self.all().contains(text), "no {text:?} in:\n{}", self.all());
        }
        self
    }

    /// Asserts that none of the texts stands in the output.
    #[track_caller]
    pub fn never_says(self, texts: &[&str]) -> Finished {
        for text in texts {
            assert!(!self.all().contains(text), "{text:?} in:\n{}", self.all());
        }
        self
    }
}

/// With `DBCORD_TRAFFIC` (a folder) every exchange is kept for the contract test.
fn recording() -> Vec<OsString> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let Some(folder) = std::env::var_os("DBCORD_TRAFFIC") else {
        return Vec::new();
    };
    let n = STARTED.fetch_add(1, Ordering::Relaxed);
    let name = format!("tools-{}-{n}.ndjson", std::process::id());
    vec!["--traffic".into(), Path::new(&folder).join(name).into()]
}

/// The simulator's program, which stands where our own do. Building the tests of this package
/// alone does not build it.
fn simulator_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let ours = Path::new(env!("CARGO_BIN_EXE_dbcord-live"));
        let folder = ours.parent().expect("a program is in a folder");
        let binary = folder.join(format!("discord-sim{}", std::env::consts::EXE_SUFFIX));
        if !binary.exists() {
            let target = folder.parent().expect("and that in the target folder");
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args([
                "build",
                "--quiet",
                "--package",
                "discord-sim",
                "--target-dir",
            ]);
            cargo.arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
            if folder.ends_with("release") {
                cargo.arg("--release");
            }
            let status = cargo.status().expect("cargo runs");
            assert!(status.success(), "the simulator does not build");
        }
        binary
    })
}
