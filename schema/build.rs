//! Tells cargo that the migrations, which a macro reads, are sources too.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
