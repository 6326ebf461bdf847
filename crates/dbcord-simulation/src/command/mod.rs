//! The program: seeds on all cores, and the shortest account of what broke.

mod arguments;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arguments::{Arguments, USAGE};

use crate::simulate::{Plan, Report, minimise, simulate};

/// Between two lines of progress where nobody looks at a terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// The same on a terminal, where the line is written over.
const UPDATE_EVERY: Duration = Duration::from_millis(500);

pub fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("dbcord-simulate: {problem}");
            return ExitCode::from(2);
        }
    };
    if arguments.help {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    // Printed, so that a run of random seeds can be repeated as well.
    let first = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!(
        "{} seeds from {first}, {} operations each",
        arguments.seeds, arguments.operations
    );
    match Seeds::new(first, &arguments).run() {
        None => ExitCode::SUCCESS,
        Some((seed, report)) => {
            tell(seed, report, &arguments);
            ExitCode::FAILURE
        }
    }
}

/// The seeds of one call, shared by the threads that work on them.
struct Seeds {
    first: u64,
    count: u64,
    operations: usize,
    taken: AtomicU64,
    done: AtomicU64,
    requests: AtomicU64,
    undecided: AtomicU64,
    is_over: AtomicBool,
    broken: Mutex<Option<(u64, Report)>>,
}

impl Seeds {
    fn new(first: u64, arguments: &Arguments) -> Seeds {
        Seeds {
            first,
            count: arguments.seeds,
            operations: arguments.operations,
            taken: AtomicU64::new(0),
            done: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            undecided: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            broken: Mutex::new(None),
        }
    }

    /// The lowest seed that broke a law, of those that were begun before all stopped.
    fn run(&self) -> Option<(u64, Report)> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let started = now();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work())).collect();
            self.show_progress(started, || {
                workers.iter().all(|worker| worker.is_finished())
            });
        });
        let seconds = started.elapsed().as_secs_f64();
        let done = self.done.load(Ordering::Relaxed);
        let requests = self.requests.load(Ordering::Relaxed);
        println!(
            "{requests} requests to Discord, {:.1} seeds a second",
            done as f64 / seconds
        );
        let undecided = self.undecided.load(Ordering::Relaxed);
        if undecided > 0 {
            println!(
                "{undecided} seeds ended early: what their clients saw takes too long to explain"
            );
        }
        let broken = self.broken.lock().map(|mut broken| broken.take());
        let broken = broken.unwrap_or_default();
        if broken.is_none() {
            println!("{}", verdict(done, undecided));
        }
        broken
    }

    fn work(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let taken = self.taken.fetch_add(1, Ordering::Relaxed);
            if taken >= self.count {
                return;
            }
            let seed = self.first.wrapping_add(taken);
            let report = simulate(&Plan::draw(seed, self.operations), None);
            self.done.fetch_add(1, Ordering::Relaxed);
            self.requests.fetch_add(report.requests, Ordering::Relaxed);
            self.undecided
                .fetch_add(u64::from(report.is_undecided), Ordering::Relaxed);
            if report.violation.is_some() {
                self.is_over.store(true, Ordering::Relaxed);
                if let Ok(mut broken) = self.broken.lock()
                    && broken.as_ref().is_none_or(|(other, _)| seed < *other)
                {
                    *broken = Some((seed, report));
                }
            }
        }
    }

    fn show_progress(&self, started: Instant, is_finished: impl Fn() -> bool) {
        let is_terminal = std::io::stderr().is_terminal();
        let every = if is_terminal {
            UPDATE_EVERY
        } else {
            LINE_EVERY
        };
        let mut shown = started;
        while !is_finished() {
            std::thread::park_timeout(Duration::from_millis(50));
            if shown.elapsed() < every {
                continue;
            }
            shown = now();
            let done = self.done.load(Ordering::Relaxed);
            let line = format!(
                "{done} of {} seeds, {} s",
                self.count,
                started.elapsed().as_secs()
            );
            let (begin, end) = if is_terminal { ("\r", "") } else { ("", "\n") };
            eprint!("{begin}{line}{end}");
            let _ = std::io::stderr().flush();
        }
        if is_terminal && shown != started {
            eprintln!();
        }
    }
}

/// The last line of a run that broke no law.
fn verdict(done: u64, undecided: u64) -> String {
    match undecided {
        0 => format!("{done} seeds, 0 violations"),
        undecided => format!("{done} seeds, 0 violations, {undecided} undecided"),
    }
}

fn tell(seed: u64, report: Report, arguments: &Arguments) {
    let plan = Plan::draw(seed, arguments.operations);
    let steps = plan.steps.len();
    if let Some(violation) = &report.violation {
        println!("\nseed {seed}: {violation}");
    }
    println!("\nLooking for a shorter way there...");
    let (plan, report) = minimise(plan, report, |plan| simulate(plan, None));
    println!("{} of {steps} steps are enough:\n", plan.steps.len());
    for line in &report.trace {
        println!("{line}");
    }
    if let Some(violation) = &report.violation {
        println!("\n{violation}");
    }
    let operations = arguments.operations;
    println!("\nTo repeat it: scripts/simulate --seed {seed} --seeds 1 --ops {operations}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "progress is shown in real time; no run depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::verdict;

    #[test]
    fn what_could_not_be_decided_is_not_counted_in_silence() {
        assert_eq!(verdict(40, 0), "40 seeds, 0 violations");
        assert_eq!(verdict(40, 3), "40 seeds, 0 violations, 3 undecided");
    }
}
