//! Random inputs at random times.

use std::time::Duration;

use callbox_call_proto::{EndReason, Endpoint, Input, MediaReport, ServerCause, SignalKind};
use callbox_domain::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

use crate::checker::Checker;
use crate::support::*;

/// How time moves before an input.
#[derive(Debug, Clone, Copy)]
enum Move {
    Forward(Duration),
    /// The clock is set back.
    Back(Duration),
    /// To the deadline, as a timer would.
    ToDeadline,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        20 => (0u64..3_000).prop_map(|millis| Move::Forward(Duration::from_millis(millis))),
        4 => (0u64..90).prop_map(|seconds| Move::Forward(Duration::from_secs(seconds))),
        1 => (0u64..90_000).prop_map(|seconds| Move::Forward(Duration::from_secs(seconds))),
        1 => (0u64..90_000).prop_map(|seconds| Move::Back(Duration::from_secs(seconds))),
        1 => Just(Move::ToDeadline),
    ]
}

fn endpoints() -> impl Strategy<Value = Endpoint> {
    prop_oneof![
        8 => Just(ann()),
        8 => Just(phone()),
        4 => Just(laptop()),
        1 => Just(ann_other_tab()),
        1 => Just(eve()),
    ]
}

fn inputs() -> impl Strategy<Value = Input> {
    let reports = select(vec![MediaReport::Connected, MediaReport::Connected, MediaReport::Interrupted]);
    let reasons = select(vec![EndReason::HangUp, EndReason::Busy, EndReason::Failed]);
    let kinds = select(vec![SignalKind::Offer, SignalKind::Answer, SignalKind::Candidate]);
    let causes = select(vec![
        ServerCause::ServerEnded,
        ServerCause::Blocked,
        ServerCause::NotAllowed,
        ServerCause::Unreachable,
    ]);
    let sizes = prop_oneof![9 => 0usize..8_000, 1 => 0usize..80_000];
    prop_oneof![
        8 => endpoints().prop_map(|from| ring(&from)),
        8 => endpoints().prop_map(|from| accept(&from)),
        1 => (endpoints(), reasons.clone()).prop_map(|(from, reason)| end(&from, reason)),
        1 => (endpoints(), reasons).prop_map(|(from, reason)| end_by_session(&from, reason)),
        12 => (endpoints(), kinds, 0u32..4, sizes)
            .prop_map(|(from, kind, generation, bytes)| signal(&from, kind, generation, bytes)),
        16 => (endpoints(), reports).prop_map(|(from, media)| report(&from, media)),
        4 => (endpoints(), any::<bool>(), any::<bool>())
            .prop_map(|(from, audio, video)| mute(&from, audio, video)),
        6 => endpoints().prop_map(|connection| lost(&connection)),
        6 => endpoints().prop_map(|connection| back(&connection)),
        1 => endpoints().prop_map(|endpoint| session_ended(&endpoint)),
        1 => causes.prop_map(server_end),
        4 => Just(Input::Tick),
    ]
}

fn moved(now: Timestamp, step: Move, deadline: Option<Timestamp>) -> Timestamp {
    match step {
        Move::Forward(duration) => now.plus(duration),
        Move::Back(duration) => {
            let millis = i64::try_from(duration.as_millis()).expect("hours");
            Timestamp::from_millis(now.as_millis() - millis)
        }
        Move::ToDeadline => deadline.unwrap_or(now),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_happens_a_call_stays_a_call(steps in prop::collection::vec((moves(), inputs()), 1..80)) {
        let mut now = noon();
        let mut checker = Checker::new(now);
        for (step, input) in steps {
            now = moved(now, step, checker.call.deadline());
            let _refused = checker.handle(now, input);
        }
        checker.check_timeline();
    }

    #[test]
    fn timers_alone_end_every_call(steps in prop::collection::vec((moves(), inputs()), 0..30)) {
        let mut now = noon();
        let mut checker = Checker::new(now);
        for (step, input) in steps {
            now = moved(now, step, checker.call.deadline());
            let _refused = checker.handle(now, input);
        }
        let mut ticks = 0;
        while let Some(deadline) = checker.call.deadline() {
            checker.handle(deadline, Input::Tick).expect("a tick is never refused");
            ticks += 1;
            prop_assert!(ticks <= 1, "a deadline that is reached ends the call");
        }
        checker.check_timeline();
    }
}
