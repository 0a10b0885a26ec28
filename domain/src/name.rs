//! Names that people and agents choose.

use crate::checked::{checked_string, is_slug};

checked_string! {
    /// The name of a cluster, a group of droplets.
    pub struct ClusterName, error InvalidClusterName;
    is "the name of a cluster";
    rule "1 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit";
    check is_cluster_name;
}

checked_string! {
    /// The name of a droplet, by DigitalOcean's rule, which also makes it a host name.
    ///
    /// The name is unique among the live droplets of an organization.
    pub struct DropletName, error InvalidDropletName;
    is "the name of a droplet";
    rule "1 to 255 letters, digits, dots and hyphens, ending with a letter or digit";
    check is_droplet_name;
}

checked_string! {
    /// The kind of a job, such as `provision` or `batch`. The kind tells the runner what to do.
    pub struct JobKind, error InvalidJobKind;
    is "a kind of job";
    rule "1 to 63 lower-case letters, digits, hyphens and underscores, beginning with a letter";
    check is_job_kind;
}

checked_string! {
    /// The name of a worker: the one that runs a job.
    pub struct WorkerName, error InvalidWorkerName;
    is "the name of a worker";
    rule "1 to 255 printable characters, neither beginning nor ending with a space";
    check is_worker_name;
}

fn is_cluster_name(text: &str) -> bool {
    is_slug(text, 63, b"-")
}

// `^[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]$`: the optional first character adds nothing.
fn is_droplet_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 255
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte))
}

// `^[a-z][a-z0-9_-]{0,62}$`
fn is_job_kind(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(byte))
}

fn is_worker_name(text: &str) -> bool {
    (1..=255).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checked::tests::texts_over;

    #[test]
    fn cluster_names_are_slugs_of_63() {
        for good in ["a", "blue-7", &"a".repeat(63)] {
            assert!(ClusterName::parse(good).is_ok(), "{good:?} was refused");
        }
        for bad in ["", "-a", "a-", "Blue", "a.b", &"a".repeat(64)] {
            assert!(ClusterName::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn droplet_names_follow_the_rule_of_digitalocean() {
        for text in texts_over(&['a', 'Z', '0', '.', '-', '_'], 4) {
            let expected = !text.is_empty() && !text.contains('_') && !text.ends_with(['.', '-']);
            assert_eq!(
                DropletName::parse(text.clone()).is_ok(),
                expected,
                "{text:?}"
            );
        }
        assert!(DropletName::parse("a".repeat(255)).is_ok());
        assert!(DropletName::parse("a".repeat(256)).is_err());
        assert!(DropletName::parse("wéb").is_err());
        assert!(DropletName::parse("web\n").is_err());
    }

    #[test]
    fn job_kinds_begin_with_a_letter() {
        for text in texts_over(&['a', '0', '_', '-', 'A', '.'], 4) {
            let expected = text.starts_with('a') && !text.contains(['A', '.']);
            assert_eq!(JobKind::parse(text.clone()).is_ok(), expected, "{text:?}");
        }
        assert!(JobKind::parse("a".repeat(63)).is_ok());
        assert!(JobKind::parse("a".repeat(64)).is_err());
    }

    #[test]
    fn worker_names_are_printable() {
        for good in ["w", "openb-pod-0017", "Worker 7 (rack ö)", &"ö".repeat(255)] {
            assert!(WorkerName::parse(good).is_ok(), "{good:?} was refused");
        }
        for bad in [
            "",
            " ",
            " w",
            "w ",
            "a\0b",
            "a\nb",
            "a\u{7f}b",
            &"ö".repeat(256),
        ] {
            assert!(WorkerName::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_refusal_says_the_rule() {
        assert_eq!(
            DropletName::parse("web_1")
                .expect_err("underscores are refused")
                .to_string(),
            "\"web_1\" is not the name of a droplet: use 1 to 255 letters, digits, dots and \
             hyphens, ending with a letter or digit"
        );
    }
}
