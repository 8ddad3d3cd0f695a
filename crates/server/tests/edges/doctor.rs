//! `callbox doctor` beside servers that are well, and those that are not.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use callbox_domain::{AppSettings, Timestamp};
use callbox_server::config::Config;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

use crate::harness::{Ran, Running, config, run};

/// What the doctor found.
struct Examined {
    is_well: bool,
    findings: Vec<Value>,
}

impl Examined {
    /// The result of a check, and all that was said of it.
    #[track_caller]
    fn result(&self, check: &str) -> (&str, String) {
        let finding = self.findings.iter().find(|finding| finding["check"] == check);
        let finding = finding.unwrap_or_else(|| panic!("no {check} in {:#?}", self.findings));
        let text = |name: &str| finding[name].as_str().unwrap_or_default();
        (text("result"), format!("{} {}", text("seen"), text("change")))
    }

    #[track_caller]
    fn expect(&self, check: &str, result: &str, parts: &[&str]) {
        let (found, said) = self.result(check);
        assert_eq!(found, result, "{said}");
        for part in parts {
            assert!(said.contains(part), "{said}");
        }
    }

    /// A check that found a problem, and so said what to change.
    #[track_caller]
    fn expect_problem(&self, check: &str, parts: &[&str]) {
        assert!(!self.is_well);
        self.expect(check, "problem", parts);
    }
}

/// A relay to whose own addresses others are told to send, and a certificate for it and for HTTPS.
fn relaying(config: &mut Config) {
    config.relay.listen = vec!["127.0.0.1:0".to_owned()];
    config.relay.tls_listen = vec!["127.0.0.1:0".to_owned()];
    config.relay.public_addresses = vec![format!("{PUBLIC}/127.0.0.1")];
    config.relay.host = String::from("127.0.0.1");
    let folder = config.storage.master_key_file.parent().expect("a folder").to_owned();
    write_certificate(&folder);
    (config.tls.cert, config.tls.key) = (Some(folder.join("cert.pem")), Some(folder.join("key.pem")));
}

/// A fresh certificate with its key.
fn write_certificate(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["calls.example.com".to_owned()]).expect("a certificate");
    fs::write(folder.join("cert.pem"), made.cert.pem()).expect("writable");
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("writable");
}

/// Writes down how such a server was started.
fn write_relaying(server: &Running) -> String {
    let folder = server.folder().display();
    let (relay, relay_tls) = (server.relay.expect("a relay"), server.relay_tls.expect("with TLS"));
    let more = format!(
        "[tls]\ncert = '{folder}/cert.pem'\nkey = '{folder}/key.pem'\n[relay]\nlisten = ['{relay}']\ntls_listen = ['{relay_tls}']\n"
    );
    write_config(server.folder(), &server.address, &more)
}

/// A configuration for a server in this folder, behind a proxy, without figures.
fn write_config(folder: &Path, listen: &str, more: &str) -> String {
    let storage = config(folder).storage;
    let (data, key) = (storage.folder.display(), storage.master_key_file.display());
    let text = format!(
        "[server]\nlisten = '{listen}'\ntrusted_proxies = ['127.0.0.1']\n\
         [storage]\nfolder = '{data}'\nmaster_key_file = '{key}'\n[metrics]\nlisten = ''\n{more}"
    );
    let file = folder.join("callbox.toml");
    fs::write(&file, text).expect("writable");
    file.to_str().expect("text").to_owned()
}

async fn doctor(arguments: &[&str]) -> Examined {
    let Ran { succeeded, stdout, stderr } = run(&[&["doctor", "--json"], arguments].concat()).await;
    let findings = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}"));
    Examined { is_well: succeeded, findings }
}

/// Everything in a folder, to the byte.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = entries
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), fs::read(&path).expect("a file")))
        .collect();
    files.sort();
    files
}

/// What a server leaves that was stopped.
async fn stopped() -> TempDir {
    Running::start().await.stop().await
}

