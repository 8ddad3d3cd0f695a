//! The tier table in `ARCHITECTURE.md` is true: every package is in it, and every dependency between
//! packages, or on one of the watched crates, is one that the table allows.

use std::collections::BTreeMap;

use super::Finding;
use crate::metadata::Package;

/// Crates that decide what a package can do to the world; the table says who may use them.
const WATCHED: &[&str] = &["tokio", "axum", "rusqlite", "postgres", "tokio-postgres", "async-nats"];

/// Adapters and everything below them. A test may use a real one instead of a double, so a
/// dev-dependency may go to any package of these tiers.
const DEV_TIER_MAX: u8 = 2;

/// The first cells of the header, by which the table is found.
const HEADER: [&str; 5] = ["package", "folder", "tier", "may import", "outside"];

/// One line of the table.
#[derive(Debug)]
struct Row {
    folder: String,
    /// Nothing for packages beside the tiers, which nobody may import.
    tier: Option<u8>,
    imports: Allowed,
    outside: Allowed,
}

#[derive(Debug)]
enum Allowed {
    Everything,
    These(Vec<String>),
}

impl Allowed {
    fn includes(&self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::These(names) => names.iter().any(|it| it == name),
        }
    }
}

/// Compares the table with what cargo knows.
pub fn check(document: &str, members: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let table = read_table(document, &mut findings);
    if table.is_empty() {
        complain(&mut findings, "it holds no tier table".to_owned());
    }
    check_table(&table, members, &mut findings);
    for package in members {
        match table.get(&package.name) {
            Some(row) => check_package(package, row, &table, &mut findings),
            None => {
                complain(&mut findings, format!("`{}` is not in the tier table", package.name));
            }
        }
    }
    findings
}

/// The table by itself: no forgotten rows, and arrows that point down.
fn check_table(table: &BTreeMap<String, Row>, members: &[Package], findings: &mut Vec<Finding>) {
    for (name, row) in table {
        if !members.iter().any(|it| it.name == *name) {
            complain(findings, format!("`{name}` is in the tier table, but there is no such package"));
        }
        let Allowed::These(imports) = &row.imports else {
            continue;
        };
        for import in imports {
            match table.get(import) {
                None => complain(findings, format!("`{name}` may import `{import}`, which has no row")),
                Some(target) if !points_down(row, target) => {
                    complain(findings, format!("`{name}` may import `{import}`, which is not below it"));
                }
                Some(_) => {}
            }
        }
    }
}

fn check_package(package: &Package, row: &Row, table: &BTreeMap<String, Row>, findings: &mut Vec<Finding>) {
    let name = &package.name;
    if package.folder() != row.folder {
        let folder = package.folder();
        complain(findings, format!("`{name}` is in `{folder}`, not in `{}`", row.folder));
    }
    for dependency in &package.dependencies {
        let other = &dependency.name;
        if WATCHED.contains(&other.as_str()) {
            if !dependency.is_dev() && !row.outside.includes(other) {
                complain(findings, format!("`{name}` uses `{other}`, and the tier table does not let it"));
            }
        } else if let Some(target) = table.get(other)
            && !may_import(package, dependency.is_dev(), row, other, target)
        {
            let kind = dependency.kind.as_deref().map_or(String::new(), |it| format!(" ({it})"));
            let message = format!("`{name}` imports `{other}`{kind}, and the tier table does not let it");
            complain(findings, message);
        }
    }
}

fn may_import(package: &Package, is_dev: bool, row: &Row, other: &str, target: &Row) -> bool {
    // A package's own tests may name it to switch a feature on.
    let by_test = is_dev && (target.tier.is_some_and(|it| it <= DEV_TIER_MAX) || package.name == other);
    by_test || (row.imports.includes(other) && points_down(row, target))
}

/// Strictly down; only the pure packages may stand on each other, and cargo refuses their circles.
fn points_down(from: &Row, to: &Row) -> bool {
    match (from.tier, to.tier) {
        (_, None) => false,
        (None, Some(_)) | (Some(0), Some(0)) => true,
        (Some(from), Some(to)) => to < from,
    }
}

fn read_table(document: &str, findings: &mut Vec<Finding>) -> BTreeMap<String, Row> {
    let mut table = BTreeMap::new();
    let rows =
        document.lines().map(cells).skip_while(|it| !is_header(it)).skip(2).take_while(|it| !it.is_empty());
    for row in rows {
        match read_row(&row) {
            Some((name, row)) => drop(table.insert(name, row)),
            None => complain(findings, format!("this row is not readable: {}", row.join(" | "))),
        }
    }
    table
}

fn is_header(cells: &[String]) -> bool {
    cells.len() == HEADER.len() && cells.iter().zip(HEADER).all(|(cell, word)| cell.starts_with(word))
}

/// The cells of one line of a markdown table; none when it is no such line.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let Some(inside) = line.strip_prefix('|').and_then(|it| it.strip_suffix('|')) else {
        return Vec::new();
    };
    inside.split('|').map(|it| it.trim().replace('`', "")).collect()
}

