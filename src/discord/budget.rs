//! How many requests background work may send at a time. Whatever it is doing when it has sent them,
//! it waits where it stands and goes on when it is given more; so no piece of work is too large for
//! one turn, and none has to know how many requests it takes.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_channel::oneshot;

#[derive(Debug, Default)]
pub(super) struct Budget {
    /// Whether what runs right now is background work.
    is_running: Cell<bool>,
    /// Requests that it may still send.
    left: Cell<u32>,
    /// Requests that it was allowed and that are not over.
    open: Cell<u32>,
    /// Requests that wait until there are more.
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Budget {
    /// Leave to send one request. Only background work ever waits for it.
    pub async fn leave(&self) -> Leave<'_> {
        if !self.is_running.get() {
            return Leave {
                of: None,
                is_used: false,
            };
        }
        loop {
            if let Some(left) = self.left.get().checked_sub(1) {
                self.left.set(left);
                self.open.set(self.open.get() + 1);
                return Leave {
                    of: Some(self),
                    is_used: false,
                };
            }
            let (wake, woken) = oneshot::channel();
            self.waiting.borrow_mut().push(wake);
            // A sender dropped with the client ends the wait too.
            let _ = woken.await;
        }
    }

    fn fill(&self, requests: u32) {
        self.left.set(requests);
        for waiting in self.waiting.take() {
            let _ = waiting.send(());
        }
    }

    /// Whether nothing happens any more until there are more requests to send.
    fn is_used_up(&self) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain(|waiting| !waiting.is_canceled());
        self.open.get() == 0 && !waiting.is_empty()
    }
}

/// Leave to send a request. Unless it was used, it is given back.
pub(super) struct Leave<'a> {
    /// None outside of background work, where nothing is counted.
    of: Option<&'a Budget>,
    is_used: bool,
}

impl Leave<'_> {
    /// The request is sent now.
    pub fn is_used(&mut self) {
        self.is_used = true;
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let Some(budget) = self.of else { return };
        budget.open.set(budget.open.get().saturating_sub(1));
        if !self.is_used {
            budget.fill(budget.left.get() + 1);
        }
    }
}

/// Runs a piece of background work until it is done, or none when it waits for more requests: then
/// the next turn goes on with it.
pub(super) struct Turn<'a, F: ?Sized> {
    budget: &'a Budget,
    work: Pin<&'a mut F>,
}

impl<'a, F: Future + ?Sized> Turn<'a, F> {
    /// `requests` are all that are sent in this turn.
    pub fn new(budget: &'a Budget, requests: u32, work: Pin<&'a mut F>) -> Self {
        budget.fill(requests);
        Turn { budget, work }
    }
}

impl<F: Future + ?Sized> Future for Turn<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let budget = self.budget;
        let outer = budget.is_running.replace(true);
        let polled = self.work.as_mut().poll(context);
        budget.is_running.set(outer);
        match polled {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if budget.is_used_up() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_executor::block_on;
    use futures_util::future::join_all;
    use std::future::ready;
    use std::pin::pin;

    async fn send(budget: &Budget, sent: &Cell<u32>) {
        let mut leave = budget.leave().await;
        leave.is_used();
        sent.set(sent.get() + 1);
    }

    #[test]
    fn work_goes_on_where_it_stood() {
        let (budget, sent) = (Budget::default(), Cell::new(0));
        let mut work = pin!(async {
            for _ in 0..7 {
                send(&budget, &sent).await;
            }
            sent.get()
        });
        for most in [3, 6] {
            let turn = Turn::new(&budget, 3, work.as_mut());
            assert_eq!(block_on(turn), None);
            assert_eq!(sent.get(), most);
        }
        assert_eq!(block_on(Turn::new(&budget, 3, work.as_mut())), Some(7));
    }

    #[test]
    fn requests_under_way_are_waited_for() {
        let (budget, sent) = (Budget::default(), Cell::new(0));
        let (answer, answered) = oneshot::channel::<()>();
        let mut work = pin!(join_all([
            Box::pin(async {
                let mut leave = budget.leave().await;
                leave.is_used();
                let _ = answered.await;
                sent.set(sent.get() + 1);
            }) as Pin<Box<dyn Future<Output = ()>>>,
            Box::pin(send(&budget, &sent)),
        ]));
        let mut turn = pin!(Turn::new(&budget, 1, work.as_mut()));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(turn.as_mut().poll(&mut context).is_pending());
        let _ = answer.send(());
        assert!(matches!(turn.poll(&mut context), Poll::Ready(None)));
        assert_eq!(sent.get(), 1);
        assert!(block_on(Turn::new(&budget, 1, work.as_mut())).is_some());
        assert_eq!(sent.get(), 2);
    }

    #[test]
    fn what_was_not_sent_is_given_back() {
        let (budget, sent) = (Budget::default(), Cell::new(0));
        let mut work = pin!(async {
            drop(budget.leave().await);
            send(&budget, &sent).await;
        });
        assert!(block_on(Turn::new(&budget, 1, work.as_mut())).is_some());
    }

    #[test]
    fn commands_never_wait() {
        let (budget, sent) = (Budget::default(), Cell::new(0));
        let mut work = pin!(send(&budget, &sent));
        assert_eq!(block_on(Turn::new(&budget, 0, work.as_mut())), None);
        block_on(send(&budget, &sent));
        assert_eq!(sent.get(), 1);
        // Nor does what is left of the turn's work speak for them.
        let turn = block_on(Turn::new(&budget, 0, pin!(ready(()))));
        assert_eq!(turn, Some(()));
    }
}
