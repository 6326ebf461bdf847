//! How far the search index is from what is there: drawn from the seed, for every message, guild and request anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::Problem;

/// Longest that a ghost can be made to stay. Keeps what must be remembered of deleted messages within bounds.
const GHOST_MS_MAX: u64 = 60 * 60 * 1_000;

/// What search gets wrong.
///
/// Documented (`resources/message`, "Search Guild Messages"): `unindexed`, `deep_index`, `inexact_total`, `short_page`.
/// Reported only: `lag`, `ghost`, `lost_digits`. Assumed: `straggler`, since nothing promises that a message ever appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchOddity {
    /// A guild has no index before it is first asked for one, which then takes `ms` to build: 202 until then.
    Unindexed,
    /// Once there, a guild's index goes back only half of the way, and takes `ms` to reach its oldest messages.
    DeepIndex,
    /// A message, or what it was changed to, appears `ms` later.
    Lag,
    /// It appears far later than that: `ms` is the least and the most of a distribution with a heavy tail.
    Straggler,
    /// What was deleted, and what a message said before it was edited, is found for another `ms`, at most an hour.
    Ghost,
    /// `total_results` is wrong while messages come and go.
    InexactTotal,
    /// A page lacks some of its messages.
    ShortPage,
    /// A word with a digit in it is not found in a message.
    LostDigits,
}

const ODDITIES: [SearchOddity; 8] = [
    SearchOddity::Unindexed,
    SearchOddity::DeepIndex,
    SearchOddity::Lag,
    SearchOddity::Straggler,
    SearchOddity::Ghost,
    SearchOddity::InexactTotal,
    SearchOddity::ShortPage,
    SearchOddity::LostDigits,
];

/// How likely each oddity is, and how long it lasts. They are drawn from [`Config::seed`](crate::Config::seed), each for
/// itself: one does not change the others.
///
/// ```
/// use discord_sim::{Config, Discord, SearchOddity, SearchPlan};
///
/// let lag_alone = SearchPlan::calm()
///     .rate(SearchOddity::Lag, 1.0)
///     .lasting(SearchOddity::Lag, 35_000, 35_000);
/// Discord::new(Config { message_content_intent: true, ..Config::default() })
///     .set_search_plan(lag_alone)
///     .unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchPlan {
    /// From 0 to 1: the share of guilds (`unindexed`, `deep_index`), of changes to messages (`lag`, `straggler`, `ghost`),
    /// of searches (`inexact_total`, `short_page`), of words in messages (`lost_digits`).
    pub rates: BTreeMap<SearchOddity, f64>,
    /// Least and most milliseconds, for those kinds that have a time.
    pub ms: BTreeMap<SearchOddity, (u64, u64)>,
}

impl SearchPlan {
    /// Nothing odd: every message is found at once and none longer than it is there, totals are exact, pages are full.
    pub fn calm() -> SearchPlan {
        SearchPlan::default()
    }

    /// As Discord is documented and reported to be.
    pub fn usual() -> SearchPlan {
        SearchPlan::calm()
            .rate(SearchOddity::Unindexed, 1.0)
            .rate(SearchOddity::DeepIndex, 0.5)
            .rate(SearchOddity::Lag, 1.0)
            .rate(SearchOddity::Straggler, 0.002)
            .rate(SearchOddity::Ghost, 1.0)
            .rate(SearchOddity::InexactTotal, 0.5)
            .rate(SearchOddity::ShortPage, 0.1)
            .rate(SearchOddity::LostDigits, 0.5)
    }

    /// With this likelihood of an oddity.
    #[must_use]
    pub fn rate(mut self, oddity: SearchOddity, rate: f64) -> SearchPlan {
        self.rates.insert(oddity, rate);
        self
    }

    /// With an oddity's least and most milliseconds.
    #[must_use]
    pub fn lasting(mut self, oddity: SearchOddity, least: u64, most: u64) -> SearchPlan {
        self.ms.insert(oddity, (least, most));
        self
    }

    fn check(&self) -> Result<(), Problem> {
        if !self.rates.values().all(|rate| (0.0..=1.0).contains(rate)) {
            return Err(Problem::bad("rates must each be from 0 to 1"));
        }
        for (oddity, (least, most)) in &self.ms {
            let limit = match oddity {
                SearchOddity::Ghost => GHOST_MS_MAX,
                _ => u64::MAX,
            };
            if least > most || *most > limit {
                return Err(Problem::bad(format!(
                    "{oddity:?} cannot last {least} to {most} milliseconds; the most is {limit}"
                )));
            }
        }
        Ok(())
    }

