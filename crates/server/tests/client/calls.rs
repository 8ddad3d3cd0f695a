use callbox_client::wire::call::{
    CallCause, CallEndReason, CallMedia, CallState, DescriptionType, SessionDescription,
};
use callbox_client::wire::frame::CallMediaReport;
use callbox_client::{CallEvent, Event, Events};
use tempfile::TempDir;

use crate::load::{sign_in, within};
use crate::process::Process;

async fn next_call_event(events: &mut Events) -> CallEvent {
    loop {
        if let Event::Call(event) = within(events.next()).await.expect("a running client") {
            return event;
        }
    }
}

#[tokio::test]
async fn a_call_from_the_first_ring_to_the_end() {
    let folder = TempDir::new().expect("a folder");
    let server = Process::start(folder.path());
    let (ann, mut anns) = sign_in(&server.url(), "ann").await;
    let (bob, mut bobs) = sign_in(&server.url(), "bob").await;

    let call = within(ann.calls().start("bob", CallMedia::Audio, Some(30))).await.expect("started").call;
    let description = |kind, sdp: &str| SessionDescription { description_type: kind, sdp: sdp.into() };
    let offer = description(DescriptionType::Offer, "v=0 ann");
    within(ann.calls().describe(&call.id, 0, offer.clone())).await.expect("told");
    let CallEvent::Incoming(incoming) = next_call_event(&mut bobs).await else { panic!("not incoming") };
    assert_eq!(incoming.call.id, call.id);
    within(bob.calls().ring(&call.id)).await.expect("told");
    let CallEvent::Ringing(ringing) = next_call_event(&mut anns).await else { panic!("not ringing") };
    assert_eq!(ringing.call_id, call.id);

    let joined = within(bob.calls().accept(&call.id)).await.expect("joined");
    assert_eq!(joined.call.state, CallState::Accepted);
    let CallEvent::Accepted(_) = next_call_event(&mut bobs).await else { panic!("not accepted") };
    let CallEvent::Described(told) = next_call_event(&mut bobs).await else { panic!("no offer") };
    assert_eq!((told.description, told.signal), (offer, 1));
    let CallEvent::Accepted(_) = next_call_event(&mut anns).await else { panic!("not accepted") };
    let answer = description(DescriptionType::Answer, "v=0 bob");
    within(bob.calls().describe(&call.id, 0, answer.clone())).await.expect("told");
    within(bob.calls().add_candidate(&call.id, 0, None)).await.expect("told");
    let CallEvent::Described(told) = next_call_event(&mut anns).await else { panic!("no answer") };
    assert_eq!(told.description, answer);
    let CallEvent::CandidateAdded(told) = next_call_event(&mut anns).await else { panic!("no candidate") };
    assert_eq!(told.candidate, None);

    for leg in [&ann, &bob] {
        within(leg.calls().report(&call.id, CallMediaReport::Connected)).await.expect("told");
    }
    let CallEvent::Connected(_) = next_call_event(&mut anns).await else { panic!("not connected") };
    within(ann.calls().mute(&call.id, true, false)).await.expect("told");
    let CallEvent::Connected(_) = next_call_event(&mut bobs).await else { panic!("not connected") };
    let CallEvent::Muted(told) = next_call_event(&mut bobs).await else { panic!("not muted") };
    assert!(told.audio && !told.video);

    within(ann.calls().end(&call.id, CallEndReason::HangUp)).await.expect("left");
    for events in [&mut anns, &mut bobs] {
        let CallEvent::Ended(summary) = next_call_event(events).await else { panic!("not ended") };
        assert_eq!((summary.id, summary.cause), (call.id.clone(), CallCause::Completed));
    }
    within(bob.calls().mute(&call.id, true, true)).await.expect("told");
    let late = within(bob.calls().accept(&call.id)).await.expect_err("it is over");
    assert_eq!(late.code(), Some("call_ended"));
}
