//! What rows take in memory, where the program counts it. The heap of the wasm is another matter:
//! it is measured in the Worker itself.

use super::guild::{Guild, ROWS_A_COMMIT, row};
use super::{HeapBytes, Measurement, Scale};

const ROW_BYTES: usize = 300;

pub fn measure(scale: &Scale, heap: HeapBytes) -> Vec<Measurement> {
    let mut guild = Guild::new();
    guild.table("users", false);
    let rows = (0..scale.memory_rows).map(|n| row(n, ROW_BYTES));
    guild.fill("users", rows, ROWS_A_COMMIT);
    guild.rest();
    let before = heap();
    guild.timed(guild.get("users", "k000000"));
    guild.world.settle();
    let loaded = heap().saturating_sub(before);
    let name = format!(
        "{} rows of {ROW_BYTES} B, natively: memory a row",
        scale.memory_rows
    );
    vec![Measurement::count(
        name,
        loaded / scale.memory_rows.max(1),
        "B",
    )]
}
