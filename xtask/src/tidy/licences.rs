//! Every package that we build on has a licence that lets anyone ship Callbox.

use spdx::{Expression, ParseMode};

use super::Finding;
use crate::metadata::Package;

/// The same list as in `deny.toml`.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Zlib",
];

/// Finds packages whose licence is missing, unreadable, or not on the list.
pub fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().filter_map(|it| Some(Finding::new("Cargo.lock", refusal(it)?))).collect()
}

fn refusal(package: &Package) -> Option<String> {
    let who = format!("{} {}", package.name, package.version);
    let Some(licence) = &package.license else {
        return Some(format!("{who} names no licence"));
    };
    // Older packages write `MIT/Apache-2.0`.
    let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else {
        return Some(format!("{who} has the licence `{licence}`, which is no SPDX expression"));
    };
    let allowed = expression.evaluate(|requirement| {
        let id = requirement.license.id();
        id.is_some_and(|it| ALLOWED.contains(&it.name)) && is_plain(requirement)
    });
    (!allowed).then(|| format!("{who} has the licence `{licence}`, which is not on the list"))
}

/// `Apache-2.0 WITH LLVM-exception` only takes away duties; other additions need a look first.
fn is_plain(requirement: &spdx::LicenseReq) -> bool {
    match &requirement.addition {
        None => true,
        Some(spdx::AdditionItem::Spdx(exception)) => exception.name == "LLVM-exception",
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(license: Option<&str>) -> Package {
        Package {
            name: "part".to_owned(),
            version: "1.0.0".to_owned(),
            id: String::new(),
            license: license.map(str::to_owned),
            manifest_path: String::new(),
            dependencies: Vec::new(),
            targets: Vec::new(),
        }
    }

    fn passes(license: &str) -> bool {
        check(&[package(Some(license))]).is_empty()
    }

    #[test]
    fn permissive_licences_pass() {
        assert!(passes("MIT"));
        assert!(passes("MIT/Apache-2.0"));
        assert!(passes("GPL-3.0-only OR MIT"));
        assert!(passes("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(passes("ISC AND (Apache-2.0 OR ISC) AND OpenSSL"));
        assert!(passes("Apache-2.0 WITH LLVM-exception"));
        assert!(passes("CDLA-Permissive-2.0"));
    }

    #[test]
    fn the_list_is_that_of_cargo_deny() {
        let text = std::fs::read_to_string(crate::repo::path("deny.toml")).unwrap();
        let deny: toml::Table = toml::from_str(&text).unwrap();
        let listed = deny["licenses"]["allow"].as_array().unwrap();
        let listed: Vec<_> = listed.iter().filter_map(toml::Value::as_str).collect();
        assert_eq!(listed, ALLOWED);
    }

    #[test]
    fn other_licences_are_found() {
        assert!(!passes("GPL-3.0-only"));
        assert!(!passes("MIT AND AGPL-3.0-only"));
        assert!(!passes("Our own terms"));
        assert_eq!(check(&[package(None)])[0].message, "part 1.0.0 names no licence");
    }
}
