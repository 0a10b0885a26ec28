//! The use cases that can be read from their records, one line each.

use serde_json::Value;

use crate::context::Context;
use crate::decision::Decision;
use crate::error::CommandError;
use crate::streams::Streams;
use crate::use_case::{Recorded, UseCase, unknown};

macro_rules! use_cases {
    ($($use_case:path),+ $(,)?) => {
        /// Decides the use case of this name.
        ///
        /// # Errors
        /// When there is none, or its input is not readable.
        pub(super) async fn decide(
            name: &str,
            input: Value,
            ids: Value,
            context: &Context,
            streams: &mut Streams<'_>,
        ) -> serde_json::Result<Result<Decision, CommandError>> {
            $(
                if <$use_case as Recorded>::NAMES.contains(&name) {
                    let use_case = <$use_case as Recorded>::of_record(name, input, ids)?;
                    return Ok(use_case.decide(context, streams).await);
                }
            )+
            Err(unknown(name))
        }
    };
}

use_cases! {
    crate::cluster::create::Create,
    crate::cluster::delete::Delete,
    crate::cluster::update::Update,
    crate::droplet::delete::Delete,
    crate::droplet::provision::Provision,
    crate::droplet::update::Update,
    crate::job::submit::Submit,
    crate::job::update::Update,
}
