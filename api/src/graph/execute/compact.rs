//! Copies JSON text without the blanks and line breaks between its tokens.
//!
//! Stored JSON makes up most of a long answer, and a worker thread serves nobody else while it copies. So the
//! copy goes through a small buffer, without a branch for each byte.

/// Adds JSON text to the bytes.
pub(super) fn push(bytes: &mut Vec<u8>, json: &str) {
    let (mut in_text, mut is_escaped) = (false, false);
    let mut kept = [0; 512];
    for part in json.as_bytes().chunks(kept.len()) {
        let mut length = 0;
        for byte in part {
            // A byte that is not kept is overwritten by the next one.
            kept[length] = *byte;
            let is_blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            length += usize::from(in_text || !is_blank);
            in_text ^= *byte == b'"' && !is_escaped;
            is_escaped = in_text && *byte == b'\\' && !is_escaped;
        }
        bytes.extend_from_slice(&kept[..length]);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn only_blanks_between_tokens_are_left_out() {
        let value = json!({
            "a \" b": [1, "\\", "\\\"", " x ", "\n\t", "", { "c": null, "é ": " \\ " }],
            "d": [true, -1.5e3, []],
        });
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        // Every place of a quote, an escape and a blank comes to stand at the end of the buffer.
        for zeros in 0..600 {
            let json = format!("[\r\n{}\t{pretty} ]", "0 , ".repeat(zeros));
            let mut bytes = Vec::new();
            push(&mut bytes, &json);
            let expected: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected.to_string());
        }
    }
}
