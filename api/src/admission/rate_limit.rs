//! Limits the points that a principal may spend: each principal has a token bucket, which is refilled
//! continuously.
//!
//! `crate::admission::limits::cost` computes the cost of an operation. A principal is a subject of an
//! organization, regardless of the number of its tokens and connections. There are more buckets than any
//! platform is expected to have principals. With more principals, the one that was idle the longest starts
//! again with a full bucket.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use lru::LruCache;

use crate::identity::principal::{Owner, OwnerKind, Principal};

/// The delay of the answer to a principal that lacks points. A client that ignores the time of the retry shall not
/// keep the server busy with refusals.
pub(crate) const REFUSAL_DELAY: Duration = Duration::from_millis(100);

/// The maximum number of principals with a bucket; at about 100 bytes each, 1 MiB.
const MAX_BUCKETS: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// The capacity and the refill rate of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The points of a full bucket, which may be spent at once.
    pub capacity: u32,
    /// The points that are refilled in a second, which may be spent continuously. At least 1.
    pub per_second: u32,
}

/// The rates of all principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// The rate of people, and of programs that send requests on their behalf.
    pub people: Rate,
    /// The rate of agents. One agent acts for many machines, and a report that it cannot send is lost. So
    /// the rate is far higher than any agent is known to need. For example, 5,000 mutations a second, each
    /// of 13 points, are 65,000 points a second.
    pub agents: Rate,
}

impl Rates {
    /// The default rates.
    pub const DEFAULT: Self = Self {
        people: Rate {
            capacity: 100_000,
            per_second: 10_000,
        },
        agents: Rate {
            capacity: 1_000_000,
            per_second: 100_000,
        },
    };
}

impl Default for Rates {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The buckets of all principals.
#[derive(Debug)]
pub(crate) struct Buckets {
    rates: Rates,
    buckets: Mutex<LruCache<Owner, Bucket>>,
}

/// The state of a principal's bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The points of the full bucket.
    pub(crate) limit: u32,
    /// The points that are left.
    pub(crate) remaining: u32,
    /// The time until the bucket is full again, if nothing is spent.
    pub(crate) full_in: Duration,
}

/// The error for a bucket with too few points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PointsExhausted {
    /// The state of the bucket, from which nothing was taken.
    pub(crate) standing: Standing,
    /// The time until the bucket has enough points.
    pub(crate) enough_in: Duration,
}

impl Buckets {
    /// Creates full buckets for all principals.
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            rates,
            buckets: Mutex::new(LruCache::new(MAX_BUCKETS)),
        }
    }

    /// Takes points from the principal's bucket. A request for more points than the capacity needs a full
    /// bucket.
    ///
    /// # Errors
    /// When the bucket has too few points.
    pub(crate) fn take(
        &self,
        principal: &Principal,
        points: usize,
        now: Instant,
    ) -> Result<Standing, PointsExhausted> {
        self.take_or(principal, points, 0, now)
    }

    /// Takes points from the principal's bucket. If it has too few, takes `otherwise` points, if it has those. A
    /// request for more points than the capacity needs a full bucket.
    ///
    /// # Errors
    /// When the bucket has fewer than `points`.
    pub(crate) fn take_or(
        &self,
        principal: &Principal,
        points: usize,
        otherwise: usize,
        now: Instant,
    ) -> Result<Standing, PointsExhausted> {
        self.with_bucket(principal, now, |bucket, rate| {
            if bucket.lacks(points, rate).is_none() {
                return bucket.spend(points, rate);
            }
            let _ = bucket.spend(otherwise, rate);
            bucket.lacks(points, rate)
        })
    }

    /// Checks that the principal's bucket has so many points, and leaves them there.
    ///
    /// # Errors
    /// When the bucket has too few points.
    pub(crate) fn check(
        &self,
        principal: &Principal,
        points: usize,
        now: Instant,
    ) -> Result<Standing, PointsExhausted> {
        self.with_bucket(principal, now, |bucket, rate| bucket.lacks(points, rate))
    }

    /// Does something with the principal's bucket, and returns its standing then. It fails if points lack.
    fn with_bucket(
        &self,
        principal: &Principal,
        now: Instant,
        act: impl FnOnce(&mut Bucket, Rate) -> Option<f64>,
    ) -> Result<Standing, PointsExhausted> {
        let owner = Owner::of(principal);
        let rate = match owner.kind {
            OwnerKind::Person => self.rates.people,
            OwnerKind::Agent => self.rates.agents,
        };
        let mut buckets = self
            .buckets
            .lock()
            .expect("nobody panics while holding the buckets");
        let bucket = buckets.get_or_insert_mut(owner, || Bucket {
            points: f64::from(rate.capacity),
            at: now,
        });
        bucket.fill(rate, now);
        let lacking = act(bucket, rate);
        let standing = bucket.standing(rate);
        match lacking {
            None => Ok(standing),
            Some(lacking) => Err(PointsExhausted {
                standing,
                enough_in: comes_back(rate, lacking),
            }),
        }
    }
}

