//! Reads the objects that several fields of a request ask for by id, together. A page of jobs with the
//! droplet of each job takes two reads, not one for each job.
//!
//! A single task resolves all fields of a request, and polls each of them before any field continues. So the
//! first field that needs an object lets the other fields register their ids, and then reads for all of
//! them. A batch waits for no timer, and keeps nothing for later requests.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use async_graphql::{Context, Result};
use tokio::sync::watch;
use tokio::task::yield_now;

/// A type of object that can be read by id, many objects at a time.
pub(crate) trait ReadById: Clone + Send + Sync + 'static {
    /// The type of the id of an object.
    type Id: Copy + Ord + Hash + Send + Sync + 'static;

    /// Returns the objects with these ids that belong to the organization of the request.
    ///
    /// # Errors
    /// When the read models cannot be read.
    fn read(
        context: &Context<'_>,
        ids: Vec<Self::Id>,
    ) -> impl Future<Output = Result<HashMap<Self::Id, Self>>> + Send;
}

/// The open batches of one request, by the type of object; data of the request.
#[derive(Debug, Default)]
pub(crate) struct Batches(Mutex<HashMap<TypeId, Box<dyn Any + Send>>>);

/// A batch that still accepts ids.
struct Open<Object: ReadById> {
    wanted: BTreeSet<Object::Id>,
    result: watch::Receiver<Option<Found<Object>>>,
}

/// The result of a batch. Every field of the batch gets an error.
type Found<Object> = Result<Arc<HashMap<<Object as ReadById>::Id, Object>>>;

/// The role of a field in a batch.
enum Part<Object: ReadById> {
    /// The field reads for the batch, and sends the result to the other fields.
    Reads(watch::Sender<Option<Found<Object>>>),
    /// The field waits for the result.
    Waits(watch::Receiver<Option<Found<Object>>>),
}

impl Batches {
    fn want<Object: ReadById>(&self, id: Object::Id) -> Part<Object> {
        self.with_open(|batch| {
            // The field that was to read for a batch may have been dropped.
            if let Some(open) = batch.as_mut()
                && open.result.has_changed().is_ok()
            {
                open.wanted.insert(id);
                return Part::Waits(open.result.clone());
            }
            let (sender, result) = watch::channel(None);
            *batch = Some(Open {
                wanted: BTreeSet::from([id]),
                result,
            });
            Part::Reads(sender)
        })
    }

    /// Closes the batch and returns its ids. A field that asks for an object later begins another batch.
    fn close<Object: ReadById>(&self) -> Vec<Object::Id> {
        let open = self.with_open::<Object, _>(Option::take);
        open.map_or_else(Vec::new, |open| open.wanted.into_iter().collect())
    }

    fn with_open<Object: ReadById, Output>(
        &self,
        change: impl FnOnce(&mut Option<Open<Object>>) -> Output,
    ) -> Output {
        let mut batches = self
            .0
            .lock()
            .expect("nobody panics while holding the batches");
        let batch = batches
            .entry(TypeId::of::<Object>())
            .or_insert_with(|| Box::new(None::<Open<Object>>));
        change(
            batch
                .downcast_mut()
                .expect("the batch of a type is kept under that type"),
        )
    }
}

/// Returns the object with this id, or `None` if the organization of the request does not have it. Reads it
/// together with the objects that other fields of the request ask for at the same time.
///
/// # Errors
/// When the read models cannot be read.
pub(crate) async fn by_id<Object: ReadById>(
    context: &Context<'_>,
    id: Object::Id,
) -> Result<Option<Object>> {
    let batches = context.data::<Batches>()?;
    let found = loop {
        match batches.want::<Object>(id) {
            Part::Reads(sender) => {
                yield_now().await;
                let found = Object::read(context, batches.close::<Object>()).await;
                let found = found.map(Arc::new);
                // Sending fails only if all waiting fields were dropped.
                let _ = sender.send(Some(found.clone()));
                break found;
            }
            Part::Waits(mut result) => {
                let result = result.wait_for(Option::is_some).await;
                if let Some(found) = result.ok().and_then(|found| found.clone()) {
                    break found;
                }
                // The field that was to read was dropped, so this field joins another batch.
            }
        }
    };
    Ok(found?.get(&id).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Thing;

    impl ReadById for Thing {
        type Id = u8;

        async fn read(_: &Context<'_>, ids: Vec<u8>) -> Result<HashMap<u8, Self>> {
            Ok(ids.into_iter().map(|id| (id, Self)).collect())
        }
    }

    /// Another type with the same kind of id.
    #[derive(Clone)]
    struct Other;

    impl ReadById for Other {
        type Id = u8;

        async fn read(_: &Context<'_>, ids: Vec<u8>) -> Result<HashMap<u8, Self>> {
            Ok(ids.into_iter().map(|id| (id, Self)).collect())
        }
    }

    #[test]
    fn a_batch_whose_reader_was_given_up_is_replaced() {
        let batches = Batches::default();
        let reader = batches.want::<Thing>(1);
        assert!(matches!(batches.want::<Thing>(2), Part::Waits(_)));
        drop(reader);
        assert!(matches!(batches.want::<Thing>(2), Part::Reads(_)));
        let reader = batches.want::<Thing>(3);
        assert!(matches!(reader, Part::Reads(_)));
        assert_eq!(batches.close::<Thing>(), [3]);
    }

    #[test]
    fn each_type_has_batches_of_its_own() {
        let batches = Batches::default();
        let _things = batches.want::<Thing>(1);
        let _others = batches.want::<Other>(2);
        assert_eq!(batches.close::<Thing>(), [1]);
        assert_eq!(batches.close::<Other>(), [2]);
    }
}
