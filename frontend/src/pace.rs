//! Whether a statement runs on the worker that read it, or where blocking costs nobody else.
//!
//! Telling the runtime that a thread may block costs two thread switches, more than a short statement itself: measured
//! with a one-packet echo, 37 µs a round trip instead of 17, and half the throughput.

use crate::service::Ticket;
use aurora_env::lend_thread;
use aurora_types::SqlResult;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::{block_in_place, yield_now};

/// A statement that took longer is slow.
const SLOW: Duration = Duration::from_millis(1);
/// After a slow one, so many of the connection's calls are taken for slow too.
const DISTRUSTED_CALLS: u8 = 16;

/// Commands that a connection has answered in a row before others on its worker have their turn. A client on the same
/// processor has its next command ready whenever it is looked for: without turns the others wait for 128 of them, which
/// is when the runtime ends a task's turn.
const TURN_COMMANDS: u8 = 8;
/// A command that took longer counts for a whole turn.
const TURN: Duration = Duration::from_micros(200);

/// A connection is alone again after so many commands of its own.
const CROWDED_COMMANDS: u8 = 32;

/// Commands of all connections so far.
static COMMANDS: AtomicU64 = AtomicU64::new(0);

/// Decides for one connection, from how long its calls took, and from whether others work beside it.
#[derive(Debug)]
pub struct Pace {
    inline: bool,
    distrusted: u8,
    /// Commands of all connections when its last one began, that one included.
    commands: u64,
    crowded: u8,
    /// Commands since others had their turn.
    in_turn: u8,
    /// When the running command began, until its first call has taken it.
    began: Option<Instant>,
}

impl Pace {
    /// `inline`: short calls may run on the worker itself.
    pub fn new(inline: bool) -> Pace {
        Pace { inline, distrusted: 0, commands: 0, crowded: CROWDED_COMMANDS, in_turn: 0, began: None }
    }

    /// To be called for every command.
    pub fn command_begins(&mut self, now: Instant) {
        self.began = Some(now);
        let before = COMMANDS.fetch_add(1, Ordering::Relaxed);
        let alone = before == self.commands;
        self.crowded = if alone { self.crowded.saturating_sub(1) } else { CROWDED_COMMANDS };
        self.commands = before + 1;
    }

    /// Waits for the client; whoever waits gives others their turn.
    pub async fn waits<F: Future>(&mut self, read: F) -> F::Output {
        let mut read = pin!(read);
        poll_fn(|context| {
            let poll = read.as_mut().poll(context);
            if poll.is_pending() {
                self.in_turn = 0;
            }
            poll
        })
        .await
    }

    /// A command was answered: perhaps others on this worker are to have their turn now.
    pub async fn command_ended(&mut self) {
        self.in_turn = self.in_turn.saturating_add(1);
        if self.in_turn >= TURN_COMMANDS {
            self.in_turn = 0;
            yield_now().await;
        }
    }

    /// Nobody else has sent a command for a while: a worker that stops for a sync keeps nobody waiting.
    fn is_alone(&self) -> bool {
        self.inline && self.crowded == 0
    }

    pub fn run<T>(&mut self, call: impl FnOnce() -> T) -> T {
        if !self.inline {
            return block_in_place(call);
        }
        let began = self.began.take().unwrap_or_else(Instant::now);
        let is_alone = self.is_alone();
        let call = || if is_alone { lend_thread(call) } else { call() };
        let done = if self.distrusted == 0 { call() } else { block_in_place(call) };
        let took = began.elapsed();
        self.distrusted = if took > SLOW { DISTRUSTED_CALLS } else { self.distrusted.saturating_sub(1) };
        if took > TURN {
            self.in_turn = TURN_COMMANDS;
        }
        done
    }

    /// The way of a commit to the disk. Alone, this worker may write it itself: it saves two hops between threads.
    pub async fn committed(&self, mut ticket: Ticket) -> SqlResult<()> {
        let is_alone = self.is_alone();
        poll_fn(|context| {
            let mut poll = || ticket.as_mut().poll(context);
            if is_alone { lend_thread(poll) } else { poll() }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn slow_calls_are_remembered_for_a_while() {
        let mut pace = Pace::new(true);
        pace.run(|| ());
        assert_eq!(pace.distrusted, 0);
        pace.run(|| std::thread::sleep(2 * SLOW));
        assert_eq!(pace.distrusted, DISTRUSTED_CALLS);
        for _ in 0..DISTRUSTED_CALLS {
            pace.run(|| ());
        }
        assert!(pace.distrusted < DISTRUSTED_CALLS);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_busy_connection_leaves_others_their_turn() {
        let (mut pace, turns) = (Pace::new(true), std::rc::Rc::new(Cell::new(0)));
        let other = {
            let turns = turns.clone();
            async move {
                loop {
                    turns.set(turns.get() + 1);
                    yield_now().await;
                }
            }
        };
        let busy = async {
            for _ in 0..3 * TURN_COMMANDS {
                pace.command_ended().await;
                pace.waits(async {}).await;
            }
            pace
        };
        let mut pace = tokio::select! {
            pace = busy => pace,
            () = other => unreachable!(),
        };
        let had = turns.get();
        assert!((3..=5).contains(&had), "{had} turns");
        pace.command_ended().await;
        pace.waits(yield_now()).await;
        assert_eq!(pace.in_turn, 0, "it has waited");
    }
}
