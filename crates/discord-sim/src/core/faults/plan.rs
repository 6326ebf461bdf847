//! A whole run's bad luck, drawn from a seed.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{FaultKind, Strike};
use crate::core::Problem;
use crate::core::traffic::Direction;

/// How likely each fault is for a request that can meet it, and how long it lasts. The same plan does the same to the same
/// requests.
///
/// ```
/// use discord_sim::{Config, Discord, FaultKind, FaultPlan};
///
/// let plan = FaultPlan::new(7)
///     .rate(FaultKind::LostResponse, 0.02)
///     .rate(FaultKind::Late, 0.01)
///     .lasting(FaultKind::Late, 500, 90_000);
/// Discord::new(Config::default()).set_fault_plan(Some(plan)).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultPlan {
    pub seed: u64,
    /// Nothing happens before this time, in Unix milliseconds.
    pub from_ms: u64,
    /// Nothing happens from this time on. What is under way ends too, but for requests that are late.
    pub until_ms: u64,
    /// From 0 to 1, and together at most 1. A request meets at most one fault.
    pub rates: BTreeMap<FaultKind, f64>,
    /// Least and most milliseconds, for those kinds that have a time. An egress block and a refusing attachment host hold
    /// for all requests in that time.
    pub ms: BTreeMap<FaultKind, (u64, u64)>,
}

impl Default for FaultPlan {
    fn default() -> FaultPlan {
        FaultPlan::new(0)
    }
}

impl FaultPlan {
    /// One in which nothing goes wrong yet, at all times.
    pub fn new(seed: u64) -> FaultPlan {
        FaultPlan {
            seed,
            from_ms: 0,
            until_ms: u64::MAX,
            rates: BTreeMap::new(),
            ms: BTreeMap::new(),
        }
    }

    /// With this likelihood of a fault.
    #[must_use]
    pub fn rate(mut self, kind: FaultKind, rate: f64) -> FaultPlan {
        self.rates.insert(kind, rate);
        self
    }

    /// With a fault's least and most milliseconds.
    #[must_use]
    pub fn lasting(mut self, kind: FaultKind, least: u64, most: u64) -> FaultPlan {
        self.ms.insert(kind, (least, most));
        self
    }

    /// Only from one time until before another, in Unix milliseconds.
    #[must_use]
    pub fn between(mut self, from_ms: u64, until_ms: u64) -> FaultPlan {
        self.from_ms = from_ms;
        self.until_ms = until_ms;
        self
    }

    fn check(&self) -> Result<(), Problem> {
        let rates = self.rates.values();
        if !rates.clone().all(|rate| (0.0..=1.0).contains(rate)) || rates.sum::<f64>() > 1.0 {
            return Err(Problem::bad(
                "rates must each be from 0 to 1, and together at most 1",
            ));
        }
        for (kind, (least, most)) in &self.ms {
            if least > most || *most > kind.most_ms() {
                let limit = kind.most_ms();
                return Err(Problem::bad(format!(
                    "{kind:?} cannot last {least} to {most} milliseconds; the most is {limit}"
                )));
            }
        }
        Ok(())
    }

    fn range_ms(&self, kind: FaultKind) -> (u64, u64) {
        let usual = match kind {
            FaultKind::Late => (100, 60_000),
            FaultKind::EgressBlock => (5_000, 60_000),
            FaultKind::AttachmentsRefused => (1_000, 60_000),
            FaultKind::StaleRead => (50, 5_000),
            FaultKind::IdsOutOfOrder => (1, 1_000),
            _ => (100, 3_000),
        };
        self.ms.get(&kind).copied().unwrap_or(usual)
    }
}

/// A plan that is being carried out.
#[derive(Debug)]
pub(super) struct Planned {
    plan: FaultPlan,
    rng: fastrand::Rng,
    /// The address is blocked until then, with this status.
    blocked: (u64, u16),
    attachments_refused_until_ms: u64,
}

impl Planned {
    pub(super) fn new(plan: FaultPlan) -> Result<Planned, Problem> {
        plan.check()?;
        Ok(Planned {
            rng: fastrand::Rng::with_seed(plan.seed),
            plan,
            blocked: (0, 403),
            attachments_refused_until_ms: 0,
        })
    }

    pub(super) fn strike(
        &mut self,
        now: u64,
        direction: Direction,
        method: &Method,
        path: &str,
    ) -> Option<Strike> {
        // As many draws whatever comes of them: what one request meets does not hang on what another was.
        let (chance, length, flavour) = (self.rng.f64(), self.rng.f64(), self.rng.usize(..));
        if now < self.plan.from_ms || now >= self.plan.until_ms {
            return None;
        }
        match direction {
            Direction::Rest if now < self.blocked.0 => {
                return Some(Strike::new(
                    FaultKind::EgressBlock,
                    0,
                    Some(self.blocked.1),
                    None,
                ));
            }
            Direction::Cdn if now < self.attachments_refused_until_ms => {
                return Some(Strike::new(FaultKind::AttachmentsRefused, 0, None, None));
            }
            _ => {}
        }
        let kind = self
            .kind(chance)
            .filter(|kind| kind.concerns(direction, method, path))?;
        let (least, most) = self.plan.range_ms(kind);
        let ms = least + ((most - least) as f64 * length).round() as u64;
        let (status, body) = match kind {
            FaultKind::EgressBlock => {
                let status = if flavour.is_multiple_of(2) { 403 } else { 429 };
                self.blocked = (now.saturating_add(ms), status);
                (Some(status), None)
            }
            FaultKind::AttachmentsRefused => {
                self.attachments_refused_until_ms = now.saturating_add(ms);
                (None, None)
            }
            FaultKind::Status | FaultKind::StatusAfter => {
                let status = [500, 502, 503, 504][flavour % 4];
                (Some(status), Some(server_error(status)))
            }
            _ => (None, None),
        };
        Some(Strike::new(kind, ms, status, body))
    }

    fn kind(&self, chance: f64) -> Option<FaultKind> {
        let mut reached = 0.0;
        self.plan.rates.iter().find_map(|(kind, rate)| {
            reached += rate;
            (chance < reached).then_some(*kind)
        })
    }
}

/// What comes with a 5xx: JSON where Discord itself fails, text where something in front of it does.
fn server_error(status: u16) -> Value {
    match status {
        500 => json!({"message": "500: Internal Server Error", "code": 0}),
        _ => json!(format!("error code: {status}")),
    }
}
