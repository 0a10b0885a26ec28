//! The read models of this program, one line each.
//!
//! All generic code uses this list and names no model: the consumers that follow events, counts, live
//! rows, subscriptions, status, operations, rebuilds and comparisons. To add a model, write its folder
//! and its line.

use std::sync::{Arc, LazyLock};

use domain::stream_type::StreamType;
use event_store::consume::consumer::Consumer;

use crate::activity::Activity;
use crate::clusters::Clusters;
use crate::counts::Counts;
use crate::droplets::Droplets;
use crate::jobs::Jobs;
use crate::model::{Counting, LiveFold, ReadModel, Rows};

/// The read models, in the order in which they are listed.
static MODELS: LazyLock<Vec<Arc<dyn ReadModel>>> = LazyLock::new(|| {
    vec![
        Arc::new(Rows(Droplets)),
        Arc::new(Rows(Jobs)),
        Arc::new(Rows(Clusters)),
        Arc::new(Activity),
        Arc::new(COUNTS),
    ]
});

/// The read model of counters, which counts by what the other models declare.
pub const COUNTS: Counts = Counts::by(counting);

/// Returns every read model.
#[must_use]
pub fn all() -> Vec<Arc<dyn ReadModel>> {
    MODELS.clone()
}

/// Returns every read model as a consumer.
#[must_use]
pub fn consumers() -> Vec<Arc<dyn Consumer>> {
    let models = MODELS.iter().cloned();
    models.map(|model| model as Arc<dyn Consumer>).collect()
}

/// Returns the read model of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn ReadModel> {
    let model = MODELS.iter().find(|model| model.name() == name)?;
    Some(model.as_ref())
}

/// Returns the fold of the live row of a stream of this type, from the first model that holds one row
/// for each of them. `None` if no model does, or if only a newer program knows the type.
pub(crate) fn live_fold(stream_type: StreamType) -> Option<LiveFold> {
    models_of(stream_type).find_map(ReadModel::live_fold)
}

/// Returns the counting of streams of this type, if they are counted.
fn counting(stream_type: StreamType) -> Option<Counting> {
    models_of(stream_type).find_map(ReadModel::counting)
}

fn models_of(stream_type: StreamType) -> impl Iterator<Item = &'static dyn ReadModel> {
    let models = MODELS.iter().map(AsRef::as_ref);
    models.filter(move |model: &&dyn ReadModel| model.stream_types().contains(&stream_type))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_fit_into_sql_without_quotes() {
        let mut names = BTreeSet::new();
        for model in all() {
            let name = model.name();
            assert!(names.insert(name), "{name} is there twice");
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
        }
    }

    #[test]
    fn every_aggregate_has_live_rows() {
        for stream_type in StreamType::known() {
            assert!(live_fold(*stream_type).is_some(), "{stream_type}");
        }
        assert!(live_fold(StreamType::new(7_000)).is_none());
    }
}