#[tokio::test]
async fn a_server_that_is_well_has_no_problem() {
    let server = Running::start_with(relaying).await;
    let examined = doctor(&["--config", &write_relaying(&server)]).await;
    assert!(examined.is_well, "{:#?}", examined.findings);
    let checks =
        ["config", "settings", "data folder", "database", "master key", "clock", "HTTP", "WebSocket"];
    let of_relay = ["STUN", "relay over UDP", "relay over TCP", "relay over TLS", "relay on HTTPS port"];
    for check in checks.into_iter().chain(of_relay) {
        assert_eq!(examined.result(check).0, "ok", "{check}: {:#?}", examined.findings);
    }
    examined.expect("data folder", "ok", &["a server has it"]);
    for way in &of_relay[1..] {
        examined.expect(way, "ok", &["relays, from", PUBLIC]);
    }
    examined.expect("certificate", "warning", &["calls.example.com", "signed by itself"]);
    server.stop().await;
}

#[tokio::test]
async fn the_table_is_for_people_and_holds_no_secret() {
    let server = Running::start().await;
    let file = write_config(server.folder(), &server.address, NO_RELAY);
    let shown = run(&["doctor", "--config", &file]).await.printed();
    let line = shown.lines().find(|line| line.starts_with("HTTP")).expect("a line");
    assert!(line.contains(" ok ") && line.contains(&server.address), "{shown}");
    let key = fs::read_to_string(config(server.folder()).storage.master_key_file).expect("a key");
    let (_, token) = server.operator();
    assert!(!shown.contains(key.trim().split_once(':').expect("a key").1) && !shown.contains(&token));
    server.stop().await;
}

#[tokio::test]
async fn a_folder_without_a_server_is_looked_at_and_stays_as_it_is() {
    let folder = stopped().await;
    let data = config(folder.path()).storage.folder;
    let before = files(&data);
    let examined = doctor(&["--config", &write_config(folder.path(), "127.0.0.1:0", NO_RELAY)]).await;
    assert!(examined.is_well, "{:#?}", examined.findings);
    examined.expect("data folder", "ok", &["no server runs on it"]);
    examined.expect("database", "ok", &["schema version"]);
    examined.expect("HTTP", "not checked", &["no server runs"]);
    examined.expect("WebSocket", "not checked", &["no server runs"]);
    assert_eq!(files(&data), before);
}

