//! Tags, by which people group droplets.

use crate::checked::checked_string;

checked_string! {
    /// A tag, by DigitalOcean's rule. Tags that differ in case are different tags.
    pub struct Tag, error InvalidTag;
    is "a tag";
    rule "1 to 255 letters, digits, underscores, colons and hyphens";
    check is_tag;
}

// `^[a-zA-Z0-9_:-]{1,255}$`
fn is_tag(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checked::tests::texts_over;

    #[test]
    fn tags_are_made_of_a_few_characters() {
        for text in texts_over(&['a', 'Z', '0', '_', ':', '-', '.', ' '], 3) {
            let expected = !text.is_empty() && !text.contains(['.', ' ']);
            assert_eq!(Tag::parse(text.clone()).is_ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_tag_has_at_most_255_characters() {
        assert!(Tag::parse("a".repeat(255)).is_ok());
        assert!(Tag::parse("a".repeat(256)).is_err());
        assert!(Tag::parse("qös").is_err());
    }
}
