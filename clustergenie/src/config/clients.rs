//! Settings of the API towards its clients.

use std::time::Duration;

use api::transport::cors::Origin;
use api::transport::peer::Network;
use api::transport::router::Page;
use api::transport::send_budget::SendBudget;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use domain::ids::OrgId;

use super::requests::Requests;
use crate::duration;

/// Settings of the API, in `api` and in `up`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Clients {
    /// An origin whose web pages may call the API from a browser, such as `https://app.example.com`.
    /// Repeat it, or separate several by commas. By default there is none.
    #[arg(
        long = "cors-origin",
        env = "CLUSTERGENIE_CORS_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub(crate) cors_origins: Vec<Origin>,
    /// A proxy whose `X-Forwarded-For` is believed: an address or a range, such as `10.0.0.0/8`. Its connections
    /// do not count as those of one client. Repeat it, or separate several by commas. By default there is none.
    #[arg(
        long = "trusted-proxy",
        env = "CLUSTERGENIE_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "ADDRESS"
    )]
    pub(crate) trusted_proxies: Vec<Network>,
    /// Longest time that a request waits until it shows the write of its consistency token.
    #[arg(long, env = "CLUSTERGENIE_CONSISTENCY_WAIT", default_value = "5s")]
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    pub(crate) consistency_wait: Duration,
    /// Most bytes of answers that one subject may leave unread, over all its connections.
    #[arg(long, env = "CLUSTERGENIE_UNREAD_BYTES", value_name = "NUMBER")]
    #[arg(default_value_t = SendBudget::DEFAULT_BYTES)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(SendBudget::MIN_BYTES as u64..))]
    pub(crate) unread_bytes: usize,
    /// The organization whose admins may pause, resume and rebuild projections through the API, which
    /// concerns all organizations. The default is `demo` for `up`, and none for `api`.
    #[arg(long, env = "CLUSTERGENIE_OPERATORS_ORG", value_name = "ORG")]
    pub(crate) operators_org: Option<OrgId>,
    /// Time between SIGTERM and the close: requests are still served, and /readyz answers 503, so that load
    /// balancers choose another process. SIGINT (Ctrl-C) and a second signal do not wait.
    #[arg(long, env = "CLUSTERGENIE_DRAIN_DELAY", default_value = "5s")]
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    pub(crate) drain_delay: Duration,
    /// Do not serve the page GraphiQL at /graphiql.
    #[arg(long, env = "CLUSTERGENIE_NO_GRAPHIQL")]
    no_graphiql: bool,
    #[command(flatten)]
    pub(crate) requests: Requests,
}

impl Clients {
    /// Tells whether GraphiQL is served.
    pub(crate) fn graphiql(&self) -> Page {
        match self.no_graphiql {
            true => Page::Off,
            false => Page::Served,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command};

    #[test]
    fn origins_are_given_one_by_one_or_with_commas() {
        let given = [
            "clustergenie",
            "up",
            "--cors-origin",
            "http://a",
            "--cors-origin=http://b,http://c",
        ];
        let Command::Up(up) = Cli::try_parse_from(given).unwrap().command else {
            panic!("`up` was asked for");
        };
        let origins = up.clients.cors_origins.iter();
        let origins: Vec<_> = origins.map(ToString::to_string).collect();
        assert_eq!(origins, ["http://a", "http://b", "http://c"]);
        assert!(Cli::try_parse_from(["clustergenie", "up", "--cors-origin", "*"]).is_err());
    }
}
