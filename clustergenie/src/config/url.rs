//! Addresses of processes, as clients write them.

/// Reads the base URL of a process. Without a scheme it is `http`.
///
/// # Errors
/// A sentence that says how to write it.
pub(super) fn base(text: &str) -> Result<String, String> {
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    match reqwest::Url::parse(&url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err("write an address such as http://127.0.0.1:8085".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_may_be_left_out() {
        for text in ["http://127.0.0.1:8085", "127.0.0.1:8085", "127.0.0.1:8085/"] {
            assert_eq!(base(text).as_deref(), Ok("http://127.0.0.1:8085"), "{text}");
        }
        assert_eq!(
            base("https://api.example").as_deref(),
            Ok("https://api.example")
        );
        assert_eq!(
            base("localhost:8085").as_deref(),
            Ok("http://localhost:8085")
        );
    }

    #[test]
    fn anything_else_gets_an_example() {
        for bad in ["", "ftp://127.0.0.1", "http://", "127.0.0.1:port"] {
            let refused = base(bad).unwrap_err();
            assert!(
                refused.contains("such as http://127.0.0.1:8085"),
                "{bad}: {refused}"
            );
        }
    }
}
