//! The protocol that keeps a log in Discord to one writer, as a model that is searched in full:
//! every order in which its steps, failures and delays can happen within the bounds. A rule that is
//! taken away gives a counterexample, and the shortest one is printed (`-- --nocapture`).
//!
//! There are two models, since the two together would be too large to search.
//!
//! `ownership`: objects that follow each other over one object storage and one log.
//! - A successor starts at any time, at every step of its predecessor, which may go on running.
//!   Storage refuses a replaced object from its successor's first write on. Its loads are granted
//!   less than Cloudflare grants them: they do not stop the predecessor. New events reach only the
//!   newest object, so what a replaced one still serves was asked before, and counts as such.
//!   <https://developers.cloudflare.com/durable-objects/platform/known-issues/#global-uniqueness>
//! - A crash is a successor that starts: a replaced object need not do anything any more.
//! - A POST gets into the log at any time, however long it was given up or its object was replaced,
//!   or never. The object hears so, or hears nothing, or is refused for certain.
//! - A read shows what is certain to be shown and any part of the rest, however old that is: Discord
//!   promises no time, and the protocol needs none while storage is kept.
//! - Storage is wiped at any time: epoch and floor are gone.
//! - A store succeeds, or succeeds unheard. One that fails and leaves nothing behind is the same as
//!   none.
//! - The wait of 60 seconds and the clock are assumptions, in two pairs: `rules::LATE_WORLD` and
//!   `rules::STALLED_WORLD`.
//! - A successor waits in full. The engine (`Database::wait_is_over`) lets it finish the wait that
//!   its predecessor began: nothing is acknowledged in between. It also claims once more after it.
//! - Asking later what became of a command (`Database::final_outcome`) is in it: whatever a commit
//!   makes sure is not there, is taken to be reported so at once.
//!
//! `takeover`: two deployments, each with one object and its own storage. Time goes in ticks: a read
//! may miss what is younger than `rules::STALE`, the lease and the wait are as long as `rules` says,
//! and a POST may still surface at any time. A notice is in the log at once, since nothing is
//! done while its POST is under way. A deposed owner says of a write under way that its outcome is
//! unknown, so denials are not in this model. Who outranks whom is told by a term and the owner's id;
//! the engine has the ids of the notices for it, which all see alike too. Storage is wiped once in some runs, and whoever
//! has new storage may announce a takeover at once; a replaced object would change nothing, since each is fenced by the
//! other model's rules, and who announces has touched storage before.
//!
//! A read may also show nothing at all, whatever is there: so Discord answers who lacks Read Message
//! History, which somebody may take away and give back at any moment. In `ownership` that is a read
//! that is refused for what it lacks.
//!
//! In both:
//! - A log begins with one record, and a record has at most one write. Content does not matter, so
//!   a history is its list of writes, and what is promised is that it only ever grows at its end,
//!   from one that was served to the next. That is strict serializability for anything that is
//!   computed from the list.
//! - A database that is open is taken to be read at every moment.
//! - Message ids play no part, as they play none in `replay::chain`; so they may be in any order.
//!   Paging is one read: a page that misses what came meanwhile is a read that misses it.
//! - A record in two messages is one commit, so the nonce and its repetition are left out: a
//!   repeated POST is one that takes longer.
//! - A read that is refused for what it lacks is repeated, so it is not a step.
//!
//! Not modelled: damaged or deleted messages, checkpoints and vacuum, group commit (a batch is one
//! write), several databases, failures of Discord that only delay.
//!
//! What is searched by default takes about half a minute of one core in a debug build. The longer
//! runs are for changes to the protocol:
//! `cargo test --profile simulate --test model -- --ignored --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod checker;
mod log;
mod ownership;
mod properties;
mod takeover;
