//! Where rows are asked for: in memory, with Discord's search, or by reading the table's channel.

use super::words::{Searches, Shows};
use crate::limits::{MESSAGE_PAGE, PACKED_MEMORY, ROW_MEMORY, TABLE_MEMORY};

/// What somebody may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    Memory,
    Search,
    Scan,
}

/// What is known of a table before any of its rows is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub is_loaded: bool,
    /// Whether its rows could not be had when that was last tried.
    pub is_damaged: bool,
    /// Whether its rows stand in messages at all.
    pub is_shown: bool,
    /// Which of them its channel shows.
    pub shows: Shows,
    pub rows: u64,
    /// The files with them, and what these have in all, packed.
    pub files: u64,
    pub packed_bytes: u64,
    /// Whether any of them is text: attachments could not be read when it was written.
    pub has_text: bool,
}

/// Where the rows are taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Memory,
    Search(Searches),
    Scan,
}

/// A way to the rows before they are in memory, and what it is thought to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub name: String,
    /// Rows to be looked at, where that is known.
    pub rows: Option<u64>,
    /// At least so many; of memory, to load the table.
    pub requests: u64,
    /// What is to be said against it.
    pub but: &'static str,
}

impl Standing {
    /// What the table takes in memory once it is loaded, as far as a checkpoint tells.
    pub fn memory(&self) -> u64 {
        let packed = self.packed_bytes.saturating_mul(PACKED_MEMORY);
        packed.saturating_add(self.rows.saturating_mul(ROW_MEMORY))
    }

    /// Whether none of its rows can be read from messages.
    fn shows_nothing(&self) -> bool {
        !self.is_shown || self.shows == Shows::None
    }

    /// Where the rows are taken from; none where that is a search and there is nothing to search for. Memory is
    /// exact, so it is taken wherever the table is or fits.
    pub fn source(&self, via: Option<Via>, searches: Option<Searches>) -> Option<Source> {
        let fits = !self.is_damaged && self.memory() <= TABLE_MEMORY;
        match via {
            Some(Via::Memory) => Some(Source::Memory),
            Some(Via::Scan) => Some(Source::Scan),
            Some(Via::Search) => searches.map(Source::Search),
            None if self.is_loaded || fits || self.shows_nothing() => Some(Source::Memory),
            None => Some(searches.map_or(Source::Scan, Source::Search)),
        }
    }

    /// All the ways there are, the exact one first.
    pub fn ways(&self, searches: Option<&Searches>) -> Vec<Way> {
        let mut ways = vec![Way {
            name: MEMORY.to_owned(),
            rows: Some(self.rows),
            requests: self.files,
            but: match () {
                () if self.is_loaded => "",
                () if self.is_damaged => "; its rows could not be loaded",
                () if self.memory() > TABLE_MEMORY => "; it may not fit",
                () => "",
            },
        }];
        if !self.is_shown {
            return ways;
        }
        let eventual = match self.shows {
            Shows::All | Shows::Some => "; eventual",
            Shows::None => "; its channel shows none of the rows",
        };
        if let Some(searches) = searches {
            ways.push(Way {
                name: searches.name.clone(),
                rows: None,
                requests: searches.count() as u64,
                but: eventual,
            });
        }
        ways.push(Way {
            name: SCAN.to_owned(),
            rows: Some(self.rows),
            requests: self.rows / MESSAGE_PAGE as u64 + 1,
            but: eventual,
        });
        ways
    }
}

/// What all ways in memory are called together.
pub const MEMORY: &str = "MEMORY";
/// What reading the table's channel is called.
pub const SCAN: &str = "CHANNEL SCAN";

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        Standing {
            is_loaded: false,
            is_damaged: false,
            is_shown: true,
            shows: Shows::All,
            rows: 1_000,
            files: 2,
            packed_bytes: 100_000,
            has_text: false,
        }
    }

    fn searches() -> Searches {
        Searches {
            name: "SEARCH WORDS".to_owned(),
            index: None,
            texts: vec!["x".to_owned()],
            shows_some: true,
            cut: None,
        }
    }

    #[test]
    fn where_rows_are_taken_from() {
        let cold = standing();
        let hot = Standing {
            is_loaded: true,
            ..cold
        };
        let large = Standing {
            rows: 200_000,
            ..cold
        };
        let packed = Standing {
            packed_bytes: 40 * 1024 * 1024,
            ..cold
        };
        let damaged = Standing {
            is_damaged: true,
            ..cold
        };
        let unseen = Standing {
            is_shown: false,
            ..damaged
        };
        let emptied = Standing {
            shows: Shows::None,
            ..damaged
        };
        let large_and_hot = Standing {
            is_loaded: true,
            ..large
        };
        let name = |source: Option<Source>| match source {
            Some(Source::Memory) => "memory",
            Some(Source::Search(_)) => "search",
            Some(Source::Scan) => "scan",
            None => "nothing",
        };
        // By itself with something to search for and without, then as it is told to.
        for (standing, expected) in [
            (
                cold,
                ["memory", "memory", "memory", "search", "nothing", "scan"],
            ),
            (
                hot,
                ["memory", "memory", "memory", "search", "nothing", "scan"],
            ),
            (
                large,
                ["search", "scan", "memory", "search", "nothing", "scan"],
            ),
            (
                packed,
                ["search", "scan", "memory", "search", "nothing", "scan"],
            ),
            (
                damaged,
                ["search", "scan", "memory", "search", "nothing", "scan"],
            ),
            (
                unseen,
                ["memory", "memory", "memory", "search", "nothing", "scan"],
            ),
            (
                emptied,
                ["memory", "memory", "memory", "search", "nothing", "scan"],
            ),
            (
                large_and_hot,
                ["memory", "memory", "memory", "search", "nothing", "scan"],
            ),
        ] {
            let found = [
                (None, Some(searches())),
                (None, None),
                (Some(Via::Memory), Some(searches())),
                (Some(Via::Search), Some(searches())),
                (Some(Via::Search), None),
                (Some(Via::Scan), None),
            ]
            .map(|(via, searches)| name(standing.source(via, searches)));
            assert_eq!(found, expected, "{standing:?}");
        }
    }

    #[test]
    fn a_table_of_the_measured_size_fits() {
        // 50,000 rows of 300 bytes took 42,880 KiB.
        let measured = Standing {
            rows: 50_000,
            packed_bytes: 50_000 * 75,
            ..standing()
        };
        assert!((38 << 20..46 << 20).contains(&measured.memory()));
        assert!(measured.memory() < TABLE_MEMORY);
    }

    #[test]
    fn ways_are_told_with_what_they_take() {
        let names = |standing: Standing, searches: Option<&Searches>| {
            let ways = standing.ways(searches).into_iter();
            let ways =
                ways.map(|way| format!("{} {} {:?}{}", way.name, way.requests, way.rows, way.but));
            ways.collect::<Vec<_>>()
        };
        assert_eq!(
            names(standing(), Some(&searches())),
            [
                "MEMORY 2 Some(1000)",
                "SEARCH WORDS 2 None; eventual",
                "CHANNEL SCAN 11 Some(1000); eventual",
            ]
        );
        let damaged = Standing {
            is_damaged: true,
            is_shown: false,
            ..standing()
        };
        assert_eq!(
            names(damaged, Some(&searches())),
            ["MEMORY 2 Some(1000); its rows could not be loaded"]
        );
    }
}
