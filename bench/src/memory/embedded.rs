//! `clustergenie up`.

use super::load::Load;
use super::{Role, subscribers};
use crate::platform::Platform;
use crate::report::Report;
use crate::settings::Settings as Suite;

/// Measures the process, without its Postgres.
///
/// # Errors
/// When it fails.
pub(super) async fn measure(suite: &Suite, report: &mut Report) -> anyhow::Result<()> {
    let platform = Platform::start_with(&suite.program, &Platform::without_points()).await?;
    let measured = async {
        let role = Role {
            name: "up",
            process: platform.process()?,
        };
        let key = platform.key_file();
        let load = Load::of(suite, &key, platform.address(), subscribers(suite))?;
        super::measure(suite, &[role], load, report).await
    };
    let measured = measured.await;
    platform.stop().await?;
    measured
}
