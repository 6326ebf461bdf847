//! The tour: what a new user does first, through the engine itself.

use std::time::{Duration, Instant};

use dbcord::engine::document;
use dbcord::engine::init::InitOptions;
use dbcord::engine::inspect::Inspection;
use dbcord::engine::materialize::Progress;
use dbcord::engine::row::{Action, Change, PutMode};
use dbcord::engine::table::TableOptions;
use dbcord::engine::{Engine, Origin};
use dbcord::host::Clock;
use dbcord::limits::{BACKGROUND_REQUESTS, OWNERSHIP_WAIT_MS};

use super::session::Session;
use crate::discord::id_at;
use crate::host::NativeHost;
use crate::interrupt;

const TABLE: &str = "users";
const KEY: &str = "u_1";
const ROW: &str = r#"{"id":"u_1","email":"a@example.com","role":"student"}"#;
/// How long the channels may take to show everything.
const MATERIALIZE_MS: u64 = 2 * 60_000;
/// New storage's wait, and a little for clocks that round.
const AFTER_NEW_STORAGE: Duration = Duration::from_millis(OWNERSHIP_WAIT_MS + 1_000);

/// How it went.
pub struct Tour {
    pub went_well: bool,
    /// The database's category, once it is there.
    pub category: Option<u64>,
}

/// Goes through all steps, up to the first that fails.
pub async fn run(session: &Session, quick: bool) -> Tour {
    let mut guide = Guide {
        session,
        quick,
        category: None,
        last_interaction: 0,
    };
    let went_well = guide.steps().await.is_some();
    Tour {
        went_well,
        category: guide.category,
    }
}

struct Guide<'a> {
    session: &'a Session,
    /// Leaves out what waits.
    quick: bool,
    category: Option<u64>,
    last_interaction: u64,
}

/// What a step says about itself, or what went wrong.
type Outcome = Result<String, String>;

