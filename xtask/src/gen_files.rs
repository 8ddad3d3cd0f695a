//! `cargo xtask gen`: writes every derived file again. They are checked in, so that a reader sees
//! them and a change shows in its diff; `cargo xtask test` fails when one is stale.

use anyhow::{Context, Result, bail};

use crate::process::{self, cargo, say};
use crate::repo::{self, Tree};
use crate::{samples, web};

/// Something that writes derived files. A line in [`GENERATORS`] adds one.
struct Generator {
    name: &'static str,
    /// The files and folders that are wholly its own: emptied before it runs.
    outputs: &'static [&'static str],
    run: fn() -> Result<()>,
}

/// In the order in which they run: a later one may read what an earlier one wrote.
const GENERATORS: &[Generator] = &[
    Generator {
        name: "API document, samples, tables and the example configuration",
        outputs: &[
            "schema/openapi.json",
            "docs/error-codes.md",
            "docs/settings.md",
            "docs/callbox.toml",
            samples::FOLDER,
        ],
        run: wire,
    },
    Generator {
        name: "TypeScript types",
        outputs: &["web/packages/wire/src/schema.ts"],
        run: typescript_types,
    },
    Generator { name: "typed samples", outputs: &[samples::TYPED], run: samples::write },
];

/// Runs every generator.
pub fn run() -> Result<()> {
    let before = Tree::below(&outputs())?;
    generate(&before)?;
    let changed = before.differences(&Tree::below(&outputs())?);
    for name in &changed {
        say(&format!("wrote {name}"));
    }
    say(&format!("derived files: {} changed", changed.len()));
    Ok(())
}

/// Fails when a derived file is not what its generator writes today. The fresh one is left in place.
pub fn check() -> Result<()> {
    let before = Tree::below(&outputs())?;
    generate(&before)?;
    let stale = before.differences(&Tree::below(&outputs())?);
    if !stale.is_empty() {
        bail!("derived files were stale: {}; they are fresh now, keep them", stale.join(", "));
    }
    Ok(())
}

/// Whether a file is written by a generator, so that the rules for people do not apply to it.
pub fn is_derived(name: &str) -> bool {
    outputs()
        .iter()
        .any(|output| name.strip_prefix(output).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn outputs() -> Vec<&'static str> {
    GENERATORS.iter().flat_map(|it| it.outputs).copied().collect()
}

/// Empties and fills one generator's outputs after the other; puts everything back if one fails.
fn generate(before: &Tree) -> Result<()> {
    for generator in GENERATORS {
        let written = clear(generator.outputs).and_then(|()| (generator.run)());
        if let Err(error) = written {
            before.write()?;
            return Err(error.context(format!("{} cannot be generated", generator.name)));
        }
    }
    Ok(())
}

/// A sample of a type that is gone must not outlive it.
fn clear(outputs: &[&str]) -> Result<()> {
    for name in outputs {
        let target = repo::path(name);
        let removed = if target.is_dir() {
            std::fs::remove_dir_all(&target)
        } else if target.exists() {
            std::fs::remove_file(&target)
        } else {
            Ok(())
        };
        removed.with_context(|| format!("{name} cannot be removed"))?;
    }
    Ok(())
}

fn wire() -> Result<()> {
    process::run(cargo().args(["run", "--quiet", "--package", "callbox-server", "--example", "gen"]))
}

fn typescript_types() -> Result<()> {
    web::require_node()?;
    web::install()?;
    process::run_quietly(&mut web::npm(["run", "gen:schema"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_files_are_known_by_file_and_by_folder() {
        assert!(is_derived("schema/openapi.json"));
        assert!(is_derived("web/packages/wire/samples/ClientFrame/hello.json"));
        assert!(!is_derived("web/packages/wire/samples.json"));
        assert!(!is_derived("crates/wire/src/lib.rs"));
    }
}
