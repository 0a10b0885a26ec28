//! Addresses of processes, as clients write them.

use url::Url;

/// Reads the base URL of a process. The scheme may be left out: the default is `http`, because processes
/// serve without TLS.
///
/// # Errors
/// A sentence that says how to write the address.
pub(super) fn base(text: &str) -> Result<Url, String> {
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    Url::parse(&url)
        .ok()
        .filter(|url| url.scheme() == "http" && url.has_host() && !text.starts_with('/'))
        .ok_or_else(|| "write an address such as http://127.0.0.1:8085".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_may_be_left_out() {
        for (text, url) in [
            ("http://127.0.0.1:8085", "http://127.0.0.1:8085/"),
            ("127.0.0.1:8085/", "http://127.0.0.1:8085/"),
            ("localhost:8085", "http://localhost:8085/"),
            ("http://[::1]:8086/", "http://[::1]:8086/"),
        ] {
            assert_eq!(base(text).unwrap().as_str(), url, "{text}");
        }
    }

    #[test]
    fn anything_else_gets_an_example() {
        for bad in [
            "",
            "/x",
            "ftp://127.0.0.1",
            "https://127.0.0.1:8085",
            "http://",
            "127.0.0.1:port",
        ] {
            let refused = base(bad).unwrap_err();
            assert!(
                refused.contains("such as http://127.0.0.1:8085"),
                "{bad}: {refused}"
            );
        }
    }
}
