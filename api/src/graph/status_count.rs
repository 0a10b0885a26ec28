//! The number of resources of one kind in a status, for the counts of each kind.

use std::borrow::Cow;
use std::marker::PhantomData;

use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::Output;
use crate::graph::resource::Resource;

/// The number of resources of one kind in a status.
pub(crate) struct StatusCount<R, Status> {
    status: Status,
    count: i64,
    resource: PhantomData<fn() -> R>,
}

impl<R, Status> StatusCount<R, Status> {
    /// Returns the number of resources in each of these statuses.
    pub(crate) fn each<Stored: Copy + Into<Status>>(
        statuses: impl IntoIterator<Item = Stored>,
        count: impl Fn(Stored) -> i64,
    ) -> Vec<Self> {
        let counts = statuses.into_iter().map(|status| Self {
            status: status.into(),
            count: count(status),
            resource: PhantomData,
        });
        counts.collect()
    }
}

impl<R: Resource, Status: Output + Copy + 'static> Object for StatusCount<R, Status> {
    fn name() -> Cow<'static, str> {
        format!("{}StatusCount", R::NAME).into()
    }

    fn description() -> Cow<'static, str> {
        format!("The number of {} in a status.", R::NOUNS).into()
    }

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("status", "The status.", |count| count.status);
        let description = format!("The number of {} in this status.", R::NOUNS);
        fields.value("count", &description, |count| count.count);
    }
}
