//! What became of the ways to the relay, as findings.

use callbox_domain::address::is_public;

use super::{Mapping, Target, Tried, Way};
use crate::commands::doctor::finding::{Finding, Verdict};
use crate::commands::doctor::site::Unreachable;

/// From where the relay is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scene {
    /// Beside a server of `callbox dev`, which serves this machine and its neighbours.
    Development,
    /// With the configuration and the master key of a server.
    Operator,
    /// From somewhere else, with nothing but its name.
    Outside,
}

/// What STUN said.
pub(super) fn judge_stun(target: &Target, mapping: Mapping) -> Finding {
    const CHECK: &str = "STUN";
    match mapping {
        Mapping::Mapped { mapped, own } if own == Some(mapped) => {
            Finding::ok(CHECK, format!("{target} sees {mapped}, this machine's own address: no NAT between"))
        }
        Mapping::Mapped { mapped, .. } => {
            Finding::ok(CHECK, format!("{target} sees {mapped}: there is a NAT between"))
        }
        Mapping::Unreachable(error) => error.problem(CHECK, &opening(target)),
    }
}

/// What became of one way.
pub(super) fn judge(target: &Target, tried: Tried, scene: Scene) -> Finding {
    let check = target.way.check();
    match tried {
        Tried::Relayed { relayed } if scene == Scene::Operator && !is_public(relayed.ip()) => {
            let seen =
                format!("{target} relays, from {}: an address that only its neighbours reach", relayed.ip());
            let change = "Name the public address in relay.public_addresses, as \"public/own\" behind a NAT.";
            Finding::warning(check, seen, change)
        }
        Tried::Relayed { relayed } => Finding::ok(check, format!("{target} relays, from {}", relayed.ip())),
        Tried::AsksForCredential if scene == Scene::Outside => {
            Finding::ok(check, format!("{target} answers and asks for a credential"))
        }
        Tried::AsksForCredential => refused(target, "an allocation", 401),
        Tried::Refused { step, code } => refused(target, step, code),
        Tried::Lost => {
            let seen = format!("{target} opens allocations, and what one sends does not reach the other");
            let change = "See callbox_relay_dropped_total in the figures, and that one server alone answers at that address.";
            Finding::problem(check, seen, change)
        }
        Tried::Unreachable(error) => unreachable(target, &error),
    }
}

/// What is seen from outside, together: a way that is closed matters less where another one is open.
pub(super) fn judge_together(findings: Vec<Finding>) -> Vec<Finding> {
    let is_open =
        |check: &str| findings.iter().any(|finding| finding.check == check && finding.verdict == Verdict::Ok);
    let ways = [Way::Udp, Way::Tcp, Way::Tls, Way::Https].map(Way::check);
    let (some_is_open, https_is_open) = (ways.into_iter().any(is_open), is_open(Way::Https.check()));
    let weaken = |finding: Finding| match finding.verdict {
        Verdict::Problem { .. } if finding.check == Way::Tls.check() && https_is_open => {
            Finding::not_checked(finding.check, "not needed where the HTTPS port relays")
        }
        Verdict::Problem { change } if some_is_open => Finding::warning(finding.check, finding.seen, change),
        verdict => Finding { verdict, ..finding },
    };
    findings.into_iter().map(weaken).collect()
}

fn refused(target: &Target, step: &str, code: u16) -> Finding {
    let seen = format!("{target} refuses {step} ({code})");
    let change = match code {
        401 | 441 => {
            "Restart the server: it runs with another master key than this configuration names, or the clock was moved."
        }
        403 => "Let the server relay to its own relay addresses: see that relay.public_addresses is right.",
        486 => "Close calls, or raise relay.allocations_per_session.",
        508 => "Widen relay.ports, or see which program takes those UDP ports: none was free.",
        _ => "See the server's log, and that no other program has that port.",
    };
    Finding::problem(target.way.check(), seen, change)
}

fn unreachable(target: &Target, error: &Unreachable) -> Finding {
    let check = target.way.check();
    match (error, target.way) {
        (Unreachable::NoTurn { .. } | Unreachable::NoTls { .. } | Unreachable::Silent { .. }, Way::Https) => {
            let seen = format!("{target} serves HTTPS and does not relay: a proxy has the port");
            let change = "For networks that let 443 alone through, give the server itself the port, or its relay an \
                          address of its own (docs/guides/networks.md).";
            Finding::warning(check, seen, change)
        }
        (Unreachable::NoTurn { .. }, _) => {
            let change = "Another program has that port: stop it, or choose another port in [relay].";
            Finding::problem(check, error.to_string(), change)
        }
        (Unreachable::Refused { .. }, _) => {
            let change = format!(
                "See that the server's [relay] listens there, and that a NAT in front passes {} on.",
                port(target)
            );
            error.problem(check, &change)
        }
        _ => error.problem(check, &opening(target)),
    }
}

fn opening(target: &Target) -> String {
    format!("Open {} in the firewalls: that of the machine, and that of its provider.", port(target))
}

