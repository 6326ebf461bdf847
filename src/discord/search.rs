//! Reading all that a search finds, page by page.

use crate::limits::SEARCH_PAGE;

/// What messages are searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// These words, in this order.
    Words(String),
    /// Any file.
    Files,
}

/// How far a search was read, newest messages first. Each page has what is below the last one's lowest
/// id: unlike offsets, which end at 9,975, that neither skips nor repeats anything when messages come and
/// go meanwhile, and what a page left out at its end stands on the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    below: Option<u64>,
    /// The lowest id on the page that is asked for once more.
    lowest: Option<u64>,
    is_repeat: bool,
    is_over: bool,
}

impl Pages {
    /// From the newest message on, or from below an id.
    pub fn below_id(below: Option<u64>) -> Pages {
        Pages {
            below,
            ..Pages::default()
        }
    }

    /// The next page has messages below this id. All others were read.
    pub fn below(&self) -> Option<u64> {
        self.below
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes in the ids on a page, and how many Discord says there are from there on.
    pub fn took(&mut self, ids: &[u64], total: u64) {
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        self.lowest = self.lowest.into_iter().chain(ids.iter().copied()).min();
        // A page may have fewer messages than there are. Asked for again, it may have the others.
        if !self.is_repeat && ids.len() < total.min(SEARCH_PAGE) {
            self.is_repeat = true;
            return;
        }
        self.is_repeat = false;
        let Some(lowest) = self.lowest.take() else {
            self.is_over = true;
            return;
        };
        // Whoever ignores `max_id` would be asked for ever.
        let goes_on = self.below.is_none_or(|below| lowest < below);
        let is_last = ids.len() < SEARCH_PAGE && ids.len() >= total;
        self.is_over = is_last || !goes_on;
        self.below = Some(lowest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// What a Discord with these messages answers, `short` of them left out, and `off` the total.
    fn page(there: &[u64], below: Option<u64>, short: usize, off: i64) -> (Vec<u64>, u64) {
        let found = there
            .iter()
            .rev()
            .filter(|id| below.is_none_or(|below| **id < below));
        let total = found.clone().count() as u64;
        let mut page: Vec<u64> = found.take(SEARCH_PAGE).copied().collect();
        for n in 0..short.min(page.len()) {
            page.remove((n * 7) % page.len());
        }
        (page, total.saturating_add_signed(off))
    }

    #[test]
    fn ten_thousand_and_more_are_read_to_the_end() {
        let there: Vec<u64> = (1..=12_345).map(|n| n * 3).collect();
        let (mut pages, mut seen, mut asked) = (Pages::default(), Vec::new(), 0);
        while !pages.is_over() {
            let (ids, total) = page(&there, pages.below(), 0, 0);
            pages.took(&ids, total);
            seen.extend(ids);
            asked += 1;
        }
        seen.reverse();
        assert_eq!((seen, asked), (there, 494));
    }

    #[test]
    fn who_ignores_where_to_go_on_is_not_asked_for_ever() {
        let there: Vec<u64> = (1..=100).collect();
        let mut pages = Pages::default();
        let (ids, total) = page(&there, None, 0, 0);
        pages.took(&ids, total);
        assert!(!pages.is_over());
        pages.took(&ids, total);
        assert!(pages.is_over());
    }

    proptest! {
        /// Whatever comes and goes, what is there all the time is read, each page once or twice.
        #[test]
        fn what_stays_is_read_whatever_comes_and_goes(
            ids in prop::collection::btree_set(1u64..5_000, 0..300),
            events in prop::collection::vec((any::<bool>(), 1u64..6_000), 0..40),
        ) {
            let mut there = ids.clone();
            let mut stay = ids;
            let (mut pages, mut seen, mut asked) = (Pages::default(), BTreeSet::new(), 0);
            let mut events = events.into_iter();
            while !pages.is_over() {
                let now: Vec<u64> = there.iter().copied().collect();
                let (ids, total) = page(&now, pages.below(), 0, 0);
                pages.took(&ids, total);
                for id in ids {
                    prop_assert!(seen.insert(id), "{} twice", id);
                }
                asked += 1;
                match events.next() {
                    Some((true, id)) => { there.insert(id); }
                    Some((false, id)) => { there.remove(&id); stay.remove(&id); }
                    None => {}
                }
            }
            prop_assert!(stay.is_subset(&seen));
            prop_assert!(asked <= there.len() / SEARCH_PAGE + 14, "{}", asked);
        }

        /// Short pages end nothing as long as the total says that there is more, and wrong totals do not
        /// end it while pages are full.
        #[test]
        fn short_pages_and_wrong_totals_end_nothing(
            count in 0u64..300,
            shorts in prop::collection::vec(0usize..5, 40),
            off in 0i64..3,
        ) {
            let there: Vec<u64> = (1..=count).collect();
            let (mut pages, mut seen) = (Pages::default(), BTreeSet::new());
            let mut shorts = shorts.into_iter().cycle();
            let mut asked = 0;
            while !pages.is_over() {
                asked += 1;
                prop_assert!(asked < 100);
                // Every other answer is whole.
                let short = if asked % 2 == 1 { shorts.next().unwrap_or(0) } else { 0 };
                let (ids, total) = page(&there, pages.below(), short, off);
                pages.took(&ids, total);
                seen.extend(ids);
            }
            // Unless the whole answers were those of whole pages, a page was asked for again and was whole.
            let lowest = seen.first().copied().unwrap_or(0);
            prop_assert!(lowest <= 5, "it ended at {}", lowest);
        }
    }
}