fn read_row(cells: &[String]) -> Option<(String, Row)> {
    let [name, folder, tier, imports, outside] = cells else {
        return None;
    };
    let tier = match tier.as_str() {
        "beside" => None,
        number => Some(number.parse().ok()?),
    };
    let row = Row {
        folder: folder.clone(),
        tier,
        imports: allowed(imports, package_name),
        outside: allowed(outside, str::to_owned),
    };
    Some((name.clone(), row))
}

/// Reads `domain, wire`, `everything`, or `—` for nothing.
fn allowed(cell: &str, full_name: fn(&str) -> String) -> Allowed {
    match cell {
        "everything" => Allowed::Everything,
        "" | "—" | "-" => Allowed::These(Vec::new()),
        list => Allowed::These(list.split(',').map(|it| full_name(it.trim())).collect()),
    }
}

/// The table says `domain` for `callbox-domain`, as the folders do.
fn package_name(short: &str) -> String {
    format!("callbox-{short}")
}

fn complain(findings: &mut Vec<Finding>, message: String) {
    findings.push(Finding::new(super::TIERS, message));
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;
    use crate::metadata::Dependency;

    const TABLE: &str = "\
# A house

| package | folder | tier | may import | outside crates it may use |
|---|---|---|---|---|
| `callbox-domain` | `crates/domain` | 0 | — | — |
| `callbox-wire` | `crates/wire` | 0 | domain | — |
| `callbox-sqlite` | `crates/sqlite` | 2 | domain | rusqlite |
| `callbox-service` | `crates/service` | 3 | domain, wire | tokio |
| `callbox-hub` | `crates/hub` | 4 | service | tokio |
| `callbox-server` | `crates/server` | 5 | everything | everything |
| `xtask` | `xtask` | beside | — | — |

After the table.
";

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let folder = name.strip_prefix("callbox-").map_or(name.to_owned(), |it| format!("crates/{it}"));
        let dependency = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
        };
        Package {
            name: name.to_owned(),
            version: String::new(),
            id: String::new(),
            license: None,
            manifest_path: format!("{folder}/Cargo.toml"),
            dependencies: dependencies.iter().map(dependency).collect(),
            targets: Vec::new(),
        }
    }

    fn house() -> Vec<Package> {
        vec![
            package("callbox-domain", &[("serde", None)]),
            package("callbox-wire", &[("callbox-domain", None)]),
            package("callbox-sqlite", &[("callbox-domain", None), ("rusqlite", None)]),
            package("callbox-service", &[("callbox-wire", None), ("tokio", None)]),
            package("callbox-hub", &[("callbox-service", None)]),
            package("callbox-server", &[("callbox-hub", None), ("axum", None)]),
            package("xtask", &[("syn", None)]),
        ]
    }

    fn found_with(dependency: (&str, Option<&str>), of: &str) -> Vec<String> {
        let mut members = house();
        let package = members.iter_mut().find(|it| it.name == of).unwrap();
        package
            .dependencies
            .push(Dependency { name: dependency.0.to_owned(), kind: dependency.1.map(str::to_owned) });
        words(&check(TABLE, &members))
    }

    #[test]
    fn a_true_table_has_no_findings() {
        assert_eq!(words(&check(TABLE, &house())), [""; 0]);
    }

    #[test]
    fn an_arrow_that_the_table_does_not_allow_is_found() {
        let found = found_with(("callbox-sqlite", None), "callbox-service");
        let message =
            "ARCHITECTURE.md: `callbox-service` imports `callbox-sqlite`, and the tier table does not let it";
        assert_eq!(found, [message]);
        assert_eq!(found_with(("callbox-domain", Some("build")), "callbox-hub").len(), 1);
        assert_eq!(found_with(("xtask", None), "callbox-server").len(), 1);
    }

    #[test]
    fn a_test_may_use_an_adapter_but_no_edge() {
        assert!(found_with(("callbox-sqlite", Some("dev")), "callbox-service").is_empty());
        assert_eq!(found_with(("callbox-hub", Some("dev")), "callbox-service").len(), 1);
    }

    #[test]
    fn a_watched_crate_in_the_wrong_place_is_found() {
        let found = found_with(("tokio", None), "callbox-domain");
        let message = "ARCHITECTURE.md: `callbox-domain` uses `tokio`, and the tier table does not let it";
        assert_eq!(found, [message]);
        assert!(found_with(("tokio", Some("dev")), "callbox-domain").is_empty());
    }

    #[test]
    fn missing_and_stale_rows_are_found() {
        let mut members = house();
        members.push(package("callbox-new", &[]));
        members.retain(|it| it.name != "xtask");
        let found = words(&check(TABLE, &members));
        let expected = [
            "ARCHITECTURE.md: `xtask` is in the tier table, but there is no such package",
            "ARCHITECTURE.md: `callbox-new` is not in the tier table",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_table_with_an_upward_arrow_or_a_wrong_folder_is_found() {
        let upward = TABLE.replace("| 0 | domain | — |", "| 0 | domain, hub | — |");
        assert_eq!(check(&upward, &house()).len(), 1);
        let elsewhere = TABLE.replace("`crates/wire`", "`crates/wires`");
        assert_eq!(check(&elsewhere, &house()).len(), 1);
        assert!(!check("no table", &house()).is_empty());
    }
}
