//! The configuration: whether it reads, and whether what it says goes together.

use std::net::SocketAddr;

use callbox_domain::address::is_public;

use super::finding::Finding;
use super::subject::Local;
use crate::config::{Config, ConfigError, resolve};
use crate::relay::shares_tcp;

/// What a start would say of it.
pub(super) fn judge_reading(name: &str, read: Result<&Config, &ConfigError>) -> Finding {
    const CHECK: &str = "config";
    match read {
        Ok(_) => Finding::ok(CHECK, name),
        Err(ConfigError::Unreadable { path, error }) => {
            let seen = format!("cannot read {} ({error})", path.display());
            Finding::problem(CHECK, seen, "Name the file that the server is started with, by --config.")
        }
        Err(ConfigError::Malformed(reason)) => {
            let change = "Correct that line; 'callbox config default' prints every key there is.";
            Finding::problem(CHECK, format!("{name}: {reason}"), change)
        }
        Err(ConfigError::Invalid { key, problem }) => {
            Finding::problem(CHECK, format!("{name}: {key}: {problem}"), format!("Correct {key}."))
        }
    }
}

/// Settings that cannot work together, or hardly anyone wants together.
pub(super) fn judge_settings(local: &Local) -> Vec<Finding> {
    const CHECK: &str = "settings";
    let mut findings = Vec::new();
    let config = &local.config;
    let listens_beyond = |key, text| {
        let address = resolve(key, text).ok();
        address.filter(|address: &SocketAddr| !address.ip().is_loopback())
    };
    let beyond = listens_beyond("server.listen", &config.server.listen);
    let is_tls = config.tls.cert.is_some();
    if let Some(address) = beyond.filter(|_| !is_tls) {
        let seen =
            format!("server.listen is {address}, without TLS: tokens and messages travel in the clear");
        let change = "Set tls.cert and tls.key, or listen on loopback behind a reverse proxy with TLS.";
        findings.push(Finding::warning(CHECK, seen, change));
    }
    if beyond.is_none() && !is_tls && config.server.trusted_proxies.is_empty() && !local.is_development {
        let seen =
            "server.listen is loopback, for a reverse proxy in front, and server.trusted_proxies is empty";
        let change = "Name the proxy in server.trusted_proxies: otherwise all clients count as one address.";
        findings.push(Finding::warning(CHECK, seen, change));
    }
    if let Some(address) = listens_beyond("metrics.listen", &config.metrics.listen) {
        let seen =
            format!("metrics.listen is {address}, where others than this machine may read the figures");
        let change = "Listen on loopback, or see that a firewall lets nobody but Prometheus in.";
        findings.push(Finding::warning(CHECK, seen, change));
    }
    findings
        .extend(judge_relay(local).into_iter().map(|(seen, change)| Finding::warning(CHECK, seen, change)));
    findings.extend(shared_port(config).map(|(seen, change)| Finding::problem(CHECK, seen, change)));
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "go together"));
    }
    findings
}

