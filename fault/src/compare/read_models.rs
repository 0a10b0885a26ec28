//! Checks the read models: their rows are exactly those that follow from the events.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::history::History;
use crate::difference::Differences;

const CHECK: &str = "read models";

/// The contents of the read models: status and version of every droplet, job and cluster, and the counts.
/// Also the positions that have a line of activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadModels {
    pub(crate) rows: BTreeMap<Uuid, (String, i64)>,
    /// The counts by dimension and value.
    pub(crate) counts: BTreeMap<(String, String), i64>,
    pub(crate) activity: Vec<i64>,
}

impl ReadModels {
    /// Reads the read models, as analysts do.
    ///
    /// # Errors
    /// When Postgres fails.
    pub(crate) async fn read(connection: &mut PgConnection) -> anyhow::Result<Self> {
        let rows: Vec<(Uuid, String, i64)> = sqlx::query_as(
            "select id, status, version from read_v1.droplets \
             union all select id, status, version from read_v1.jobs \
             union all select id, status, version from read_v1.clusters",
        )
        .fetch_all(&mut *connection)
        .await?;
        let counts: Vec<(String, String, i64)> = sqlx::query_as(
            "select dimension, value, count from read_v1.counts \
             where dimension in ('droplet_status', 'job_status', 'job_kind', 'cluster_status')",
        )
        .fetch_all(&mut *connection)
        .await?;
        let activity =
            sqlx::query_scalar("select position from read_v1.activity order by position")
                .fetch_all(connection)
                .await?;
        Ok(Self {
            rows: rows
                .into_iter()
                .map(|(id, status, version)| (id, (status, version)))
                .collect(),
            counts: counts
                .into_iter()
                .map(|(d, v, count)| ((d, v), count))
                .collect(),
            activity,
        })
    }

    /// The contents that follow from the history.
    pub(crate) fn of(history: &History) -> Self {
        let mut expected = Self::default();
        for (id, last) in history.last_of_streams() {
            expected
                .rows
                .insert(id, (last.status.to_owned(), last.version));
            let dimension = format!("{}_status", last.stream_type);
            let counted = [
                (dimension, Some(last.status.to_owned())),
                ("job_kind".to_owned(), last.job_kind.clone()),
            ];
            for (dimension, value) in counted {
                if let Some(value) = value {
                    *expected.counts.entry((dimension, value)).or_default() += 1;
                }
            }
        }
        expected.activity = history
            .events
            .iter()
            .filter_map(|event| event.position)
            .collect();
        expected
    }
}

/// Compares the contents with the expected ones.
pub(crate) fn check(found: &ReadModels, expected: &ReadModels, differences: &Differences) {
    compare("the row", &found.rows, &expected.rows, differences);
    compare("the count", &found.counts, &expected.counts, differences);
    let lines = |positions: &[i64]| positions.iter().map(|position| (*position, 1)).collect();
    let (found, expected): (BTreeMap<_, _>, _) =
        (lines(&found.activity), lines(&expected.activity));
    compare("the line of activity", &found, &expected, differences);
}

fn compare<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &BTreeMap<K, V>,
    expected: &BTreeMap<K, V>,
    differences: &Differences,
) {
    for (key, value) in expected {
        if found.get(key) != Some(value) {
            let found = found.get(key);
            let what = format!("{what} {key:?} is {found:?} and by the events {value:?}");
            differences.note(CHECK, what);
        }
    }
    for (key, value) in found.iter().filter(|(key, _)| !expected.contains_key(key)) {
        differences.note(
            CHECK,
            format!("{what} {key:?} is {value:?} and by the events nothing"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::event;
    use super::*;

    #[test]
    fn every_kind_of_row_is_compared() {
        let history = History::folded(vec![
            event(1, 1, 1, "droplet_requested"),
            event(2, 2, 1, "job_submitted"),
            event(3, 1, 2, "droplet_activated"),
        ]);
        let expected = ReadModels::of(&history);
        let droplet = Uuid::from_u128(1);
        let count = ("droplet_status".to_owned(), "ACTIVE".to_owned());
        assert_eq!(expected.rows[&droplet], ("ACTIVE".to_owned(), 2));
        assert_eq!(expected.counts[&count], 1);
        let found = |change: fn(&mut ReadModels)| {
            let mut found = expected.clone();
            change(&mut found);
            let differences = Differences::default();
            check(&found, &expected, &differences);
            differences.all().len()
        };
        assert_eq!(found(|_| {}), 0);
        assert_eq!(found(|models| models.rows.clear()), 2);
        assert_eq!(
            found(|models| drop(models.rows.insert(Uuid::nil(), (String::new(), 1)))),
            1
        );
        assert_eq!(
            found(|models| models.counts.values_mut().for_each(|count| *count += 1)),
            3
        );
        assert_eq!(found(|models| models.activity.truncate(2)), 1);
    }
}
