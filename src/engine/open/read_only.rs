//! A log that does not show a commit that must be in it: what is proven all the same is shown, with a
//! warning, and nothing is written. Why: `docs/decisions/0013-what-a-log-proves-is-read.md`.

use std::rc::Rc;

use crate::engine::Engine;
use crate::engine::database::{Database, Opened};
use crate::engine::names;
use crate::error::Result;
use crate::host::{Host, UnixMillis};

/// How long that is so before the log is read again.
const READ_AGAIN_MS: u64 = 60_000;
/// Missing commits that are named.
const NAMED: usize = 10;

/// What is read while the database itself cannot be opened: a database of its own, which no write, no
/// alarm and no checkpoint knows of.
pub(in crate::engine) struct ReadOnly<H> {
    database: Rc<Database<H>>,
    until: UnixMillis,
}

impl<H: Host> Engine<H> {
    /// The database, for who only reads: as [`Engine::database`], or what is proven of it where the log does
    /// not show all that must be in it. [`Database::warning`] says so then.
    ///
    /// # Errors
    /// As [`Engine::database`], where nothing is proven.
    pub async fn for_reading(&self, name: &str) -> Result<Rc<Database<H>>> {
        names::check_name("database", name)?;
        let handle = self.handle(name);
        if let Some(found) = handle.read_only_now() {
            return Ok(found);
        }
        let read = match self.database(name).await {
            Ok(database) => database.confirm_tenure().await.map(|()| database),
            Err(error) => Err(error),
        };
        read.or_else(|error| handle.read_only_now().ok_or(error))
    }
}

impl<H: Host> Database<H> {
    /// What every answer has to say, where it may lack acknowledged commits.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    fn read_only_now(&self) -> Option<Rc<Database<H>>> {
        let found = self.read_only.borrow();
        let found = found.as_ref().filter(|_| !self.is_open())?;
        let is_new = self.shared.host.now() < found.until;
        is_new.then(|| Rc::clone(&found.database))
    }

    /// Gives a state to whoever only reads, for a while, unless they have one already that goes further.
    pub(super) fn go_read_only(&self, mut opened: Opened, missing: &[u64]) {
        let state = &opened.state;
        let (Some(head), Some(_), false) = (state.head_id(), state.private, state.is_dropped)
        else {
            return;
        };
        let until = self.shared.host.now().saturating_add(READ_AGAIN_MS);
        if let Some(found) = self.read_only.borrow_mut().as_mut()
            && found.database.head() > Some(head)
        {
            found.until = until;
            return;
        }
        let named = missing.iter().take(NAMED).map(|seq| format!("#{seq}"));
        let mut named: Vec<String> = named.collect();
        if missing.len() > NAMED {
            named.push("more".to_owned());
        }
        let named = match named.as_slice() {
            [] => "a commit that is known to be stored".to_owned(),
            named => format!("commit {}", named.join(", ")),
        };
        let warning = format!(
            "⚠️ read-only: {named} is missing in <#{}>, or not shown yet. Not exact: this is as of commit #{}, as far as the log still tells, and acknowledged commits after it may be missing.",
            opened.log,
            head.seq()
        );
        opened.is_settled = true;
        let mut database = Database::new(&self.name, Rc::clone(&self.shared));
        database.warning = Some(warning);
        database.opened.replace(Some(opened));
        let database = Rc::new(database);
        self.read_only.replace(Some(ReadOnly { database, until }));
    }

    /// The log does not show what is known to be in it: what is in memory is only read from now on, and the
    /// next opening finds out what the log proves. Not while somebody writes.
    pub(super) fn put_aside(&self) {
        if self.writer.try_lock().is_none() || !self.is_open() {
            return;
        }
        if let Some(opened) = self.opened.take() {
            self.go_read_only(opened, &[]);
        }
    }
}
