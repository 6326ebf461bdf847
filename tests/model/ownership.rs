use crate::checker::search;
use crate::properties::*;
use crate::protocol::*;
use crate::rules::*;

#[test]
fn try_it() {
    let var = |name: &str, or: u8| std::env::var(name).map_or(or, |v| v.parse().unwrap());
    let bounds = Bounds {
        objects: var("OBJ", 2),
        claims: var("CL", 3),
        writes: var("WR", 2),
        wipes: var("WI", 1),
    };
    for world in [LATE_WORLD, STALLED_WORLD] {
        let started = std::time::Instant::now();
        let r = search(&Ownership {
            rules: ALL,
            world,
            bounds,
            laws: EVERY,
        });
        println!(
            "{world:?} {} states depth {} seen {:b} {:?}",
            r.states,
            r.depth,
            r.seen,
            started.elapsed()
        );
        if let Some(c) = r.counterexample {
            println!("{c}");
        }
    }
}
