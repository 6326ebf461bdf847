//! A second deployment of the bot, and the log that goes from one to the other.

use super::place::DATABASE;
use super::run::Run;
use super::violation::{Law, Violation};

/// What who does not know the log has to wait for, and a little more.
const WAIT_MS: u64 = 61_000;
/// An owner looks at the log once it has not for so long, and a little more.
const LEASE_MS: u64 = 21_000;
/// How often somebody tries to take the database over before that is a fault.
const TRIES: u32 = 12;

impl Run {
    /// From now on the other deployment gets the commands, and somebody asks it to take over. What
    /// becomes of that turns out in time.
    pub(super) fn move_on(&mut self) {
        self.deployments = 2;
        self.owner = 1 - self.owner;
        self.world.point_at(self.owner);
        while self.world.deployments() < self.deployments {
            self.world.deploy_another();
        }
        self.take_over();
    }

    /// Whether the database is taken over now, or was before.
    fn take_over(&mut self) -> bool {
        let line = format!("/dbc_init database:{DATABASE} takeover:true");
        let reply = self.world.reply(&line);
        self.note(&format!("{line}: {reply}"));
        reply.contains("is being taken over: ") || reply.contains("this deployment already")
    }

    /// Once nothing goes wrong any more, the deployment that has the commands has the log, too.
    pub(super) fn own_the_log(&mut self) -> Result<(), Violation> {
        if self.deployments < 2 {
            return Ok(());
        }
        self.world.point_at(self.owner);
        // Who was told in passing that it owns the log may not have seen the last notice.
        self.world.wait(LEASE_MS);
        let line = format!("/dbc_inspect database:{DATABASE}");
        let mut reply = String::new();
        for _ in 0..TRIES {
            reply = self.world.reply(&line);
            if !reply.starts_with('❌') {
                return Ok(());
            }
            if reply.contains("takeover:true") {
                self.take_over();
            }
            self.world.wait(WAIT_MS);
        }
        Err(Violation::new(
            Law::Available,
            format!("taken over: {reply}"),
        ))
    }
}
