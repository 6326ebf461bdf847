//! What the engine costs; behind `scripts/bench engine`.

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() -> std::process::ExitCode {
    dbcord_simulation::bench::command::main(|| HEAP.current_usage())
}