#[tokio::test]
async fn no_data_folder_and_no_configuration_are_problems() {
    let folder = TempDir::new().expect("a folder");
    let file = write_config(folder.path(), "127.0.0.1:0", NO_RELAY);
    doctor(&["--config", &file]).await.expect_problem("data folder", &["there is no folder", "--config"]);
    assert!(!config(folder.path()).storage.folder.exists());
    fs::write(&file, "[server]\nlisen = 'x'").expect("writable");
    let examined = doctor(&["--config", &file]).await;
    examined.expect_problem("config", &["lisen", "config default"]);
    let missing = folder.path().join("missing.toml");
    let examined = doctor(&["--config", missing.to_str().expect("text")]).await;
    examined.expect_problem("config", &["missing.toml", "--config"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_is_a_problem() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = stopped().await;
    let key = config(folder.path()).storage.master_key_file;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("changed");
    let examined = doctor(&["--config", &write_config(folder.path(), "127.0.0.1:0", NO_RELAY)]).await;
    examined.expect_problem("master key", &["mode 0644", "chmod 600"]);
}

#[tokio::test]
async fn the_key_of_another_database_is_a_problem() {
    let (folder, other) = (stopped().await, stopped().await);
    let key = |folder: &TempDir| config(folder.path()).storage.master_key_file;
    fs::copy(key(&other), key(&folder)).expect("copied");
    let file = write_config(folder.path(), "127.0.0.1:0", NO_RELAY);
    doctor(&["--config", &file]).await.expect_problem("master key", &["not the key", "Put the key file"]);
    fs::remove_file(key(&folder)).expect("removed");
    doctor(&["--config", &file]).await.expect_problem("master key", &["missing", "master_key_file"]);
    assert!(!key(&folder).exists());
}

#[tokio::test]
async fn an_expired_certificate_is_a_problem() {
    let folder = stopped().await;
    let key = KeyPair::generate().expect("a key");
    let mut certificate = CertificateParams::new(vec!["calls.example.com".to_owned()]).expect("good");
    certificate.not_before = date_time_ymd(2024, 1, 1);
    certificate.not_after = date_time_ymd(2025, 1, 1);
    let certificate = certificate.self_signed(&key).expect("signed");
    let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&cert_file, certificate.pem()).expect("written");
    fs::write(&key_file, key.serialize_pem()).expect("written");
    let tls = format!("{NO_RELAY}[tls]\ncert = '{}'\nkey = '{}'\n", cert_file.display(), key_file.display());
    let file = write_config(folder.path(), "127.0.0.1:0", &tls);
    doctor(&["--config", &file])
        .await
        .expect_problem("certificate", &["calls.example.com", "expired", "Renew"]);
    fs::write(&key_file, KeyPair::generate().expect("a key").serialize_pem()).expect("written");
    doctor(&["--config", &file]).await.expect_problem("certificate", &["private key", "[tls]"]);
}

#[tokio::test]
async fn a_certificate_that_was_renewed_and_is_not_shown_is_a_warning() {
    let server = Running::start_with(relaying).await;
    write_certificate(server.folder());
    let examined = doctor(&["--config", &write_relaying(&server)]).await;
    examined.expect("certificate", "warning", &["still shows another", "Restart"]);
    server.stop().await;
}

#[tokio::test]
async fn an_app_whose_calls_need_a_relay_that_is_not_there_is_a_problem() {
    let server = Running::start().await;
    let file = write_config(server.folder(), &server.address, NO_RELAY);
    let examined = doctor(&["--config", &file]).await;
    assert!(examined.findings.iter().all(|finding| finding["check"] != "apps"), "{:#?}", examined.findings);
    let settings = AppSettings { relay_only: true, ..AppSettings::default() };
    server.create_app_with("hidden-app", settings).await;
    let examined = doctor(&["--config", &file]).await;
    examined.expect_problem("apps", &["hidden-app", "relay.listen"]);
    examined.expect("settings", "warning", &["switched off"]);
    server.stop().await;
}

#[tokio::test]
async fn a_port_of_another_program_is_a_problem() {
    let folder = stopped().await;
    let other = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = other.local_addr().expect("bound").to_string();
    let examined = doctor(&["--config", &write_config(folder.path(), &address, NO_RELAY)]).await;
    examined.expect_problem("HTTP", &["taken by another program", "choose another port"]);
}

#[tokio::test]
async fn a_server_that_listens_elsewhere_is_a_problem() {
    let server = Running::start().await;
    let closed = ClosedPort::new().await;
    let file = write_config(server.folder(), &closed.address.to_string(), NO_RELAY);
    let examined = doctor(&["--config", &file]).await;
    examined.expect_problem("HTTP", &["nobody listens", "restart it with this configuration"]);
    server.stop().await;
}

/// A web server or a proxy that does to each connection what it is told.
async fn stand_in<Doing: Future<Output = ()> + Send>(
    serve: impl Fn(TcpStream, String) -> Doing + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            serve(stream, String::from_utf8_lossy(&head).into_owned()).await;
        }
    });
    url
}