    fn range_ms(&self, oddity: SearchOddity) -> (u64, u64) {
        let usual = match oddity {
            SearchOddity::Unindexed => (2_000, 20_000),
            SearchOddity::DeepIndex => (10_000, 120_000),
            // About 35 s is what is reported.
            SearchOddity::Lag => (5_000, 65_000),
            SearchOddity::Straggler => (65_000, u64::MAX),
            // About a minute is what is reported.
            SearchOddity::Ghost => (30_000, 90_000),
            SearchOddity::InexactTotal | SearchOddity::ShortPage | SearchOddity::LostDigits => {
                (0, 0)
            }
        };
        self.ms.get(&oddity).copied().unwrap_or(usual)
    }
}

/// A plan with its seed, ready to be asked often.
#[derive(Debug)]
pub(super) struct Odds {
    seed: u64,
    /// By the number of the oddity.
    rates: [f64; ODDITIES.len()],
    ms: [(u64, u64); ODDITIES.len()],
}

impl Odds {
    pub(super) fn new(seed: u64, plan: &SearchPlan) -> Result<Odds, Problem> {
        plan.check()?;
        Ok(Odds {
            seed,
            rates: ODDITIES.map(|oddity| plan.rates.get(&oddity).copied().unwrap_or(0.0)),
            ms: ODDITIES.map(|oddity| plan.range_ms(oddity)),
        })
    }

    pub(super) fn calm(seed: u64) -> Odds {
        Odds {
            seed,
            rates: [0.0; ODDITIES.len()],
            ms: [(0, 0); ODDITIES.len()],
        }
    }

    /// Whether an oddity strikes this one thing. The same thing always meets the same.
    pub(super) fn strikes(&self, oddity: SearchOddity, thing: (u64, u64)) -> bool {
        let rate = self.rates[oddity as usize];
        rate > 0.0 && share(self.draw(oddity, 0, thing)) < rate
    }

    /// For how many milliseconds it does; `None` where it does not strike.
    pub(super) fn lasts_ms(&self, oddity: SearchOddity, thing: (u64, u64)) -> Option<u64> {
        if !self.strikes(oddity, thing) {
            return None;
        }
        let (least, most) = self.ms[oddity as usize];
        let length = share(self.draw(oddity, 1, thing));
        Some(match oddity {
            // Half of them take more than twice the least, one in a hundred more than a hundred times: no mean.
            SearchOddity::Straggler => ((least as f64 / (1.0 - length)) as u64).min(most),
            _ => least + ((most - least) as f64 * length).round() as u64,
        })
    }

    /// How long a change to a message takes until it is found.
    pub(super) fn lag_ms(&self, change: (u64, u64)) -> u64 {
        self.lasts_ms(SearchOddity::Straggler, change)
            .or_else(|| self.lasts_ms(SearchOddity::Lag, change))
            .unwrap_or(0)
    }

    /// How long what was replaced or deleted is still found.
    pub(super) fn ghost_ms(&self, change: (u64, u64)) -> u64 {
        self.lasts_ms(SearchOddity::Ghost, change).unwrap_or(0)
    }

    /// A number from 0 to below `end`, for what is to be chosen once an oddity strikes.
    pub(super) fn choose(&self, oddity: SearchOddity, thing: (u64, u64), n: u64, end: u64) -> u64 {
        self.draw(oddity, 2 + n, thing) % end.max(1)
    }

    fn draw(&self, oddity: SearchOddity, n: u64, thing: (u64, u64)) -> u64 {
        let which = (oddity as u64) << 32 | n;
        [which, thing.0, thing.1]
            .into_iter()
            .fold(mix(self.seed), |state, part| mix(state ^ part))
    }
}

/// The finaliser of SplitMix64 behind its constant: every bit of the input changes half of the output.
pub(super) fn mix(n: u64) -> u64 {
    let mut n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ n >> 31
}

/// From 0 to below 1.
fn share(n: u64) -> f64 {
    (n >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oddities_stand_at_their_numbers() {
        for (n, oddity) in ODDITIES.into_iter().enumerate() {
            assert_eq!(oddity as usize, n);
        }
    }

    #[test]
    fn lags_are_about_35_seconds_and_some_have_no_end() {
        let odds = Odds::new(7, &SearchPlan::usual()).unwrap();
        let mut lags: Vec<u64> = (0..100_000).map(|id| odds.lag_ms((id, 0))).collect();
        lags.sort_unstable();
        assert!((33_000..37_000).contains(&lags[50_000]), "{}", lags[50_000]);
        assert!(lags[0] >= 5_000);
        let late = lags.iter().filter(|ms| **ms > 65_000).count();
        assert!((100..300).contains(&late), "{late}");
        assert!(lags[99_999] > 60 * 60 * 1_000, "{}", lags[99_999]);
    }
}
