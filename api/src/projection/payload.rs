//! What mutations about read models answer.

use async_graphql::{Error, Result, SimpleObject};
use projections::operations::{OperateError, Operations, Retried};
use projections::rebuild::RequestError;

use super::Projection;
use crate::graph::error;
use crate::graph::payload::UserError;

/// How a mutation about a read model went.
#[derive(SimpleObject)]
pub(crate) struct ProjectionPayload {
    /// The read model as it is now. Null when the mutation was refused.
    projection: Option<Projection>,
    /// Why the mutation was refused; empty when it was done.
    user_errors: Vec<UserError>,
}

/// How it went to try a parked resource again.
#[derive(SimpleObject)]
pub(crate) struct ParkedStreamPayload {
    /// The read model as it is now. Null when the mutation was refused.
    projection: Option<Projection>,
    /// How many events were taken in. Null when the mutation was refused.
    applied: Option<i32>,
    /// How many are still parked: the one at fault, and those that wait behind it. Null when the mutation was
    /// refused.
    parked: Option<i32>,
    /// Why the mutation was refused; empty when it was done.
    user_errors: Vec<UserError>,
}

impl ProjectionPayload {
    /// Refuses an input.
    pub(super) fn refused(user_errors: Vec<UserError>) -> Self {
        Self {
            projection: None,
            user_errors,
        }
    }

    /// Answers what was asked of the read model of this name.
    ///
    /// # Errors
    /// When it was neither done nor refused.
    pub(super) async fn of(
        operating: &Operations,
        name: &str,
        result: Result<(), OperateError>,
    ) -> Result<Self> {
        match result {
            Ok(()) => Ok(Self {
                projection: Some(projection(operating, name).await?),
                user_errors: Vec::new(),
            }),
            Err(error) => Ok(Self::refused(vec![refusal(error)?])),
        }
    }
}

impl ParkedStreamPayload {
    /// Refuses an input.
    pub(super) fn refused(user_errors: Vec<UserError>) -> Self {
        Self {
            projection: None,
            applied: None,
            parked: None,
            user_errors,
        }
    }

    /// Answers the retry of a stream that is parked in the read model of this name.
    ///
    /// # Errors
    /// When it was neither done nor refused.
    pub(super) async fn of(
        operating: &Operations,
        name: &str,
        result: Result<Retried, OperateError>,
    ) -> Result<Self> {
        match result {
            Ok(retried) => Ok(Self {
                projection: Some(projection(operating, name).await?),
                applied: Some(count(retried.applied)),
                parked: Some(count(retried.parked)),
                user_errors: Vec::new(),
            }),
            Err(error) => Ok(Self::refused(vec![refusal(error)?])),
        }
    }
}

/// The read model as it is now.
async fn projection(operating: &Operations, name: &str) -> Result<Projection> {
    let status = operating.status(name).await;
    let status = status.map_err(|failed| error::unavailable(&failed))?;
    Ok(Projection(status))
}

/// What whoever asked can put right; everything else fails the request.
fn refusal(error: OperateError) -> Result<UserError, Error> {
    let (field, code) = match &error {
        OperateError::Unknown { .. } | OperateError::NoReadModel { .. } => {
            ("projection", "PROJECTION_NOT_FOUND")
        }
        OperateError::NotParked { .. } => ("resourceId", "STREAM_NOT_PARKED"),
        OperateError::Rebuild(RequestError::InTheMaking { .. }) => {
            ("projection", "REBUILD_IN_THE_MAKING")
        }
        OperateError::Rebuild(_) | OperateError::Store(_) => {
            return Err(error::unavailable(&error));
        }
    };
    Ok(UserError {
        field: Some(["input", field].map(str::to_owned).to_vec()),
        message: error.to_string(),
        code,
    })
}

fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
