//! Turns the JSON samples of the wire types into TypeScript values that are typed as the generated
//! types: where Rust and TypeScript disagree about a shape, the type-check fails.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::repo::{self, Tree};

/// Where the Rust side writes samples: `SignInRequest.json`, `ClientFrame/message.send.json`.
pub const FOLDER: &str = "web/packages/wire/samples";

/// The same values as TypeScript.
pub const TYPED: &str = "web/packages/wire/test/samples.ts";

/// The folders of [`FOLDER`] and the constants that their samples become.
const FRAMES: [(&str, &str); 2] = [("ClientFrame", "clientFrames"), ("ServerFrame", "serverFrames")];

/// Writes [`TYPED`] from the files in [`FOLDER`].
pub fn write() -> Result<()> {
    let tree = Tree::below(&[FOLDER])?;
    let files: BTreeMap<String, Value> = tree
        .inside(FOLDER)
        .map(|(name, text)| {
            let value = serde_json::from_str(text).with_context(|| format!("sample {name}"))?;
            Ok((name.trim_end_matches(".json").to_owned(), value))
        })
        .collect::<Result<_>>()?;
    repo::write(TYPED, &typed(&files)?)
}

/// The names of the frames that have a sample, client's and server's.
pub fn frame_names(tree: &Tree) -> Vec<String> {
    FRAMES
        .iter()
        .flat_map(|(kind, _)| tree.inside(&format!("{FOLDER}/{kind}")).collect::<Vec<_>>())
        .filter_map(|(name, _)| Some(name.strip_suffix(".json")?.to_owned()))
        .collect()
}

fn typed(files: &BTreeMap<String, Value>) -> Result<String> {
    let mut text = String::from(
        "// Written by `cargo xtask gen` from ../samples. Do not edit.\n\
         import type { ClientFrameOf, ServerFrameOf, components } from '../src/index.js';\n\n\
         type Schemas = components['schemas'];\n",
    );
    let bodies = files.iter().filter(|(name, _)| !name.contains('/'));
    text.push_str("\nexport const bodies = {\n");
    for (name, value) in bodies {
        writeln!(text, "  {name}: {} satisfies Schemas['{name}'],", indented(value)?)?;
    }
    text.push_str("};\n");
    for (folder, constant) in FRAMES {
        writeln!(text, "\nexport const {constant} = {{")?;
        let prefix = format!("{folder}/");
        for (name, value) in files {
            let Some(frame) = name.strip_prefix(&prefix) else {
                continue;
            };
            let value = indented(value)?;
            writeln!(text, "  '{frame}': {value} satisfies {folder}Of<'{frame}'>,")?;
        }
        text.push_str("};\n");
    }
    Ok(text)
}

/// JSON is TypeScript; only its depth changes.
fn indented(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)?.replace('\n', "\n  "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_and_frames_are_typed_by_their_file_names() {
        let files = BTreeMap::from([
            ("SignInRequest".to_owned(), json!({"ticket": "t"})),
            ("ClientFrame/message.send".to_owned(), json!({"type": "message.send"})),
        ]);
        let text = typed(&files).unwrap();
        assert!(
            text.contains("SignInRequest: {\n    \"ticket\": \"t\"\n  } satisfies Schemas['SignInRequest'],")
        );
        assert!(text.contains("satisfies ClientFrameOf<'message.send'>,"));
        assert!(text.contains("export const serverFrames = {\n};"));
    }

    #[test]
    fn frames_are_named_by_their_files() {
        let tree = Tree::from([
            ("web/packages/wire/samples/ClientFrame/hello.json", "{}"),
            ("web/packages/wire/samples/ServerFrame/welcome.json", "{}"),
            ("web/packages/wire/samples/Profile.json", "{}"),
        ]);
        assert_eq!(frame_names(&tree), ["hello", "welcome"]);
    }
}
