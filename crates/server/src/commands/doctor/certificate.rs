//! Certificates: the one in the configuration, and the one that the outside sees.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use callbox_domain::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};
use x509_parser::extensions::GeneralName;

use super::finding::Finding;
use super::listeners::NO_CONFIG;
use super::site::{HTTP, Site};
use super::subject::Subject;
use crate::config::Config;
use crate::tls;

/// The certificates and keys that the configuration names: that of HTTPS, and that of the relay where it has its own.
pub(super) async fn examine_own(subject: &Subject, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "certificate";
    let Some(Config { tls, relay, .. }) = subject.local.as_ref().map(|local| &local.config) else {
        return vec![Finding::not_checked(CHECK, NO_CONFIG)];
    };
    let mut findings = Vec::new();
    findings.push(match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => examine_files(CHECK, (cert, key), subject.running(), now).await,
        _ => Finding::not_checked(CHECK, "tls.cert is not set: TLS is the reverse proxy's"),
    });
    if let (Some(cert), Some(key)) = (&relay.cert, &relay.key) {
        let listen = relay.tls_listen_addresses().unwrap_or_default();
        let site = listen.first().filter(|_| subject.is_running).map(|listen| Site::local(*listen, true));
        findings.push(examine_files("relay certificate", (cert, key), site, now).await);
    }
    findings
}

/// A certificate and its key, and what is shown where they are used, if that is known.
async fn examine_files(
    check: &'static str,
    (cert, key): (&Path, &Path),
    site: Option<Site>,
    now: Timestamp,
) -> Finding {
    let loaded = tls::load(cert, key).map_err(|error| error.to_string()).and_then(|_| {
        let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        chain.map_err(|error| error.to_string())
    });
    let chain = match loaded.and_then(Chain::read) {
        Ok(chain) => chain,
        Err(reason) => {
            let change =
                "Name the whole chain and its private key, both PEM, in [tls] or [relay]: cert and key.";
            return Finding::problem(check, reason, change);
        }
    };
    let shown = match site {
        Some(site) => site.connect(None).await.map(|connection| connection.chain).unwrap_or_default(),
        None => Vec::new(),
    };
    if shown.first().is_some_and(|shown| Some(shown) != chain.certificates.first()) {
        let seen = format!("the server still shows another certificate than {}", cert.display());
        let change = "Restart the server: it reads the certificate when it starts.";
        return Finding::warning(check, seen, change);
    }
    let trust = chain.some_name().map_or(Trust::Unknown, |name| chain.trust(&name, public_roots(), now));
    judge(check, &chain, trust, Viewer::Operator, now)
}

/// The certificate that a public address shows.
pub(super) async fn examine_public(site: &Site, now: Timestamp) -> Finding {
    const CHECK: &str = "public certificate";
    if !site.is_tls && site.is_loopback() {
        return Finding::not_checked(CHECK, "browsers take this machine for secure without one");
    }
    if !site.is_tls {
        let change =
            "Give browsers an https:// address: they open microphone and camera on secure pages only.";
        return Finding::problem(CHECK, format!("{} is plain HTTP", site.authority()), change);
    }
    let chain = match site.connect(Some(HTTP)).await {
        Ok(connection) => Chain::read(connection.chain),
        Err(error) => return Finding::not_checked(CHECK, error.to_string()),
    };
    match chain {
        Ok(chain) => {
            let trust = site.name().map_or(Trust::OtherName, |name| chain.trust(&name, public_roots(), now));
            judge(CHECK, &chain, trust, Viewer::Browser(&site.host), now)
        }
        Err(reason) => Finding::problem(CHECK, reason, "Use a certificate of a public authority."),
    }
}

/// A server's certificate, and those that lead from it to an authority.
struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    names: Vec<String>,
    /// Seconds since 1970.
    valid_from: i64,
    /// Seconds since 1970.
    valid_until: i64,
    is_self_signed: bool,
}

/// Whether a browser would believe a chain.
#[derive(Debug, PartialEq, Eq)]
enum Trust {
    Yes,
    /// It leads to no authority that browsers know.
    Unknown,
    /// It is for other names.
    OtherName,
    /// Something else is wrong with it.
    No(String),
}

/// Who is going to see a chain.
#[derive(Clone, Copy)]
enum Viewer<'a> {
    /// Whoever has the file.
    Operator,
    /// A browser that asked for this host.
    Browser(&'a str),
}

