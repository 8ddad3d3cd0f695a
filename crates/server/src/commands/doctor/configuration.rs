//! The configuration: whether it reads, and whether what it says goes together.

use std::net::SocketAddr;

use super::finding::Finding;
use super::subject::Local;
use crate::config::{Config, ConfigError, resolve};

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
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "go together"));
    }
    findings
}

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
            "[server]\ntrusted_proxies = [\"127.0.0.1\"]",
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
        ] {
            let findings = settings(text);
            let told = findings.iter().find(|finding| finding.seen.contains(part));
            assert!(told.is_some_and(|it| matches!(it.verdict, Verdict::Warning { .. })), "{findings:?}");
        }
    }
}
