//! The system user who runs this program, for the record of actions.

use std::fs;

use anyhow::Context;

/// The name of the system user, or its number if it has none.
///
/// # Errors
/// When `/etc/passwd` cannot be read.
pub(crate) fn name() -> anyhow::Result<String> {
    let number = rustix::process::getuid().as_raw();
    let users = fs::read_to_string("/etc/passwd")
        .context("/etc/passwd cannot be read: pass your name with --by")?;
    Ok(named(&users, number).unwrap_or_else(|| format!("user {number}")))
}

/// A user's name from the lines `name:password:uid:...`.
fn named(users: &str, number: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?);
        (uid.parse() == Ok(number)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/bash\n";
        assert_eq!(named(users, 1000).as_deref(), Some("ann"));
        assert_eq!(named(users, 7), None);
    }
}