impl Chain {
    fn read(certificates: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        let own = certificates.first().ok_or("there is no certificate in it")?;
        let (_, parsed) = x509_parser::parse_x509_certificate(own)
            .map_err(|error| format!("the certificate cannot be read ({error})"))?;
        let validity = parsed.validity();
        let names = match parsed.subject_alternative_name() {
            Ok(Some(names)) => names.value.general_names.iter().filter_map(name).collect(),
            _ => Vec::new(),
        };
        let (valid_from, valid_until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let is_self_signed = parsed.subject() == parsed.issuer();
        Ok(Self { certificates, names, valid_from, valid_until, is_self_signed })
    }

    /// One of the names that it is for.
    fn some_name(&self) -> Option<ServerName<'static>> {
        let mut names = self.names.iter().map(|name| name.replace('*', "any"));
        names.find_map(|name| ServerName::try_from(name).ok())
    }

    /// What a browser with these authorities thinks of it. The time is judged apart.
    fn trust(&self, name: &ServerName<'_>, roots: Arc<RootCertStore>, now: Timestamp) -> Trust {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = match WebPkiServerVerifier::builder_with_provider(roots, provider).build() {
            Ok(verifier) => verifier,
            Err(error) => return Trust::No(error.to_string()),
        };
        let (own, others) = self.certificates.split_first().expect("looked at when it was read");
        // Expired or not, the rest is of interest too.
        let seconds = (now.as_millis() / 1_000).clamp(self.valid_from, self.valid_until);
        let moment = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds.unsigned_abs()));
        match verifier.verify_server_cert(own, others, name, &[], moment) {
            Ok(_) => Trust::Yes,
            Err(Error::InvalidCertificate(error)) => match error {
                CertificateError::UnknownIssuer => Trust::Unknown,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Trust::OtherName
                }
                _ if self.is_self_signed => Trust::Unknown,
                error => Trust::No(error.to_string()),
            },
            Err(error) => Trust::No(error.to_string()),
        }
    }
}

fn judge(check: &'static str, chain: &Chain, trust: Trust, viewer: Viewer<'_>, now: Timestamp) -> Finding {
    let names = if chain.names.is_empty() { "no name".to_owned() } else { chain.names.join(", ") };
    let seconds_left = chain.valid_until - now.as_millis() / 1_000;
    let days_left = seconds_left.div_euclid(DAY_SECONDS);
    let told = |what: &str| format!("for {names}: {what}");
    if seconds_left < 0 {
        let seen = told(&format!("expired {} days ago", -days_left - 1));
        return Finding::problem(check, seen, "Renew it, and restart the server or the reverse proxy.");
    }
    if chain.valid_from > now.as_millis() / 1_000 {
        let change = "Set this machine's clock right, or use the certificate that is valid now.";
        return Finding::problem(check, told("not valid yet"), change);
    }
    let days = format!("{days_left} days left");
    match (trust, viewer) {
        (Trust::Yes, _) if days_left < DAYS_LEFT_GOOD => {
            let change = "See why it was not renewed by itself; renew it, and restart the server or the reverse proxy.";
            Finding::warning(check, told(&days), change)
        }
        (Trust::Yes, _) => Finding::ok(check, told(&days)),
        (Trust::OtherName, Viewer::Browser(host)) => {
            let change = format!("Get a certificate that is for {host} too.");
            Finding::problem(check, told(&format!("not for {host}")), change)
        }
        (Trust::Unknown, viewer) => {
            let is_alone = chain.certificates.len() == 1 && !chain.is_self_signed;
            let (what, change) = if is_alone {
                ("the authority's own certificates are missing behind it", COMPLETE)
            } else if chain.is_self_signed {
                ("signed by itself, so that browsers do not trust it", PUBLIC_AUTHORITY)
            } else {
                ("of an authority that browsers do not know", PUBLIC_AUTHORITY)
            };
            match viewer {
                Viewer::Browser(_) => Finding::problem(check, told(what), change),
                Viewer::Operator => Finding::warning(check, told(what), change),
            }
        }
        (Trust::OtherName, Viewer::Operator) => {
            Finding::problem(check, told("it names no host"), "Get a certificate for the server's name.")
        }
        (Trust::No(reason), _) => Finding::problem(check, told(&reason), PUBLIC_AUTHORITY),
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            Some(v4.or(v6).ok()?.to_string())
        }
        _ => None,
    }
}

