//! Droplets that several fields of a request ask for, read together: a page of jobs with the droplet of
//! each is two reads, not one for each job.
//!
//! All fields of a request are resolved by one task, which asks each of them before any goes on. So the
//! first that wants a droplet lets the others say what they want, and then reads for all of them. It
//! waits for no time, and keeps nothing for later requests.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use async_graphql::{Context, Result};
use domain::ids::DropletId;
use projections::droplets::Droplets;
use projections::droplets::row::DropletRow;
use projections::model::Rows;
use tokio::sync::watch;
use tokio::task::yield_now;

use crate::request::RequestInfo;
use crate::services::Services;
use crate::{consistency, error};

/// What the fields of one request want; data of the request.
#[derive(Debug, Clone, Default)]
pub(crate) struct DropletBatch(Arc<Mutex<Option<Open>>>);

/// A batch that takes more.
#[derive(Debug)]
struct Open {
    wanted: BTreeSet<DropletId>,
    told: watch::Receiver<Option<Read>>,
}

/// What was read; an error is everybody's who wanted something.
type Read = Result<Arc<HashMap<DropletId, Arc<DropletRow>>>>;

/// How a field gets what it wants.
enum Turn {
    /// It reads for all, and tells them.
    Reads(watch::Sender<Option<Read>>),
    /// It is told.
    IsTold(watch::Receiver<Option<Read>>),
}

impl DropletBatch {
    fn want(&self, id: DropletId) -> Turn {
        let mut open = self.open();
        // Whoever was to read for a batch may have been given up.
        if let Some(open) = open.as_mut()
            && open.told.has_changed().is_ok()
        {
            open.wanted.insert(id);
            return Turn::IsTold(open.told.clone());
        }
        let (tell, told) = watch::channel(None);
        *open = Some(Open {
            wanted: BTreeSet::from([id]),
            told,
        });
        Turn::Reads(tell)
    }

    /// Takes what is wanted; who wants something from now on begins another batch.
    fn close(&self) -> Vec<DropletId> {
        let open = self.open().take();
        open.map_or_else(Vec::new, |open| open.wanted.into_iter().collect())
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.0.lock().expect("nobody panics while holding a batch")
    }
}

/// The droplet with this id as it is now, if the organization has it.
///
/// # Errors
/// When the read models cannot be read.
pub(crate) async fn droplet(
    context: &Context<'_>,
    id: DropletId,
) -> Result<Option<Arc<DropletRow>>> {
    let batch = context.data::<DropletBatch>()?;
    let read = loop {
        match batch.want(id) {
            Turn::Reads(tell) => {
                yield_now().await;
                let read = read(context, &batch.close()).await;
                // Who is not told any more has been given up.
                let _ = tell.send(Some(read.clone()));
                break read;
            }
            Turn::IsTold(mut told) => {
                let told = told.wait_for(Option::is_some).await;
                if let Some(read) = told.ok().and_then(|read| read.clone()) {
                    break read;
                }
                // Whoever was to read has been given up, and this field goes on in another batch.
            }
        }
    };
    Ok(read?.get(&id).cloned())
}

async fn read(context: &Context<'_>, ids: &[DropletId]) -> Read {
    consistency::wait(context, None, &[&Rows(Droplets)]).await?;
    let org = &RequestInfo::of(context)?.principal.org;
    let rows = context.data::<Services>()?.reader.droplets_by_ids(org, ids);
    let rows = rows.await.map_err(error::read_failed)?.into_iter();
    Ok(Arc::new(rows.map(|row| (row.id, Arc::new(row))).collect()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_batch_whose_reader_was_given_up_is_replaced() {
        let batch = DropletBatch::default();
        let [first, second, third] = [1, 2, 3].map(|id| DropletId::new(Uuid::from_u128(id)));
        let reader = batch.want(first);
        assert!(matches!(batch.want(second), Turn::IsTold(_)));
        drop(reader);
        assert!(matches!(batch.want(second), Turn::Reads(_)));
        let reader = batch.want(third);
        assert!(matches!(reader, Turn::Reads(_)));
        assert_eq!(batch.close(), [third]);
    }
}
