//! What went over the wire, left for the contract test.

use std::sync::atomic::{AtomicU64, Ordering};

use super::world::World;

impl Drop for World {
    /// Leaves the traffic for the contract test, where the test runner asks for it.
    fn drop(&mut self) {
        let Some(folder) = std::env::var_os("DBCORD_TRAFFIC") else {
            return;
        };
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        // Those run a scenario hundreds of times; the same exchanges once are in the others.
        let repeats = test.starts_with("crash::") || test.starts_with("random::");
        if !self.keeps_traffic || repeats || std::thread::panicking() {
            return;
        }
        let discord = self.outside.discord.borrow();
        let mut lines = String::new();
        for exchange in discord.traffic(0) {
            lines.push_str(&serde_json::to_string(exchange).expect("traffic is JSON"));
            lines.push('\n');
        }
        static WORLDS: AtomicU64 = AtomicU64::new(0);
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let name = format!("native-{}-{number}.ndjson", test.replace("::", "-"));
        let file = std::path::Path::new(&folder).join(name);
        std::fs::write(file, lines).expect("the folder is there");
    }
}