#[tokio::test]
async fn a_proxy_that_passes_no_upgrade_is_a_problem() {
    let server = Running::start().await;
    let address = server.address.clone();
    let url = stand_in(move |mut client, head| {
        let address = address.clone();
        async move {
            // Hop-by-hop headers end at a proxy that knows nothing of WebSockets (RFC 9110, section 7.6.1).
            let passed = head.split_inclusive("\r\n").filter(|line| {
                let line = line.to_ascii_lowercase();
                !line.starts_with("upgrade:") && !line.starts_with("connection:") && !line.trim().is_empty()
            });
            let request: String = passed.collect();
            let mut upstream = TcpStream::connect(address).await.expect("it listens");
            upstream.write_all(format!("{request}connection: close\r\n\r\n").as_bytes()).await.expect("sent");
            let _ = tokio::io::copy(&mut upstream, &mut client).await;
        }
    })
    .await;
    let examined = doctor(&["--public", &url]).await;
    examined.expect("public HTTPS", "ok", &["is ready"]);
    examined.expect("clock", "ok", &[]);
    examined.expect_problem("public WebSocket", &["does not pass upgrades", "Upgrade"]);
    examined.expect("config", "not checked", &["--config"]);
    server.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_a_problem() {
    let long_ago = Timestamp::from_millis(1_700_000_000_000).to_rfc3339();
    let body = json!({ "timestamp": long_ago }).to_string();
    let url = stand_in(move |mut client, _| {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        async move {
            let _ = client.write_all(answer.as_bytes()).await;
        }
    })
    .await;
    let examined = doctor(&["--public", &url]).await;
    examined.expect_problem("clock", &["s behind this machine's", "NTP"]);
    examined.expect_problem("public HTTPS", &["not as a Callbox server does"]);
}

#[tokio::test]
async fn a_relay_whose_ports_are_closed_is_a_problem() {
    let server = Running::start().await;
    let listening = |relay| format!("[relay]\nlisten = ['{relay}']\n");
    let closed = ClosedPort::new().await;
    let file = write_config(server.folder(), &server.address, &listening(closed.address));
    let examined = doctor(&["--config", &file]).await;
    examined.expect_problem("STUN", &["nobody listens", "UDP port"]);
    examined.expect_problem("relay over UDP", &["nobody listens", "UDP port"]);
    examined.expect_problem("relay over TCP", &["nobody listens", "TCP port"]);
    // As behind a firewall that drops datagrams.
    let deaf = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let deaf_address = deaf.local_addr().expect("bound");
    let file = write_config(server.folder(), &server.address, &listening(deaf_address));
    let examined = doctor(&["--config", &file]).await;
    examined.expect_problem("relay over UDP", &["no answer", "Open UDP port"]);
    server.stop().await;
}

#[tokio::test]
async fn a_port_of_the_relay_that_another_program_has_is_a_problem() {
    let folder = stopped().await;
    let other = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let relay = other.local_addr().expect("bound");
    let file = write_config(folder.path(), "127.0.0.1:0", &format!("[relay]\nlisten = ['{relay}']\n"));
    let examined = doctor(&["--config", &file]).await;
    examined.expect_problem("relay over UDP", &["taken by another program", "choose another port"]);
    examined.expect("relay over TCP", "not checked", &["free"]);
}

#[tokio::test]
async fn a_relay_that_gives_out_an_address_of_its_neighbourhood_is_a_warning() {
    let neighbourly = |config: &mut Config| {
        relaying(config);
        config.relay.public_addresses = Vec::new();
    };
    let server = Running::start_with(neighbourly).await;
    let examined = doctor(&["--config", &write_relaying(&server)]).await;
    examined.expect("relay over UDP", "warning", &["from 127.0.0.1", "relay.public_addresses"]);
    server.stop().await;
}

#[tokio::test]
async fn from_outside_the_relay_on_the_port_of_https_is_seen() {
    let server = Running::start_with(relaying).await;
    let url = format!("https://{}", server.address);
    let examined = doctor(&["--public", &url]).await;
    examined.expect("relay on HTTPS port", "ok", &["asks for a credential"]);
    examined.expect("public HTTPS", "ok", &["is ready"]);
    examined.expect("public WebSocket", "ok", &["takes WebSockets"]);
    examined.expect_problem("public certificate", &["signed by itself"]);
    examined.expect("relayed media", "not checked", &["master key"]);
    server.stop().await;
    let without = Running::start_with(|config| {
        relaying(config);
        (config.relay.listen, config.relay.tls_listen) = (Vec::new(), Vec::new());
    });
    let without = without.await;
    let examined = doctor(&["--public", &format!("https://{}", without.address)]).await;
    examined.expect("relay on HTTPS port", "warning", &["does not relay", "443"]);
    without.stop().await;
}

/// A port that nobody else can take, and at which nobody answers.
struct ClosedPort {
    address: SocketAddr,
    _udp: UdpSocket,
    _tcp: TcpSocket,
}

impl ClosedPort {
    async fn new() -> Self {
        loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
            let address = udp.local_addr().expect("bound");
            // Takes datagrams from there alone, and the system refuses all others.
            udp.connect("127.0.0.1:9").await.expect("no more than a route");
            let tcp = TcpSocket::new_v4().expect("a socket");
            if tcp.bind(address).is_ok() {
                return Self { address, _udp: udp, _tcp: tcp };
            }
        }
    }
}

/// An address as the world would see this machine.
const PUBLIC: &str = "8.8.8.8";
const NO_RELAY: &str = "[relay]\nlisten = []\ntls_listen = []\n";