/// The points that a principal has left, as of a time.
#[derive(Debug)]
struct Bucket {
    points: f64,
    at: Instant,
}

impl Bucket {
    fn fill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let filled = self.points + passed * f64::from(rate.per_second);
        self.points = filled.min(f64::from(rate.capacity));
        self.at = self.at.max(now);
    }

    /// Returns the number of points that the bucket lacks for these, if it has too few.
    fn lacks(&self, points: usize, rate: Rate) -> Option<f64> {
        let lacking = as_points(points, rate) - self.points;
        (lacking > 0.0).then_some(lacking)
    }

    /// Takes the points if there are enough, and otherwise returns the number that the bucket lacks.
    fn spend(&mut self, points: usize, rate: Rate) -> Option<f64> {
        let lacking = self.lacks(points, rate);
        if lacking.is_none() {
            self.points -= as_points(points, rate);
        }
        lacking
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a bucket has from 0 to its capacity, which fits; parts of points are left out"
    )]
    fn standing(&self, rate: Rate) -> Standing {
        Standing {
            limit: rate.capacity,
            remaining: self.points as u32,
            full_in: comes_back(rate, f64::from(rate.capacity) - self.points),
        }
    }
}

/// Returns the points, but not more than a full bucket has.
fn as_points(points: usize, rate: Rate) -> f64 {
    f64::from(u32::try_from(points).unwrap_or(u32::MAX).min(rate.capacity))
}

fn comes_back(rate: Rate, points: f64) -> Duration {
    Duration::from_secs_f64(points.max(0.0) / f64::from(rate.per_second.max(1)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::ids::OrgId;

    use super::*;
    use crate::identity::roles::Role;

    const RATES: Rates = Rates {
        people: Rate {
            capacity: 100,
            per_second: 10,
        },
        agents: Rate {
            capacity: 1_000,
            per_second: 100,
        },
    };

    fn principal(org: &str, subject: &str, role: Role) -> Principal {
        Principal {
            subject: subject.to_owned(),
            org: OrgId::parse(org).unwrap(),
            roles: [role].into_iter().collect(),
            credential: None,
            expires_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn points_are_spent_and_come_back() {
        let (buckets, start) = (Buckets::new(RATES), Instant::now());
        let ada = principal("acme", "ada", Role::Operator);
        let spent = buckets.take(&ada, 70, start).unwrap();
        assert_eq!((spent.limit, spent.remaining), (100, 30));
        assert_eq!(spent.full_in, Duration::from_secs(7));
        let exhausted = buckets.take(&ada, 50, start).unwrap_err();
        assert_eq!(exhausted.enough_in, Duration::from_secs(2));
        assert_eq!(exhausted.standing.remaining, 30);
        assert!(buckets.check(&ada, 31, start).is_err());
        assert_eq!(buckets.check(&ada, 30, start).unwrap().remaining, 30);
        let later = start + Duration::from_secs(2);
        assert_eq!(buckets.take(&ada, 50, later).unwrap().remaining, 0);
        let much_later = start + Duration::from_secs(60);
        assert_eq!(buckets.take(&ada, 0, much_later).unwrap().remaining, 100);
    }

    #[test]
    fn what_costs_more_than_everything_takes_everything() {
        let (buckets, now) = (Buckets::new(RATES), Instant::now());
        let ada = principal("acme", "ada", Role::Operator);
        assert_eq!(buckets.take(&ada, usize::MAX, now).unwrap().remaining, 0);
        assert!(buckets.take(&ada, usize::MAX, now).is_err());
    }

    #[test]
    fn everybody_has_a_bucket_of_its_own() {
        let (buckets, now) = (Buckets::new(RATES), Instant::now());
        buckets
            .take(&principal("acme", "ada", Role::Viewer), 100, now)
            .unwrap();
        for other in [
            principal("acme", "bob", Role::Viewer),
            principal("other", "ada", Role::Viewer),
            principal("acme", "ada", Role::Agent),
        ] {
            assert!(buckets.take(&other, 100, now).is_ok());
        }
        // Another token of hers with another role that is no agent's.
        let admin = principal("acme", "ada", Role::Admin);
        assert!(buckets.take(&admin, 1, now).is_err());
    }

    #[test]
    fn buckets_are_bounded_in_number() {
        let (buckets, now) = (Buckets::new(RATES), Instant::now());
        for number in 0..=MAX_BUCKETS.get() {
            let someone = principal("acme", &number.to_string(), Role::Viewer);
            buckets.take(&someone, 100, now).unwrap();
        }
        assert_eq!(buckets.buckets.lock().unwrap().len(), MAX_BUCKETS.get());
        assert!(
            buckets
                .take(&principal("acme", "0", Role::Viewer), 1, now)
                .is_ok()
        );
        assert!(
            buckets
                .take(&principal("acme", "9999", Role::Viewer), 1, now)
                .is_err()
        );
    }
}
