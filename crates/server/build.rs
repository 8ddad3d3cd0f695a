//! Prepares what the binary carries for browsers.

use std::path::Path;

fn main() {
    let folder = Path::new("../../web/dist");
    // The pages are found by their folder's real path, which is taken when this crate is compiled: without the folder a
    // build that comes before the pages would never find them. Where it cannot be made there is nothing to carry.
    let _ = std::fs::create_dir_all(folder);
    println!("cargo:rerun-if-changed=build.rs");
    // A debug build reads the pages from the folder at each request; a release build holds them.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed=../../web/dist");
    }
}
