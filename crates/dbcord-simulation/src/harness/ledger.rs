//! Which event asked for which request, and when that was on its way.

use std::cell::Ref;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use dbcord::host::UnixMillis;
use discord_sim::Id;
use futures_util::future::LocalBoxFuture;

use super::outside::Outside;
use super::world::World;

/// What woke an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    #[default]
    None,
    Command(Id),
    /// The alarm, and how often it had rung by then.
    Alarm(u64),
}

/// A request to Discord.
#[derive(Debug, Clone)]
pub struct Sent {
    pub event: Event,
    pub method: String,
    pub path: String,
    /// Of its body.
    pub bytes: u64,
    pub sent_at: UnixMillis,
    /// None while it has no answer.
    pub answered_at: Option<UnixMillis>,
}

/// Runs a task as part of an event: what it sends, and the tasks that it starts send, is put down
/// to that.
pub struct Attributed {
    outside: Rc<Outside>,
    event: Event,
    task: LocalBoxFuture<'static, ()>,
}

impl Attributed {
    pub fn new(
        outside: &Rc<Outside>,
        event: Event,
        task: impl Future<Output = ()> + 'static,
    ) -> Attributed {
        Attributed {
            outside: Rc::clone(outside),
            event,
            task: Box::pin(task),
        }
    }
}

impl Future for Attributed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let outer = self.outside.event.replace(self.event);
        let polled = self.task.as_mut().poll(context);
        self.outside.event.set(outer);
        polled
    }
}

impl World {
    /// From now on, every request is put down.
    pub fn keep_ledger(&mut self) {
        self.outside.ledger.replace(Some(Vec::new()));
    }

    /// The requests that were put down since they were last taken.
    pub fn ledger(&self) -> Ref<'_, [Sent]> {
        let ledger = self.outside.ledger.borrow();
        Ref::map(ledger, |ledger| ledger.as_deref().unwrap_or_default())
    }

    /// The same, which starts a new ledger.
    pub fn take_ledger(&mut self) -> Vec<Sent> {
        let mut ledger = self.outside.ledger.borrow_mut();
        ledger.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
