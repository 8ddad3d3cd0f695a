//! Every sample is what the API document says, and the document describes every sample.

use std::collections::BTreeSet;

use callbox_wire::samples::{self, Sample};
use callbox_wire::{ClientFrame, ServerFrame};
use serde_json::{Value, json};

fn document() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schema/openapi.json");
    let text = std::fs::read_to_string(path).expect("the document is checked in");
    serde_json::from_str(&text).expect("JSON")
}

/// What is wrong with a sample, if anything.
fn problem(document: &Value, Sample { schema, value, .. }: &Sample) -> Option<String> {
    let root =
        json!({ "$ref": format!("#/components/schemas/{schema}"), "components": document["components"] });
    let validator = jsonschema::validator_for(&root).expect("a good schema");
    validator.iter_errors(value).next().map(|error| format!("{}: {error}", error.instance_path()))
}

#[test]
fn every_sample_is_valid() {
    let document = document();
    for sample in samples::all() {
        assert!(
            !document["components"]["schemas"][sample.schema].is_null(),
            "{} is not described",
            sample.schema
        );
        assert_eq!(problem(&document, &sample), None, "{}/{}", sample.schema, sample.name);
    }
}

#[test]
fn a_sample_that_lacks_a_field_of_an_answer_is_not() {
    let document = document();
    let mut welcome = samples::all().into_iter().find(|sample| sample.name == "welcome").expect("a sample");
    welcome.value.as_object_mut().expect("an object").remove("cursor");
    assert!(problem(&document, &welcome).is_some());
}

#[test]
fn every_frame_has_a_sample() {
    let named = |schema: &str| -> BTreeSet<String> {
        samples::all()
            .into_iter()
            .filter(|sample| sample.schema == schema)
            .map(|sample| sample.name)
            .collect()
    };
    let table =
        |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    assert_eq!(named("ClientFrame"), table(ClientFrame::NAMES));
    assert_eq!(named("ServerFrame"), table(ServerFrame::NAMES));
}

/// Answers send every field, `null` where there is nothing: a field that may be missing is a bug in the document.
#[test]
fn server_frames_and_what_they_hold_require_every_field() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let mut reached = BTreeSet::new();
    let mut next = vec!["ServerFrame".to_owned()];
    while let Some(name) = next.pop() {
        if reached.insert(name.clone()) {
            references(&schemas[&name], &mut next);
        }
    }
    assert!(reached.len() > 20, "{reached:?}");
    // Handed on from one client to another as it came.
    reached.remove("IceCandidate");
    for name in reached {
        let Some(fields) = schemas[&name]["properties"].as_object() else { continue };
        let required: BTreeSet<_> =
            schemas[&name]["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(fields.keys().map(String::as_str).collect::<BTreeSet<_>>(), required, "{name}");
    }
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(name) =
                fields.get("$ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next())
            {
                found.push(name.to_owned());
            }
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
