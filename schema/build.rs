//! Makes cargo rebuild when a migration changes, because a macro reads them.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
