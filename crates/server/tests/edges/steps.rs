//! Steps that the cases share.

use serde_json::{Value, json};

use crate::harness::{Running, Socket};

pub const CALL: &str = "call-0001";

/// Two users: `ann` with one connection, `bob` with two devices.
pub struct Stage {
    pub ann_token: String,
    pub bob_token: String,
    pub phone_token: String,
    pub ann: Socket,
    pub bob: Socket,
    pub phone: Socket,
}

impl Stage {
    pub async fn set(server: &Running) -> Self {
        let ann_token = server.sign_in("ann").await;
        let bob_token = server.sign_in("bob").await;
        let phone_token = server.sign_in("bob").await;
        let ann = server.socket(&ann_token, "ann-tab1").await;
        let bob = server.socket(&bob_token, "bob-tab1").await;
        let phone = server.socket(&phone_token, "bob-phone").await;
        Self { ann_token, bob_token, phone_token, ann, bob, phone }
    }

    /// `ann` calls `bob`; returns the call.
    pub async fn start(&mut self, call: &str) -> Value {
        self.ann.send(start(call, "bob")).await;
        let started = self.ann.expect("call.started").await;
        for tab in [&mut self.bob, &mut self.phone] {
            assert_eq!(tab.expect("call.incoming").await["call"], started["call"]);
        }
        started["call"].clone()
    }

    /// `ann` has called `bob`, who answered on his first device and described himself; nothing is left to be received.
    pub async fn accepted(&mut self, call: &str) -> Value {
        self.start(call).await;
        self.ann.send(describe(call, "offer", "v=0 ann")).await;
        self.ann.send(candidate(call, "ann one")).await;
        self.ann.quiet().await;
        self.bob.send(accept(call)).await;
        let accepted = self.bob.expect("call.accepted").await;
        self.bob.expect("call.joined").await;
        self.bob.expect("call.described").await;
        self.bob.expect("call.candidate_added").await;
        self.ann.expect("call.accepted").await;
        self.phone.expect("call.accepted").await;
        self.bob.send(describe(call, "answer", "v=0 bob")).await;
        self.ann.expect("call.described").await;
        accepted["call"].clone()
    }

    /// Media goes both ways.
    pub async fn connected(&mut self, call: &str) {
        self.accepted(call).await;
        self.ann.send(report(call, "connected")).await;
        self.bob.send(report(call, "connected")).await;
        self.ann.expect("call.connected").await;
        self.bob.expect("call.connected").await;
    }
}

pub fn start(call: &str, callee: &str) -> Value {
    json!({ "type": "call.start", "id": "s", "callId": call, "calleeId": callee, "media": "audio" })
}

pub fn ring(call: &str) -> Value {
    json!({ "type": "call.ring", "id": "r", "callId": call })
}

pub fn accept(call: &str) -> Value {
    json!({ "type": "call.accept", "id": "a", "callId": call })
}

pub fn end(call: &str) -> Value {
    json!({ "type": "call.end", "id": "e", "callId": call, "reason": "hang_up" })
}

pub fn report(call: &str, media: &str) -> Value {
    json!({ "type": "call.report", "id": "m", "callId": call, "media": media })
}

pub fn describe(call: &str, kind: &str, sdp: &str) -> Value {
    let description = json!({ "type": kind, "sdp": sdp });
    json!({ "type": "call.describe", "id": "d", "callId": call, "generation": 0, "description": description })
}

pub fn candidate(call: &str, line: &str) -> Value {
    json!({ "type": "call.candidate", "id": "c", "callId": call, "generation": 0, "candidate": ice_candidate(line) })
}

pub fn ice_candidate(line: &str) -> Value {
    json!({ "candidate": line, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "f" })
}
