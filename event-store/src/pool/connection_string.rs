//! Connection strings: those of libpq that are understood, and a refusal of all others.
//!
//! Nothing in a connection string is ignored silently, because it may be what somebody's security rests on. No
//! error shows a value, which may be a password.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::{Host, Url};

/// The form of a connection string, for errors.
const FORM: &str = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE";

/// The parameters that the driver understands.
const UNDERSTOOD: [&str; 17] = [
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Parameters and values that ask for nothing beyond what is done in any case, and are left out. Every process
/// that writes makes sure that its server takes writes, and leaves it otherwise.
const FULFILLED: [(&str, &[&str]); 8] = [
    ("channel_binding", &["disable", "prefer"]),
    ("client_encoding", &["utf8", "utf-8", "unicode", "auto"]),
    ("gssencmode", &["disable", "prefer"]),
    ("load_balance_hosts", &["disable"]),
    ("sslcompression", &["0"]),
    ("sslnegotiation", &["postgres"]),
    ("sslsni", &["1"]),
    ("target_session_attrs", &["any", "primary", "read-write"]),
];

/// The reason why a connection string is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UrlError {
    #[error("the connection string is not a URL: {FORM}, with special characters as %XX")]
    NoUrl,
    #[error("the connection string has keywords and values: {FORM} instead")]
    Keywords,
    #[error("`{0}://` is not the scheme of Postgres: {FORM}")]
    Scheme(String),
    #[error(
        "the connection string names several hosts: name one, such as a proxy or a name that leads to the primary"
    )]
    SeveralHosts,
    #[error("the connection string names `host` and `hostaddr`, or one of them twice: name one")]
    TwoHosts,
    #[error("`{name}` in the connection string is not supported: {advice}")]
    Parameter { name: String, advice: &'static str },
    #[error("`{name}` in the connection string has a value that is not supported")]
    Value { name: String },
}

/// Reads a connection string.
///
/// # Errors
/// A sentence without any value of the string.
pub(super) fn options(text: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let mut url = read(text).map_err(|error| sqlx::Error::Configuration(error.into()))?;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let kept = pairs.iter().filter(|(name, _)| is_understood(name));
    let kept: Vec<_> = kept.collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    let mut options = PgConnectOptions::from_str(url.as_str())?;
    // The driver would look for a name in brackets.
    if let Some(Host::Ipv6(address)) = url.host()
        && !pairs
            .iter()
            .any(|(name, _)| name == "host" || name == "hostaddr")
    {
        options = options.host(&address.to_string());
    }
    // As libpq does: who names a certificate wants it to be checked.
    let names_certificate = |(name, _): &(String, String)| {
        matches!(&**name, "sslrootcert" | "ssl-root-cert" | "ssl-ca")
    };
    if matches!(options.get_ssl_mode(), PgSslMode::Require) && pairs.iter().any(names_certificate) {
        options = options.ssl_mode(PgSslMode::VerifyCa);
    }
    Ok(options)
}