/// The authorities that browsers trust.
fn public_roots() -> Arc<RootCertStore> {
    Arc::new(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
}

const COMPLETE: &str = "Use the file with the whole chain, which ACME clients call fullchain.pem.";
const PUBLIC_AUTHORITY: &str = "Get a certificate of a public authority, such as Let's Encrypt.";
const DAY_SECONDS: i64 = 24 * 60 * 60;
/// Certificates renew themselves earlier than this.
const DAYS_LEFT_GOOD: i64 = 14;

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

    use super::super::finding::Verdict;
    use super::*;

    /// An authority, a chain for calls.example.com of it, valid through 2026, and a moment in which it is.
    fn chain(names: &[&str]) -> (Chain, Arc<RootCertStore>, ServerName<'static>) {
        let key = KeyPair::generate().expect("a key");
        let mut authority = CertificateParams::new(vec![]).expect("good");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "An authority");
        authority.not_before = date_time_ymd(2020, 1, 1);
        authority.not_after = date_time_ymd(2040, 1, 1);
        let authority = CertifiedIssuer::self_signed(authority, key).expect("signed");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut own = CertificateParams::new(names).expect("good");
        own.distinguished_name.push(rcgen::DnType::CommonName, "A server");
        own.not_before = date_time_ymd(2026, 1, 1);
        own.not_after = date_time_ymd(2027, 1, 1);
        let own = own.signed_by(&KeyPair::generate().expect("a key"), &authority).expect("signed");
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).expect("good");
        let name = ServerName::try_from("calls.example.com").expect("a name");
        (Chain::read(vec![own.der().clone()]).expect("read"), Arc::new(roots), name)
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("a moment")
    }

    #[test]
    fn a_chain_of_a_known_authority_for_this_name_is_trusted() {
        let (chain, roots, name) = chain(&["*.example.com", "192.0.2.7"]);
        let now = at("2026-11-21T00:00:00Z");
        assert_eq!(chain.names, ["*.example.com", "192.0.2.7"]);
        assert_eq!(chain.trust(&name, roots, now), Trust::Yes);
        assert_eq!(chain.trust(&name, public_roots(), now), Trust::Unknown);
        let finding = judge("certificate", &chain, Trust::Yes, Viewer::Operator, now);
        assert_eq!(finding, Finding::ok("certificate", "for *.example.com, 192.0.2.7: 41 days left"));
        assert!(chain.some_name().is_some());
    }

    #[test]
    fn time_is_told_in_days() {
        let (chain, ..) = chain(&["calls.example.com"]);
        let judged = |now| judge("certificate", &chain, Trust::Yes, Viewer::Operator, at(now));
        let late = judged("2026-12-20T00:00:00Z");
        assert!(
            matches!(late.verdict, Verdict::Warning { .. }) && late.seen.contains("12 days left"),
            "{late:?}"
        );
        let over = judged("2027-01-03T01:00:00Z");
        assert!(over.is_problem() && over.seen.contains("expired 2 days ago"), "{over:?}");
        let early = judged("2025-12-31T00:00:00Z");
        assert!(early.is_problem() && early.seen.contains("not valid yet"), "{early:?}");
    }

    #[test]
    fn a_browser_refuses_what_is_for_another_name_or_of_nobody() {
        let now = at("2026-11-21T00:00:00Z");
        let (other, roots, name) = chain(&["chat.example.com"]);
        let trust = other.trust(&name, roots, now);
        assert_eq!(trust, Trust::OtherName);
        let finding = judge("public certificate", &other, trust, Viewer::Browser("calls.example.com"), now);
        assert!(finding.is_problem() && finding.seen.contains("not for calls.example.com"), "{finding:?}");
        let (alone, ..) = chain(&["calls.example.com"]);
        let finding =
            judge("public certificate", &alone, Trust::Unknown, Viewer::Browser("calls.example.com"), now);
        assert!(finding.change().is_some_and(|change| change.contains("fullchain")), "{finding:?}");
        let finding = judge("certificate", &alone, Trust::Unknown, Viewer::Operator, now);
        assert!(matches!(finding.verdict, Verdict::Warning { .. }), "{finding:?}");
    }

    #[test]
    fn a_certificate_that_signed_itself_is_told_as_such() {
        let made = rcgen::generate_simple_self_signed(["calls.example.com".to_owned()]).expect("made");
        let chain = Chain::read(vec![made.cert.der().clone()]).expect("read");
        let (now, name) =
            (at("2026-11-21T00:00:00Z"), ServerName::try_from("calls.example.com").expect("a name"));
        let trust = chain.trust(&name, public_roots(), now);
        assert_eq!(trust, Trust::Unknown);
        let finding = judge("public certificate", &chain, trust, Viewer::Browser("calls.example.com"), now);
        assert!(finding.is_problem() && finding.seen.contains("signed by itself"), "{finding:?}");
        assert!(Chain::read(vec![]).is_err() && Chain::read(vec![vec![1, 2, 3].into()]).is_err());
    }
}
