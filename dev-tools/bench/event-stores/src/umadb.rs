//! UmaDB: events with a tag for each stream, through its client, with the condition that nobody appended to the
//! stream since the caller read it.

use std::sync::Arc;

use serde_json::json;
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{
    DcbAppendCondition, DcbError, DcbEvent, DcbEventStoreAsync, DcbQuery, DcbQueryItem,
};
use uuid::Uuid;

use crate::{Callers, metadata, stream};

struct Caller {
    client: Arc<AsyncUmaDbClient>,
    stream: String,
    /// The position of the last event that the caller knows of its stream.
    last: Option<u64>,
}

pub async fn run(url: &str, work: &str, callers: u16, seconds: u64) -> anyhow::Result<()> {
    let client = Arc::new(UmaDbClient::new(url.to_owned()).connect_async().await?);
    let mut tasks = Callers::for_seconds(seconds);
    for number in 0..callers {
        tasks.spawn(Caller {
            client: Arc::clone(&client),
            stream: stream(work, number),
            last: None,
        });
    }
    tasks.finish().await
}

/// Reads all events, and returns their number.
pub async fn count(url: &str) -> anyhow::Result<usize> {
    let client = UmaDbClient::new(url.to_owned()).connect_async().await?;
    let mut events = client.read(None, None, false, None).await?;
    let mut count = 0;
    loop {
        let batch = events.next_batch().await?;
        if batch.is_empty() {
            return Ok(count);
        }
        count += batch.len();
    }
}

impl Caller {
    fn boundary(&self) -> DcbQuery {
        DcbQuery::new().item(DcbQueryItem::new().tags([&self.stream]))
    }

    fn event(&self) -> DcbEvent {
        DcbEvent::default()
            .event_type("DropletTagged")
            .tags([&self.stream])
            .data(json!({ "tag": "bench" }).to_string())
            .uuid(Uuid::new_v4())
            .metadata(metadata())
    }
}

impl crate::Caller for Caller {
    async fn append(&mut self) -> anyhow::Result<bool> {
        let condition = DcbAppendCondition::new(self.boundary()).after(self.last);
        let appended = self
            .client
            .append(vec![self.event()], Some(condition), None)
            .await;
        match appended {
            Ok(position) => {
                self.last = Some(position);
                Ok(true)
            }
            Err(DcbError::IntegrityError(_)) => {
                // Read to its end: the server closes a connection on which many reads were dropped before.
                let (events, _) = self
                    .client
                    .read_with_head(Some(self.boundary()), None, true, Some(1))
                    .await?;
                self.last = events.first().map(|event| event.position);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