fn read(text: &str) -> Result<Url, UrlError> {
    let text = text.trim();
    let Some((scheme, rest)) = text.split_once("://") else {
        let is_keywords = text.split_whitespace().all(|part| part.contains('='));
        return Err(if is_keywords && !text.is_empty() {
            UrlError::Keywords
        } else {
            UrlError::NoUrl
        });
    };
    if !["postgres", "postgresql"].contains(&scheme.to_ascii_lowercase().as_str()) {
        // What stands there instead of a scheme may be anything.
        let is_scheme =
            scheme.len() <= 20 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return Err(if is_scheme {
            UrlError::Scheme(scheme.to_owned())
        } else {
            UrlError::NoUrl
        });
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let hosts = authority
        .rsplit_once('@')
        .map_or(authority, |(_, hosts)| hosts);
    if hosts.contains(',') {
        return Err(UrlError::SeveralHosts);
    }
    let url = Url::parse(text).map_err(|_| UrlError::NoUrl)?;
    if url.fragment().is_some() {
        return Err(UrlError::NoUrl);
    }
    check_parameters(&url)?;
    Ok(url)
}

fn check_parameters(url: &Url) -> Result<(), UrlError> {
    let mut hosts = 0;
    for (name, value) in url.query_pairs() {
        if ["host", "hostaddr", "port"].contains(&&*name) && value.contains(',') {
            return Err(UrlError::SeveralHosts);
        }
        hosts += usize::from(name == "host" || name == "hostaddr");
        if is_understood(&name) {
            check_value(&name, &value)?;
            continue;
        }
        let fulfilled = FULFILLED.iter().find(|(known, _)| *known == name);
        if fulfilled.is_some_and(|(_, values)| values.contains(&&*value.to_ascii_lowercase())) {
            continue;
        }
        return Err(UrlError::Parameter {
            advice: advice(&name),
            name: name.into_owned(),
        });
    }
    if hosts > 1 {
        return Err(UrlError::TwoHosts);
    }
    Ok(())
}

/// Checks the values that the driver would take for others.
fn check_value(name: &str, value: &str) -> Result<(), UrlError> {
    let fits = match name {
        // The driver would use no encryption where libpq tries it.
        "sslmode" | "ssl-mode" => {
            ["disable", "prefer", "require", "verify-ca", "verify-full"].contains(&value)
        }
        "sslrootcert" | "ssl-root-cert" | "ssl-ca" => value != "system",
        "port" => value.parse::<u16>().is_ok(),
        _ => true,
    };
    if fits {
        return Ok(());
    }
    Err(UrlError::Value {
        name: name.to_owned(),
    })
}

fn is_understood(name: &str) -> bool {
    UNDERSTOOD.contains(&name) || name.starts_with("options[") && name.ends_with(']')
}

fn advice(name: &str) -> &'static str {
    match name {
        "channel_binding" => {
            "the driver has none; use sslmode=verify-full, which proves the server"
        }
        "target_session_attrs" => "processes need a server that takes writes; leave it out",
        "service" | "passfile" => "write the values into the connection string, or use PGPASSWORD",
        "connect_timeout"
        | "keepalives"
        | "keepalives_idle"
        | "keepalives_interval"
        | "keepalives_count"
        | "tcp_user_timeout" => "timeouts are those of the program; leave it out",
        "application_name" | "fallback_application_name" => {
            "processes name their connections by their work; leave it out"
        }
        _ => "leave it out, if nothing depends on it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let refused = options(text).map(|_| ()).unwrap_err().to_string();
        assert!(!refused.contains("s3cret"), "{refused}");
        refused
    }

    fn host(text: &str) -> String {
        options(text).unwrap().get_host().to_owned()
    }

    #[test]
    fn what_libpq_takes_is_taken() {
        for (text, expected) in [
            ("postgres://me:s3cret@[::1]:5433/x", "::1"),
            (
                "postgresql://[2001:db8::7]/x?sslmode=disable",
                "2001:db8::7",
            ),
            ("postgres://me@127.0.0.1:5433/x", "127.0.0.1"),
            ("POSTGRES://me@db.example.com/x", "db.example.com"),
            ("postgres:///x?host=db&port=5433&user=me", "db"),
            ("postgres:///x?hostaddr=::1", "::1"),
            ("postgres://db/x?hostaddr=127.0.0.1", "127.0.0.1"),
            ("postgres://[::1]/x?host=db", "db"),
        ] {
            assert_eq!(host(text), expected, "{text}");
        }
        let read = options("postgres://me%40x:s%3Acret@[::1]:5433/a%20b").unwrap();
        assert_eq!(
            (read.get_username(), read.get_port(), read.get_database()),
            ("me@x", 5433, Some("a b"))
        );
        let socket = options("postgres://%2Fvar%2Frun%2Fpostgresql/x").unwrap();
        let expected = std::path::Path::new("/var/run/postgresql");
        assert_eq!(
            socket.get_socket().map(std::path::PathBuf::as_path),
            Some(expected)
        );
        let socket = options("postgres:///x?host=/tmp&target_session_attrs=any").unwrap();
        assert_eq!(
            socket
                .get_socket()
                .map(|path| path.display().to_string())
                .as_deref(),
            Some("/tmp")
        );
    }

    #[test]
    fn what_asks_for_nothing_more_is_left_out() {
        for (name, values) in FULFILLED {
            for value in values {
                options(&format!("postgres://db/x?{name}={value}&sslmode=require")).unwrap();
            }
        }
        let read = options("postgres://db/x?channel_binding=prefer&sslmode=require").unwrap();
        assert!(matches!(read.get_ssl_mode(), PgSslMode::Require));
        let read =
            options("postgres://db/x?options=-c%20search_path%3Da&options[jit]=off").unwrap();
        assert_eq!(read.get_options(), Some("-c search_path=a -c jit=off"));
    }

    #[test]
    fn nothing_is_ignored() {
        for (parameter, part) in [
            ("channel_binding=require", "verify-full"),
            ("target_session_attrs=standby", "takes writes"),
            ("target_session_attrs=read-only", "takes writes"),
            ("target_session_attrs=prefer-standby", "takes writes"),
            ("connect_timeout=10", "leave it out"),
            ("application_name=x", "by their work"),
            ("require_auth=scram-sha-256", "not supported"),
            ("gssencmode=require", "not supported"),
            ("requirepeer=postgres", "not supported"),
            ("sslcrl=/x", "not supported"),
            ("ssl_min_protocol_version=TLSv1.3", "not supported"),
            ("service=x", "not supported"),
            ("pgbouncer=true", "not supported"),
            ("SSLMODE=require", "not supported"),
            ("sslmode=allow", "not supported"),
            ("sslmode=on", "not supported"),
            ("sslrootcert=system", "not supported"),
            ("port=x", "not supported"),
        ] {
            let (name, _) = parameter.split_once('=').unwrap();
            let told = refused(&format!("postgres://me:s3cret@db/x?{parameter}"));
            assert!(
                told.contains(&format!("`{name}`")) && told.contains(part),
                "{told}"
            );
        }
    }

    #[test]
    fn other_forms_are_refused_with_what_to_write() {
        for (text, part) in [
            ("mysql://me:s3cret@db/x", "`mysql://`"),
            ("http://db", "`http://`"),
            ("jdbc:postgresql://me:s3cret@db/x", "not a URL"),
            ("s3cret!://db", "not a URL"),
            ("host=db password=s3cret", "keywords"),
            ("dbname=x", "keywords"),
            ("db.example.com/x", "not a URL"),
            ("", "not a URL"),
            ("postgres://me:s3cret@a,b/x", "several hosts"),
            ("postgres://me:s3cret@a:1,b:2/x", "several hosts"),
            ("postgres://[::1]:1,[::2]:2/x", "several hosts"),
            ("postgres:///x?host=a,b", "several hosts"),
            ("postgres:///x?host=a&port=1,2", "several hosts"),
            ("postgres:///x?host=a&hostaddr=127.0.0.1", "name one"),
            ("postgres:///x?host=a&host=b", "name one"),
            ("postgres://me:s3cret@[fe80::1%25eth0]/x", "not a URL"),
            ("postgres://me:s3cret@db:99999/x", "not a URL"),
            ("postgres://me:s3cret@[::1/x", "not a URL"),
            ("postgres://me:p#s3cret@db/x", "not a URL"),
        ] {
            let told = refused(text);
            assert!(told.contains(part), "{text}: {told}");
        }
    }

    #[test]
    fn a_certificate_that_is_named_is_checked() {
        let mode = |text: &str| options(text).unwrap().get_ssl_mode();
        let named = mode("postgres://db/x?sslmode=require&sslrootcert=/ca.pem");
        assert!(matches!(named, PgSslMode::VerifyCa));
        let unnamed = mode("postgres://db/x?sslmode=require");
        assert!(matches!(unnamed, PgSslMode::Require));
    }
}
