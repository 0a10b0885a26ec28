//! The results of mutations about read models.

use projections::operations::{OperateError, Operations, Retried};
use projections::rebuild::RequestError;

use super::Projection;
use crate::graph::error::{self, Result};
use crate::graph::execute::object::{Fields, Object};
use crate::graph::payload::UserError;

/// The result of a mutation about a read model.
pub(crate) struct ProjectionPayload {
    /// The read model in its current state. Null if the mutation was rejected.
    projection: Option<Projection>,
    /// The reasons for the rejection. Empty if the mutation was executed.
    user_errors: Vec<UserError>,
}

/// The result of a retry of a parked resource.
pub(crate) struct ParkedStreamPayload {
    payload: ProjectionPayload,
    /// The numbers of events. None if the mutation was rejected.
    retried: Option<Retried>,
}

impl ProjectionPayload {
    /// Returns the payload for an invalid input.
    pub(super) fn refused(user_errors: Vec<UserError>) -> Self {
        Self {
            projection: None,
            user_errors,
        }
    }

    /// Returns the payload for the result of an operation on the read model of this name.
    ///
    /// # Errors
    /// When the operation was neither executed nor rejected.
    pub(super) async fn of(
        operating: &Operations,
        name: &str,
        result: std::result::Result<(), OperateError>,
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
    /// Returns the payload for an invalid input.
    pub(super) fn refused(user_errors: Vec<UserError>) -> Self {
        Self {
            payload: ProjectionPayload::refused(user_errors),
            retried: None,
        }
    }

    /// Returns the payload for the retry of a stream that is parked in the read model of this name.
    ///
    /// # Errors
    /// When the retry was neither executed nor rejected.
    pub(super) async fn of(
        operating: &Operations,
        name: &str,
        result: std::result::Result<Retried, OperateError>,
    ) -> Result<Self> {
        Ok(Self {
            retried: result.as_ref().ok().copied(),
            payload: ProjectionPayload::of(operating, name, result.map(drop)).await?,
        })
    }
}

/// Returns the read model in its current state.
async fn projection(operating: &Operations, name: &str) -> Result<Projection> {
    let status = operating.status(name).await;
    let status = status.map_err(|failed| error::unavailable(&failed))?;
    Ok(Projection(status))
}

/// Returns an error that the client can correct. Every other error fails the request.
fn refusal(error: OperateError) -> Result<UserError> {
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

impl Object for ProjectionPayload {
    const NAME: &'static str = "ProjectionPayload";
    const DESCRIPTION: &'static str = "The result of a mutation about a read model.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.part(
            "projection",
            "The read model in its current state. Null if the mutation was rejected.",
            |payload| &payload.projection,
        );
        fields.part(
            "userErrors",
            "The reasons for the rejection. Empty if the mutation was executed.",
            |payload| &payload.user_errors,
        );
    }
}

impl Object for ParkedStreamPayload {
    const NAME: &'static str = "ParkedStreamPayload";
    const DESCRIPTION: &'static str = "The result of a retry of a parked resource.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.part(
            "projection",
            "The read model in its current state. Null if the mutation was rejected.",
            |retry| &retry.payload.projection,
        );
        fields.value(
            "applied",
            "The number of events that were applied. Null if the mutation was rejected.",
            |retry| retry.retried.map(|retried| count(retried.applied)),
        );
        fields.value(
            "parked",
            "The number of events that are still parked: the event at fault, and the events that wait \
             behind it. Null if the mutation was rejected.",
            |retry| retry.retried.map(|retried| count(retried.parked)),
        );
        fields.part(
            "userErrors",
            "The reasons for the rejection. Empty if the mutation was executed.",
            |retry| &retry.payload.user_errors,
        );
    }
}
