//! Peers that are no browsers: aiortc's, which speak to each other through the relay only, over every transport.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::Running;
use crate::strangers::{Access, certificate_file, relaying};

#[tokio::test]
async fn peers_that_are_no_browsers_speak_through_the_relay() {
    let server = Running::start_with(relaying).await;
    let certificate = certificate_file(server.folder());
    let mut running = Vec::new();
    for (scheme, transport) in [("turn", "udp"), ("turn", "tcp"), ("turns", "tcp")] {
        let mut peers = Vec::new();
        for user in ["ann", "bob"] {
            peers.push(ice_servers(&Access::of(&server, user).await, scheme, transport));
        }
        let (peers, certificate) = (json!(peers), certificate.clone());
        let conversation = tokio::task::spawn_blocking(move || converse(&peers, &certificate));
        running.push((format!("{scheme} over {transport}"), conversation));
    }
    for (name, conversation) in running {
        let told = conversation.await.expect("no panic");
        // Nothing but what the relay gives: there is no other way between them.
        assert_eq!(told["candidates"], json!([["relay"], ["relay"]]), "{name}");
        assert_eq!((&told["isGreetingBack"], &told["frames"]), (&json!(true), &json!([25, 25])), "{name}");
    }
    server.stop().await;
}

/// The relay by one way only, as a list of `RTCIceServer`.
fn ice_servers(access: &Access, scheme: &str, transport: &str) -> Value {
    let port = access.ports(scheme, transport)[0];
    let urls = [format!("{scheme}:localhost:{port}?transport={transport}")];
    json!([{ "urls": urls, "username": access.username, "credential": access.password }])
}

/// Lets two peers speak: what they tell of it.
fn converse(peers: &Value, certificate: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/edges/aiortc/peers.py");
    let mut child = Command::new(python())
        .arg(script)
        .env("SSL_CERT_FILE", certificate)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("aiortc is installed (`cargo xtask test` does it, or says how)");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(peers.to_string().as_bytes()).expect("taken");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Where the environment is that `cargo xtask test` makes.
fn python() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("aiortc").join("bin/python")
}
