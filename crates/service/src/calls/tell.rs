//! Tells connections what follows from a move.

use std::sync::Arc;

use callbox_bus::{Notice, Reach};
use callbox_call_proto::{Call, CallView, Endpoint, Output};
use callbox_domain::{AppId, Event, LoggedEvent, UserId};
use callbox_media_control::CallSubject;
use callbox_wire::ServerFrame;
use callbox_wire::frame::{CallAccepted, CallConnected, CallMuted, CallRinging};

use super::move_call::{Moved, SignalFrame};
use super::wire_call;
use crate::Service;

impl Service {
    /// Tells what the event log does not: rings, accepts, media, mutes and signals of a live call.
    pub(super) fn tell(&self, app: AppId, moved: &Moved, signal: Option<&SignalFrame>) {
        self.calls.note(app, &moved.call);
        if moved.call.end().is_some() {
            self.media.end_call(&CallSubject::new(app, moved.call.id()));
        }
        let view = moved.call.view();
        for output in &moved.outputs {
            if let (Output::Signal(kept), Some(frame)) = (output, signal) {
                if let Some(to) = &kept.to {
                    self.tell_endpoint(app, to, &Arc::new(frame(kept.number)));
                }
            } else if let Some(view) = &view {
                self.tell_live(app, view, output);
            }
            log(&moved.call, output);
        }
    }

    /// Takes note of events that this node hears of: a call may have ended on another node, or for a client who was gone
    /// before the answer, and the relay is told all the same.
    pub fn heed_events(&self, events: &[LoggedEvent]) {
        let mut last = None;
        for event in events {
            let Event::CallEnded(call) = &*event.event else { continue };
            // It stands in the logs of both users, one after the other.
            let subject = Some(CallSubject::new(event.app_id, &call.id));
            if let Some(subject) = subject.as_ref().filter(|_| subject != last) {
                self.media.end_call(subject);
            }
            last = subject;
        }
    }

    fn tell_live(&self, app: AppId, view: &CallView, output: &Output) {
        match output {
            Output::Ringing => {
                let frame = Arc::new(CallRinging { call_id: view.id.clone() }.into());
                self.tell_endpoint(app, &view.caller, &frame);
            }
            Output::Accepted { .. } => {
                let frame = Arc::new(CallAccepted { call: wire_call(view) }.into());
                self.tell_user(app, &view.caller.user_id, &frame);
                self.tell_user(app, &view.callee_id, &frame);
            }
            Output::Connected { at } => {
                let frame = Arc::new(CallConnected { call_id: view.id.clone(), connected_at: *at }.into());
                for leg in legs(view) {
                    self.tell_endpoint(app, leg, &frame);
                }
            }
            Output::Muted { user_id, muted } => {
                let (call_id, audio, video) = (view.id.clone(), muted.audio, muted.video);
                let frame = Arc::new(CallMuted { call_id, user_id: user_id.clone(), audio, video }.into());
                for leg in legs(view).filter(|leg| leg.user_id != *user_id) {
                    self.tell_endpoint(app, leg, &frame);
                }
            }
            Output::Record(_) | Output::Signal(_) | Output::Ended(_) => {}
        }
    }

    fn tell_endpoint(&self, app_id: AppId, endpoint: &Endpoint, frame: &Arc<ServerFrame>) {
        self.bus.publish(Notice::Frame {
            app_id,
            user_id: endpoint.user_id.clone(),
            reach: Reach::Connection {
                session_id: endpoint.session_id.clone(),
                connection_id: endpoint.connection_id.clone(),
            },
            frame: Arc::clone(frame),
        });
    }

    pub(super) fn tell_user(&self, app_id: AppId, user_id: &UserId, frame: &Arc<ServerFrame>) {
        let (user_id, frame) = (user_id.clone(), Arc::clone(frame));
        self.bus.publish(Notice::Frame { app_id, user_id, reach: Reach::Everywhere, frame });
    }
}

fn legs(view: &CallView) -> impl Iterator<Item = &Endpoint> {
    std::iter::once(&view.caller).chain(&view.accepted_by)
}

fn log(call: &Call, output: &Output) {
    let (id, from, to) = (call.id(), call.caller_id(), call.callee_id());
    match output {
        Output::Accepted { .. } => {
            tracing::info!(call = %id, caller = %from, callee = %to, "call accepted");
        }
        Output::Connected { .. } => {
            tracing::info!(call = %id, caller = %from, callee = %to, "call connected");
        }
        Output::Ended(end) => {
            metrics_ended(end.cause);
            let cause = end.cause.as_str();
            tracing::info!(call = %id, caller = %from, callee = %to, cause, "call ended");
        }
        Output::Record(_) | Output::Ringing | Output::Muted { .. } | Output::Signal(_) => {}
    }
}

fn metrics_ended(cause: callbox_domain::CallEndCause) {
    metrics::counter!("callbox_calls_ended_total", "cause" => cause.as_str()).increment(1);
}
