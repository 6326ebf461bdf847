//! What a database that cannot be opened is said to be.

use crate::engine::database::Database;
use crate::engine::log::CommitId;
use crate::engine::log::read::ReadError;
use crate::engine::not_written;
use crate::engine::object_storage::Floor;
use crate::engine::state::ApplyError;
use crate::error::{Error, ErrorKind};
use crate::host::{Host, Level};

/// What is done, and can be, while the log does not show what must be in it.
const MISSING: &str = "Try again in a minute: it may only not be shown yet. Until it is, nothing is written, so that nothing gets lost, and commands that only read answer from what is proven, and say so. If somebody deleted it, this version cannot mend the log; the `#table-` channels still show the rows, so keep them.";

impl<H: Host> Database<H> {
    pub(in crate::engine) fn several_logs(&self, logs: &[u64]) -> Error {
        let logs: Vec<String> = logs.iter().map(|id| format!("<#{id}>")).collect();
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}` has several channels marked as its log: {}.",
                self.name,
                logs.join(", ")
            ),
        )
        .hint("Delete the one that is empty, then try again.")
    }

    pub(in crate::engine) fn unreadable(&self, error: &ReadError) -> Error {
        match error {
            ReadError::Call(error) => not_written(
                &format!("Reading the log of database `{}`", self.name),
                error,
            ),
            ReadError::File { message, error } => {
                let doing = format!(
                    "Database `{}`: fetching the file of log message {message}",
                    self.name
                );
                let hint = "Discord's attachment host does not give it to this Worker now. The data is safe in the log; nothing is read or written until the file can be read again. Try again later.";
                let mut failed = not_written(&doing, error).hint(hint);
                failed.kind = ErrorKind::Unavailable;
                failed
            }
            ReadError::Text { message, why } => Error::new(
                ErrorKind::Unavailable,
                format!(
                    "Database `{}`: the text of log message {message} cannot be had: {why}.",
                    self.name
                ),
            )
            .hint("Somebody deleted or changed messages of the log. If embeds are hidden, show them again; deleted messages cannot be brought back. If you know that nobody was told that this commit is stored, delete its message."),
            ReadError::Hidden { log } => Error::new(
                ErrorKind::Unavailable,
                format!(
                    "The bot cannot read <#{log}>, the log of database `{}`: Discord shows no message there, as it does to who lacks Read Message History.",
                    self.name
                ),
            )
            .hint(format!(
                "Give the bot Read Message History in <#{log}>: then everything goes on by itself. Nothing is lost."
            )),
        }
    }

    pub(super) fn broken(&self, after: CommitId, wanted: CommitId) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: the log is broken. Commit #{} follows commit #{} ({wanted}), which is missing or damaged.",
                self.name,
                after.seq(),
                wanted.seq()
            ),
        )
        .hint(MISSING)
    }

    pub(super) fn floor_is_missing(&self, floor: &Floor) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: commit #{} is known to be stored, but the log does not show it. Either Discord's answer is out of date, or the message was deleted by hand.",
                self.name,
                floor.link.id.seq()
            ),
        )
        .hint(MISSING)
    }

    /// A look at the log without a record that is known to be in it.
    pub(super) fn record_is_missing(&self, log: u64, message: u64) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "Database `{}`: the log does not show a commit that is known to be stored: {} Either Discord's answer is out of date, or the message was deleted by hand.",
                self.name,
                self.shared.message_link(log, message)
            ),
        )
        .hint(MISSING)
    }

    pub(super) fn damaged_head(&self, message: u64, seq: u64, log: u64) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: the newest message of the log, #{seq}, is damaged, and whether it was ever acknowledged cannot be known: {}",
                self.name,
                self.shared.message_link(log, message)
            ),
        )
        .hint("Nothing is read or written until it can be read. If somebody edited the message or changed how it is shown, undo that; do not delete it unless you know that nobody was told that it is stored.")
    }

    /// Every claim found a higher one.
    pub(super) fn opened_elsewhere(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "Database `{}` is opened by others again and again.",
                self.name
            ),
        )
        .hint("Try again in a minute. If two deployments use the same bot token, stop one of them.")
    }

    pub(super) fn no_epoch_left(&self) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: its log has the highest epoch that there is, so nobody can claim it any more.",
                self.name
            ),
        )
        .hint("Epochs follow the clock, so this is a clock that was set wrong, or a forged record. Nothing was changed.")
    }

    pub(super) fn too_new(&self, version: u32) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "Database `{}` was written by a newer version of dbcord (format {version}).",
                self.name
            ),
        )
        .hint("Deploy the newer version; this one leaves the database alone.")
    }

    pub(in crate::engine) fn does_not_add_up(&self, why: &ApplyError) -> Error {
        let (ApplyError::UnknownTable { at, table } | ApplyError::Mismatch { at, table }) = why;
        self.shared.host.log(
            Level::Error,
            &format!("database {}: replay stopped at {at}: {why:?}", self.name),
        );
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: commit #{} does not add up for table `{table}`: the rows after it are not those that its digest stands for.",
                self.name,
                at.seq()
            ),
        )
        .hint("Report this: it is a bug or a forged record.")
    }
}
