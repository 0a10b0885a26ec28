//! The processes of a distributed installation, on the suite's Postgres and Kafka.

use std::net::{Ipv4Addr, SocketAddr};

use super::load::Load;
use super::{Role, subscribers};
use crate::platform::{Platform, free_port, without_settings};
use crate::report::Report;
use crate::servers::{self, Servers};
use crate::settings::Settings as Suite;

/// Measures all processes.
///
/// # Errors
/// When one fails.
pub(super) async fn measure(suite: &Suite, kafka: &str, report: &mut Report) -> anyhow::Result<()> {
    servers::migrate(suite).await?;
    let key = servers::key_file(&suite.dir);
    let mut servers = Servers::default();
    let mut roles = Vec::new();
    let port = free_port()?;
    for name in ["relay", "project", "work", "api"] {
        let probes = free_port()?;
        let mut command = without_settings(&suite.program);
        command
            .args([name, "--database-url", &suite.database_url])
            .arg(format!("--metrics-listen=127.0.0.1:{probes}"));
        if name == "api" {
            command
                .arg("--jwt-key-file")
                .arg(&key)
                .arg(format!("--listen=127.0.0.1:{port}"))
                // More of our connections come from one address than of any client.
                .arg("--trusted-proxy=127.0.0.1")
                .args(Platform::without_points());
        } else {
            command.args(["--kafka", kafka]);
        }
        let server = servers.start(command, name, probes, &suite.dir).await?;
        roles.push(Role {
            name,
            process: server.process,
        });
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let load = Load::of(suite, &key, address, subscribers(suite))?;
    super::measure(suite, &roles, load, report).await
}
