//! The clock: sessions, signatures and the relay's credentials go by it.

use callbox_domain::{Clock, Timestamp};
use callbox_wire::time::TimestampAnswer;

use super::finding::Finding;
use super::site::Site;

/// Compares the clock of this machine with what it cannot be before, and with the clock of a server.
pub(super) async fn examine(clock: &dyn Clock, earliest: Option<Timestamp>, site: Option<&Site>) -> Finding {
    let told = match site {
        Some(site) => ask(clock, site).await,
        None => None,
    };
    judge(clock.now(), earliest.map_or(BUILT_MILLIS, Timestamp::as_millis), told)
}

/// What a server's clock says.
#[derive(Debug, Clone)]
struct Told {
    who: String,
    /// By how much it is ahead of this machine's, in milliseconds; its error is half of the time that the answer took.
    ahead_millis: i64,
}

async fn ask(clock: &dyn Clock, site: &Site) -> Option<Told> {
    let before = clock.now();
    let answer = site.get("/v1/timestamp").await.ok()?;
    let after = clock.now();
    let told = serde_json::from_str::<TimestampAnswer>(&answer.body).ok()?.timestamp;
    let middle = i64::midpoint(before.as_millis(), after.as_millis());
    Some(Told { who: site.authority(), ahead_millis: told.as_millis() - middle })
}

fn judge(now: Timestamp, earliest_millis: i64, told: Option<Told>) -> Finding {
    const CHECK: &str = "clock";
    if now.as_millis() < earliest_millis.max(BUILT_MILLIS) {
        let seen = format!("{now}, which is before this server's data was made");
        return Finding::problem(CHECK, seen, CHANGE);
    }
    let Some(Told { who, ahead_millis }) = told else {
        return Finding::ok(CHECK, format!("{now}; no server answered to compare it with"));
    };
    let seconds = ahead_millis.unsigned_abs() / 1_000;
    let direction = if ahead_millis < 0 { "behind" } else { "ahead of" };
    let seen = format!("the clock of {who} is {seconds} s {direction} this machine's");
    match seconds {
        0..=WARNING_SECONDS => Finding::ok(CHECK, format!("{now}, as at {who}")),
        _ if seconds <= PROBLEM_SECONDS => Finding::warning(CHECK, seen, CHANGE),
        _ => Finding::problem(CHECK, seen, CHANGE),
    }
}

const CHANGE: &str = "Let NTP set the clock of the machine that is wrong: timedatectl set-ntp true";
/// No machine that runs this server has an earlier time: 2026-11-01.
const BUILT_MILLIS: i64 = 1_793_491_200_000;
/// Nothing fails by a difference up to this.
const WARNING_SECONDS: u64 = 30;
/// Beyond this, signed requests are refused.
const PROBLEM_SECONDS: u64 = 300;

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    const NOW_MILLIS: i64 = 1_795_255_323_004;

    fn now() -> Timestamp {
        Timestamp::from_millis(NOW_MILLIS)
    }

    fn judged(ahead_millis: i64) -> Finding {
        judge(now(), BUILT_MILLIS, Some(Told { who: "calls.example.com:443".into(), ahead_millis }))
    }

    #[test]
    fn half_a_minute_is_nothing_and_five_minutes_are_too_much() {
        for millis in [0, 900, -900, 30_999, -30_999] {
            assert_eq!(judged(millis).verdict, Verdict::Ok, "{millis}");
        }
        for millis in [31_000, -31_000, 300_999] {
            let finding = judged(millis);
            assert!(matches!(finding.verdict, Verdict::Warning { .. }), "{finding:?}");
        }
        let finding = judged(-301_000);
        assert!(finding.is_problem() && finding.seen.contains("301 s behind"), "{finding:?}");
        assert!(finding.change().is_some_and(|change| change.contains("NTP")));
        assert!(judged(301_000).seen.contains("301 s ahead of"));
    }

    #[test]
    fn no_clock_is_before_what_has_happened() {
        assert!(judge(Timestamp::from_millis(0), 0, None).is_problem());
        assert!(judge(now(), NOW_MILLIS + 1, None).is_problem());
        assert_eq!(judge(now(), NOW_MILLIS, None).verdict, Verdict::Ok);
    }
}