fn port(target: &Target) -> String {
    let transport = if target.way == Way::Udp { "UDP" } else { "TCP" };
    format!("{transport} port {}", target.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(way: Way) -> Target {
        Target { way, host: "calls.example.com".into(), port: 3478 }
    }

    fn at() -> String {
        "calls.example.com:3478".into()
    }

    fn relayed(address: &str) -> Tried {
        Tried::Relayed { relayed: address.parse().expect("an address") }
    }

    #[test]
    fn a_way_is_good_that_relays_from_a_public_address() {
        let good = judge(&target(Way::Udp), relayed("8.8.8.8:50000"), Scene::Operator);
        assert_eq!(good, Finding::ok("relay over UDP", "calls.example.com:3478 relays, from 8.8.8.8"));
        let private = judge(&target(Way::Udp), relayed("10.0.0.5:50000"), Scene::Operator);
        assert!(matches!(private.verdict, Verdict::Warning { .. }), "{private:?}");
        assert!(private.change().is_some_and(|change| change.contains("relay.public_addresses")));
        let own = judge(&target(Way::Udp), relayed("127.0.0.1:50000"), Scene::Development);
        assert_eq!(own.verdict, Verdict::Ok);
    }

    #[test]
    fn who_has_no_key_is_content_with_the_question_for_a_credential() {
        assert_eq!(judge(&target(Way::Tcp), Tried::AsksForCredential, Scene::Outside).verdict, Verdict::Ok);
        assert!(judge(&target(Way::Tcp), Tried::AsksForCredential, Scene::Operator).is_problem());
    }

    #[test]
    fn what_fails_says_what_to_change() {
        let unreachable = |error: fn(String) -> Unreachable| Tried::Unreachable(error(at()));
        for (way, tried, change) in [
            (Way::Udp, unreachable(|at| Unreachable::Silent { at }), "Open UDP port 3478"),
            (Way::Tls, unreachable(|at| Unreachable::Silent { at }), "Open TCP port 3478"),
            (Way::Tcp, unreachable(|at| Unreachable::Refused { at }), "listens there"),
            (Way::Tcp, unreachable(|at| Unreachable::NoTurn { at }), "Another program"),
            (Way::Udp, unreachable(|host| Unreachable::NoAddress { host, reason: "x".into() }), "DNS"),
            (Way::Tls, unreachable(|at| Unreachable::NoTls { at, reason: "x".into() }), "TLS"),
            (Way::Udp, Tried::Lost, "callbox_relay_dropped_total"),
            (Way::Udp, Tried::Refused { step: "an allocation", code: 401 }, "master key"),
            (Way::Udp, Tried::Refused { step: "an allocation", code: 486 }, "allocations_per_session"),
            (Way::Udp, Tried::Refused { step: "an allocation", code: 508 }, "relay.ports"),
            (Way::Udp, Tried::Refused { step: "a permission", code: 403 }, "public_addresses"),
        ] {
            let finding = judge(&target(way), tried, Scene::Operator);
            assert!(finding.is_problem(), "{finding:?}");
            assert!(finding.change().is_some_and(|text| text.contains(change)), "{finding:?}");
        }
    }

    #[test]
    fn a_proxy_on_the_port_of_https_is_a_warning() {
        let tried = Tried::Unreachable(Unreachable::NoTurn { at: at() });
        let finding = judge(&target(Way::Https), tried, Scene::Operator);
        assert!(matches!(finding.verdict, Verdict::Warning { .. }), "{finding:?}");
        assert!(finding.seen.contains("proxy") && finding.change().is_some_and(|text| text.contains("443")));
    }

    #[test]
    fn from_outside_a_closed_way_matters_less_where_another_is_open() {
        let closed =
            |way| judge(&target(way), Tried::Unreachable(Unreachable::Silent { at: at() }), Scene::Outside);
        let open = |way| judge(&target(way), Tried::AsksForCredential, Scene::Outside);
        let all = judge_together(vec![closed(Way::Udp), closed(Way::Tls), open(Way::Https)]);
        assert!(matches!(all[0].verdict, Verdict::Warning { .. }), "{all:?}");
        assert_eq!(all[1].verdict, Verdict::NotChecked);
        assert_eq!(all[2].verdict, Verdict::Ok);
        let none = judge_together(vec![closed(Way::Udp), closed(Way::Tls)]);
        assert!(none.iter().all(Finding::is_problem), "{none:?}");
    }

    #[test]
    fn stun_tells_of_a_nat() {
        let mapping = |mapped: &str| Mapping::Mapped {
            mapped: mapped.parse().expect("an address"),
            own: Some("192.168.1.2:5000".parse().expect("an address")),
        };
        let near = judge_stun(&target(Way::Udp), mapping("192.168.1.2:5000"));
        assert!(near.verdict == Verdict::Ok && near.seen.contains("no NAT"), "{near:?}");
        let far = judge_stun(&target(Way::Udp), mapping("8.8.8.8:6000"));
        assert!(far.verdict == Verdict::Ok && far.seen.contains("a NAT between"), "{far:?}");
        let silent = judge_stun(&target(Way::Udp), Mapping::Unreachable(Unreachable::Silent { at: at() }));
        assert!(
            silent.is_problem() && silent.change().is_some_and(|change| change.contains("UDP port 3478"))
        );
    }
}
