//! `CALLBOX_<SECTION>_<KEY>` over the file.

use toml::{Table, Value};

/// Sets `section.key` for each variable of the form `CALLBOX_<SECTION>_<KEY>`, where the section is one that there is:
/// other programs of an app may have variables of their own that begin with `CALLBOX_`. An unknown key is refused later,
/// as in the file. A value that reads as a number, a
/// switch or a list is one; anything else is text.
pub(super) fn overlay(table: &mut Table, variables: impl IntoIterator<Item = (String, String)>) {
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix("CALLBOX_") else { continue };
        let lower = rest.to_ascii_lowercase();
        let Some((section, key)) = lower.split_once('_').filter(|(section, _)| SECTIONS.contains(section))
        else {
            continue;
        };
        let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(key.to_owned(), literal(value));
        }
    }
}

fn literal(text: String) -> Value {
    match format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value")) {
        Some(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_))) => value,
        _ => Value::String(text),
    }
}

const SECTIONS: [&str; 8] = ["server", "storage", "tls", "relay", "limits", "outbound", "metrics", "log"];