impl Guide<'_> {
    /// None after a failure, which has been told by then.
    async fn steps(&mut self) -> Option<()> {
        let engine = self.engine();
        let origin = self.origin("/dbc_init");
        self.step("init", self.init(&engine, &origin)).await?;
        self.category = self.look(&engine).await.ok().and_then(|seen| seen.category);
        let origin = self.origin("/dbc_table_create");
        self.step("create table", self.create_table(&engine, &origin))
            .await?;
        let origin = self.origin("/dbc_insert");
        self.step("insert", self.insert(&engine, &origin)).await?;
        self.step("get", self.get(&engine)).await?;
        self.step("inspect", self.inspect(&engine)).await?;
        self.step("materialize", self.materialize(&engine)).await?;
        engine.close();
        self.step("get, closed and reopened", self.get(&engine))
            .await?;
        // As after a deployment to another account: nothing but what Discord holds.
        engine.close();
        self.session.host.forget();
        let fresh = self.engine();
        self.step("get, with storage wiped", self.get_too_early(&fresh))
            .await?;
        if self.quick {
            return Some(());
        }
        self.session.sleep(AFTER_NEW_STORAGE).await;
        self.step("get, a minute later", self.get(&fresh)).await?;
        self.step("materialize again", self.materialize(&fresh))
            .await
    }

    /// Runs one step and prints how it went.
    async fn step(&self, name: &str, work: impl Future<Output = Outcome>) -> Option<()> {
        let requests = self.session.client.requests_sent();
        let begun = Instant::now();
        let outcome = if interrupt::requested() {
            Err("interrupted".to_owned())
        } else {
            work.await
        };
        let requests = self.session.client.requests_sent() - requests;
        let effort = effort(requests, begun.elapsed());
        match outcome {
            Ok(result) => {
                say!("  ok      {name}: {result}  [{effort}]");
                Some(())
            }
            Err(problem) => {
                say!("  FAILED  {name}: {problem}  [{effort}]");
                None
            }
        }
    }

    fn engine(&self) -> Engine<NativeHost> {
        let session = self.session;
        Engine::new(session.host.clone(), session.client.clone(), session.guild)
    }

    /// Stands in for an interaction: the engine wants each write to have an id of its own, which
    /// tells its age.
    fn origin(&mut self, command: &str) -> Origin {
        let id = id_at(self.session.host.now());
        self.last_interaction = id.max(self.last_interaction + 1);
        Origin {
            interaction: self.last_interaction.to_string(),
            user: self.session.me.to_string(),
            command: command.to_owned(),
        }
    }

    async fn init(&self, engine: &Engine<NativeHost>, origin: &Origin) -> Outcome {
        let name = &self.session.run;
        let options = InitOptions { private: true };
        let report = engine.init(origin, name, options).await.map_err(text)?;
        if report.existed {
            return Err(format!("database {name} was there already"));
        }
        let made = report.made.join(", ");
        Ok(match report.attachments {
            Some(access) => format!("made {made}; attachments: {access:?}"),
            None => format!("made {made}; attachments: not known"),
        })
    }

    async fn create_table(&self, engine: &Engine<NativeHost>, origin: &Origin) -> Outcome {
        let database = engine.database(&self.session.run).await.map_err(text)?;
        let options = TableOptions {
            pk: "id".to_owned(),
            mirror: true,
        };
        let committed = database.create_table(origin, TABLE, options).await;
        Ok(format!("commit {}", committed.map_err(text)?.at))
    }

    async fn insert(&self, engine: &Engine<NativeHost>, origin: &Origin) -> Outcome {
        let database = engine.database(&self.session.run).await.map_err(text)?;
        let change = Change {
            table: TABLE.to_owned(),
            key: KEY.to_owned(),
            if_rev: None,
            action: Action::Put {
                mode: PutMode::Insert,
                fields: document::parse("value_json", ROW).map_err(text)?,
                option: "value_json",
            },
        };
        let committed = database.change_row(origin, change).await;
        Ok(format!("commit {}", committed.map_err(text)?.at))
    }

    /// New storage cannot know what was written last, so that the first answer is to wait.
    async fn get_too_early(&self, engine: &Engine<NativeHost>) -> Outcome {
        match self.get(engine).await {
            Err(why) if why.contains("storage is new") => Ok("waits a minute first".to_owned()),
            Err(why) => Err(why),
            Ok(row) => Err(format!("answered at once: {row}")),
        }
    }

    async fn get(&self, engine: &Engine<NativeHost>) -> Outcome {
        let database = engine.database(&self.session.run).await.map_err(text)?;
        let row = database.get(TABLE, KEY).await.map_err(text)?;
        if row.doc != ROW {
            return Err(format!("row {KEY} reads {}, written was {ROW}", row.doc));
        }
        Ok(format!("{} (revision {})", row.doc, row.rev))
    }

    async fn look(&self, engine: &Engine<NativeHost>) -> Result<Inspection, String> {
        let database = engine.database(&self.session.run).await.map_err(text)?;
        database.inspect().await.map_err(text)
    }

    async fn inspect(&self, engine: &Engine<NativeHost>) -> Outcome {
        let seen = self.look(engine).await?;
        let rows: u64 = seen.tables.iter().map(|table| table.rows).sum();
        let commit = seen.head.map_or(0, |head| head.seq());
        if (seen.tables.len(), rows, commit) != (1, 1, 3) {
            return Err(format!(
                "{} tables, {rows} rows, commit #{commit}; expected were 1, 1 and #3",
                seen.tables.len()
            ));
        }
        Ok(format!(
            "1 table, 1 row, commit #{commit}, {} to be shown yet",
            seen.backlog
        ))
    }

    async fn materialize(&self, engine: &Engine<NativeHost>) -> Outcome {
        let host = &self.session.host;
        let database = engine.database(&self.session.run).await.map_err(text)?;
        let deadline = host.now() + MATERIALIZE_MS;
        let turn = async || {
            let stop_at = self.session.client.requests_sent() + u64::from(BACKGROUND_REQUESTS);
            database.materialize(stop_at).await
        };
        while let Progress::More(at) = turn().await {
            if interrupt::requested() {
                return Err("interrupted".to_owned());
            }
            let now = host.now();
            if at.max(now) >= deadline {
                let seen = self.look(engine).await?;
                let why = seen
                    .stalled
                    .unwrap_or_else(|| "it takes too long".to_owned());
                return Err(format!("{} still to be shown: {why}", seen.backlog));
            }
            host.sleep(Duration::from_millis(at.saturating_sub(now)))
                .await;
        }
        let seen = self.look(engine).await?;
        if seen.backlog > 0 {
            let left = seen.backlog;
            return Err(format!("done, but {left} still to be shown"));
        }
        // A cold open that finds everything in place does not look where each message is.
        let row = database.get(TABLE, KEY).await.map_err(text)?;
        Ok(match row.link {
            Some(link) => format!("the row is at {link}"),
            None => "nothing to do".to_owned(),
        })
    }
}

fn text(error: dbcord::error::Error) -> String {
    error.to_string()
}

fn effort(requests: u64, elapsed: Duration) -> String {
    let plural = if requests == 1 { "" } else { "s" };
    format!("{requests} request{plural}, {} ms", elapsed.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_is_told_in_words() {
        assert_eq!(
            effort(1, Duration::from_millis(1_500)),
            "1 request, 1500 ms"
        );
        assert_eq!(effort(0, Duration::ZERO), "0 requests, 0 ms");
    }
}
