//! The servers of `examples/backends`: what each signs is what the vectors say, and signs a user in.
//!
//! How an example is built and run is known to `examples/backends/languages.mjs` alone, so Node runs them all. A
//! language that is not on this machine is said to be so; Node must be there, as it must for the SDK.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::Running;

/// What the examples sign: the word of their command form, and the property of a sign-in that carries it.
const FORMS: &[(&str, &str)] = &[("ticket", "ticket"), ("jwt", "jwt")];

/// Printable, and hard to write as JSON.
const USER: &str = r#"a"b\c/d<&>'"#;

const APP: &str = "signing-app";

#[test]
fn the_examples_sign_what_the_vectors_say() {
    let output = node("check.mjs", &[], &[]);
    println!("{output}");
    assert!(output.lines().any(|line| line == "Node: checked"), "{output}");
}

#[tokio::test]
async fn what_the_examples_sign_signs_a_user_in() {
    let server = Running::start().await;
    let secret = server.create_app(APP).await;
    let environment = [("CALLBOX_APP_KEY", APP), ("CALLBOX_APP_SECRET", secret.expose())];
    for (form, property) in FORMS {
        let mut languages = Vec::new();
        for line in node("sign.mjs", &[form, USER], &environment).lines() {
            let signed: Value = serde_json::from_str(line).expect("JSON");
            let language = signed["language"].as_str().expect("a name").to_owned();
            let Some(credential) = signed["credential"].as_str() else {
                println!("{language}: not on this machine, checked by vectors only");
                continue;
            };
            let body = json!({ *property: credential }).to_string();
            let application = format!("Application {APP}");
            let (status, answer) = server.request("POST", "/v1/sessions", &application, &body).await;
            assert_eq!((status, &answer["user"]["id"]), (201, &json!(USER)), "{language}: {answer}");
            languages.push(language);
        }
        println!("{form}: {languages:?} signed in");
        assert!(languages.iter().any(|language| language == "Node"), "{languages:?}");
    }
}

/// What a program of the examples prints, when it ends well.
fn node(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/backends");
    let mut command = Command::new("node");
    command.arg(examples.join(program)).args(arguments).envs(environment.iter().copied());
    let output = command.stdin(Stdio::null()).output().expect("Node is installed");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
