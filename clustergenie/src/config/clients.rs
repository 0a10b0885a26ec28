//! What the API grants its clients, in whichever process it is.

use std::time::Duration;

use api::transport::cors::Origin;
use api::transport::send_budget::SendBudget;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use domain::ids::OrgId;

use super::requests::Requests;
use crate::duration;

/// What the API grants its clients.
#[derive(Args, Clone, Debug)]
pub(crate) struct Clients {
    /// An origin, such as `https://app.example.com`, whose web pages may use the API from a browser. May
    /// be given several times, or with commas between them; by default there is none.
    #[arg(
        long = "cors-origin",
        env = "CLUSTERGENIE_CORS_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub(crate) cors_origins: Vec<Origin>,
    /// How long a request may wait until it shows the write whose token it carries.
    #[arg(long, env = "CLUSTERGENIE_CONSISTENCY_WAIT", default_value = "5s")]
    #[arg(value_name = "TIME", value_parser = duration::parse)]
    pub(crate) consistency_wait: Duration,
    /// The most bytes of answers that a subject of an organization may leave unread, on all its
    /// connections together.
    #[arg(long, env = "CLUSTERGENIE_UNREAD_BYTES", value_name = "NUMBER")]
    #[arg(default_value_t = SendBudget::DEFAULT_BYTES)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(SendBudget::MIN_BYTES as u64..))]
    pub(crate) unread_bytes: usize,
    /// The organization whose admins may pause projections and have them made anew through the API, which
    /// concerns all organizations. By default nobody may; with `up`, those of the demo organization.
    #[arg(long, env = "CLUSTERGENIE_OPERATORS_ORG", value_name = "ORG")]
    pub(crate) operators_org: Option<OrgId>,
    #[command(flatten)]
    pub(crate) requests: Requests,
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
