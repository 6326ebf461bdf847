//! What the engine costs, in requests to Discord and in virtual time. Every request takes the same
//! time and Discord's limits hold, so the figures are the same on every machine. `scripts/bench` adds
//! the heap of the wasm to them, which is not.

mod acknowledgement;
mod amplification;
mod budget;
pub mod command;
mod day;
mod guild;
mod measurement;
mod memory;
pub mod query;
mod reading;
mod report;
mod writers;

pub use measurement::{Goal, Measurement};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Of the table that is read and written.
    pub rows: usize,
    /// Rows written at once.
    pub burst: usize,
    pub writers: usize,
    pub writers_s: u64,
    /// Of the table whose memory is measured.
    pub memory_rows: usize,
    pub updates: usize,
    /// Commands while there is background work.
    pub commands: usize,
    pub writes_a_day: usize,
    pub reads_a_day: usize,
}

impl Scale {
    pub const FULL: Scale = Scale {
        rows: 10_000,
        burst: 1_000,
        writers: 200,
        writers_s: 60,
        memory_rows: 50_000,
        updates: 500,
        commands: 300,
        writes_a_day: 500,
        reads_a_day: 5_000,
    };
    /// Enough to see that everything works.
    pub const SMALL: Scale = Scale {
        rows: 300,
        burst: 100,
        writers: 20,
        writers_s: 10,
        memory_rows: 500,
        updates: 30,
        commands: 40,
        writes_a_day: 20,
        reads_a_day: 100,
    };
}

/// Bytes that are allocated now, where the program counts them.
pub type HeapBytes = fn() -> usize;

/// What can be measured, by name.
pub const SUBJECTS: [&str; 7] = [
    "writes",
    "reads",
    "writers",
    "background",
    "checkpoints",
    "memory",
    "day",
];

/// Measures some of [`SUBJECTS`]. `progress` is told what is being measured.
pub fn measure(
    subjects: &[&str],
    scale: &Scale,
    heap: Option<HeapBytes>,
    progress: impl Fn(&str),
) -> Vec<Measurement> {
    let measured = subjects.iter().flat_map(|subject| {
        progress(subject);
        measure_one(subject, scale, heap)
    });
    measured.collect()
}

fn measure_one(subject: &str, scale: &Scale, heap: Option<HeapBytes>) -> Vec<Measurement> {
    match subject {
        "writes" => acknowledgement::measure(scale),
        "reads" => reading::measure(scale),
        "writers" => writers::measure(scale),
        "background" => budget::measure(scale),
        "checkpoints" => amplification::measure(scale),
        "memory" => heap.map_or_else(Vec::new, |heap| memory::measure(scale, heap)),
        "day" => day::measure(scale),
        _ => Vec::new(),
    }
}