/// What keeps some calls from connecting: what is seen, and what to change.
fn judge_relay(local: &Local) -> Vec<(String, &'static str)> {
    let relay = &local.config.relay;
    if !relay.is_wanted() {
        let seen = "the relay is switched off: calls between some networks end as connect_timeout".to_owned();
        return vec![(seen, "Set relay.listen, for example to [\"0.0.0.0:3478\", \"[::]:3478\"].")];
    }
    if local.is_development {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    if !local.has_relay_certificate() {
        let seen =
            "the relay has no certificate: networks that let nothing but TLS through get no relay".to_owned();
        warnings.push((seen, "Set relay.cert and relay.key, or tls.cert and tls.key."));
    }
    let named = relay.named_addresses().unwrap_or_default();
    if let Some(address) = named.iter().find(|address| !is_public(address.public)) {
        let seen =
            format!("relay.public_addresses names {}, which other networks do not reach", address.public);
        warnings.push((seen, "Name the address that the world sees, as \"public/own\" behind a NAT."));
    }
    let count = relay.port_range().map_or(0, |range| range.len());
    if count < RELAY_PORTS_GOOD {
        let calls = count / RELAY_PORTS_PER_CALL;
        let seen = format!("relay.ports are {count}, enough for {calls} relayed calls that connect at once");
        warnings.push((seen, "Widen relay.ports, and open them in the firewalls."));
    }
    warnings
}

/// HTTP and the relay's TLS at one port of the same address. Of `relay.listen`, such a port is the relay's for UDP.
fn shared_port(config: &Config) -> Option<(String, &'static str)> {
    let http = resolve("server.listen", &config.server.listen).ok()?;
    let taken = config.relay.tls_listen_addresses().ok()?;
    let address = taken.into_iter().find(|address| shares_tcp(*address, http))?;
    let seen = format!("relay.tls_listen has {address}, and server.listen has that port too");
    Some((
        seen,
        "Take it out of relay.tls_listen, or give each an address of its own; with [tls] that port relays anyway.",
    ))
}

/// Each side opens an allocation for each way, and takes one or two ports for it.
const RELAY_PORTS_PER_CALL: usize = 6;
/// Below this a few calls take all of them.
const RELAY_PORTS_GOOD: usize = 100;

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn settings(text: &str) -> Vec<Finding> {
        let config = Config::parse(text, []).expect("good");
        judge_settings(&Local { config, is_development: false })
    }

    #[test]
    fn what_a_start_would_refuse_is_told_with_what_to_change() {
        for (text, seen, change) in [
            ("[server]\nlisen = \"x\"", "lisen", "config default"),
            ("[tls]\ncert = \"a.pem\"", "tls.key", "Correct tls.key."),
        ] {
            let finding = judge_reading("callbox.toml", Config::parse(text, []).as_ref());
            assert!(finding.is_problem() && finding.seen.contains(seen), "{finding:?}");
            assert!(finding.change().is_some_and(|text| text.contains(change)), "{finding:?}");
        }
        let missing = Config::load(Some("/nowhere/callbox.toml".as_ref()));
        let finding = judge_reading("/nowhere/callbox.toml", missing.as_ref());
        assert!(finding.is_problem() && finding.seen.contains("/nowhere/callbox.toml"), "{finding:?}");
        let good = judge_reading("callbox.toml", Ok(&Config::default()));
        assert_eq!(good, Finding::ok("config", "callbox.toml"));
    }

    #[test]
    fn settings_behind_a_proxy_or_with_tls_go_together() {
        for text in [
            "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[relay]\ncert = \"a.pem\"\nkey = \"b.pem\"",
            "[server]\nlisten = \"0.0.0.0:443\"\n[tls]\ncert = \"a.pem\"\nkey = \"b.pem\"",
        ] {
            assert_eq!(settings(text), [Finding::ok("settings", "go together")], "{text}");
        }
    }

    #[test]
    fn settings_that_do_not_go_together_are_told() {
        for (text, part) in [
            ("[server]\nlisten = \"0.0.0.0:8080\"", "without TLS"),
            ("", "trusted_proxies"),
            ("[metrics]\nlisten = \"0.0.0.0:9464\"", "metrics.listen"),
            ("[relay]\nlisten = []\ntls_listen = []", "switched off"),
            ("", "no certificate"),
            ("[relay]\npublic_addresses = [\"10.0.0.5\"]", "10.0.0.5"),
            ("[relay]\nports = \"50000-50011\"", "enough for 2"),
        ] {
            let findings = settings(text);
            let told = findings.iter().find(|finding| finding.seen.contains(part));
            assert!(told.is_some_and(|it| matches!(it.verdict, Verdict::Warning { .. })), "{findings:?}");
        }
    }

    #[test]
    fn one_port_for_https_and_the_relays_tls_is_a_problem() {
        for (listen, relay, is_shared) in [
            ("0.0.0.0:443", "tls_listen = ['0.0.0.0:443']", true),
            ("0.0.0.0:443", "tls_listen = ['0.0.0.0:5349']", false),
            ("0.0.0.0:443", "tls_listen = []\nlisten = ['0.0.0.0:443']", false),
        ] {
            let text = format!("[server]\nlisten = '{listen}'\n[relay]\n{relay}");
            let findings = settings(&text);
            assert_eq!(findings.iter().any(Finding::is_problem), is_shared, "{text}: {findings:?}");
        }
    }
}
