//! The `traceparent` header of the W3C trace context, checked strictly.

use axum::http::{HeaderMap, HeaderName};

/// The name of the header.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The number of characters of a header of version 00. Later versions begin alike.
const CHARACTERS: usize = 55;

/// Returns the header's value, if there is exactly one, as a value of version 00. An invalid value counts as
/// absent, as the specification asks: tracing must never make a request fail.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    read(value.to_str().ok()?)
}

/// Reads `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`, lower case, with ids that are not zero.
///
/// A later version may have more after another hyphen. Its trace goes on: the ids and the sampled flag are taken,
/// and passed on as version 00, which is the one that is known here. Version ff is invalid.
fn read(value: &str) -> Option<String> {
    let is_hex = |text: &str, length| {
        text.len() == length
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |text: &str, length| is_hex(text, length) && text.bytes().any(|byte| byte != b'0');
    let (known, more) = value.split_at_checked(CHARACTERS)?;
    let parts: Vec<&str> = known.split('-').collect();
    let &[version, trace, parent, flags] = parts.as_slice() else {
        return None;
    };
    let are_valid = is_id(trace, 32) && is_id(parent, 16) && is_hex(flags, 2);
    let is_version = is_hex(version, 2) && version != "ff";
    if !is_version || !are_valid {
        return None;
    }
    if version == "00" {
        return more.is_empty().then(|| value.to_owned());
    }
    if !more.is_empty() && !more.starts_with('-') {
        return None;
    }
    // The other flags of a later version may mean anything.
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1;
    Some(format!("00-{trace}-{parent}-0{sampled}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_specification_allows_is_taken() {
        for valid in [
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
        ] {
            assert_eq!(read(valid).as_deref(), Some(valid));
        }
        for wrong in [
            "",
            "00",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_trace_of_a_later_version_goes_on_as_one_of_ours() {
        const IDS: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
        for (version, rest, flags) in [
            ("01", "01", "01"),
            ("01", "00", "00"),
            ("01", "01-", "01"),
            ("01", "01-what-the-future-brings", "01"),
            ("42", "ff-", "01"),
            ("cc", "fe", "00"),
            ("fe", "03", "01"),
        ] {
            let sent = format!("{version}-{IDS}-{rest}");
            assert_eq!(read(&sent), Some(format!("00-{IDS}-{flags}")), "{sent}");
        }
        for wrong in [
            format!("ff-{IDS}-01"),
            format!("FE-{IDS}-01"),
            format!("0-{IDS}-01"),
            format!("001-{IDS}-01"),
            format!("0x-{IDS}-01"),
            format!("01-{IDS}-01extra"),
            format!("01-{IDS}-01.extra"),
            format!("01-{IDS}-0"),
            format!("01-{IDS}-0-extra"),
            format!("01-{IDS}-0G"),
            format!("01-{IDS}"),
            format!("01_{IDS}-01"),
            "01-00000000000000000000000000000000-00f067aa0ba902b7-01".to_owned(),
            "01-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01".to_owned(),
            "01-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01".to_owned(),
        ] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn two_headers_are_none() {
        let value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = HeaderMap::new();
        headers.append("traceparent", value.parse().unwrap());
        assert_eq!(traceparent(&headers).as_deref(), Some(value));
        headers.append("traceparent", value.parse().unwrap());
        assert_eq!(traceparent(&headers), None);
    }
}
