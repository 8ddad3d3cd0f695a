//! What the tests of these operations share.

use callbox_service::audit::Actor;
use callbox_service::operator::OperatorToken;
use callbox_wire::ErrorCode;
use serde_json::{Value, json};

use crate::testing::{Answer, Api, Call};

const TOKEN: &str = "cbo_of_these_tests";

/// A server with an operator.
pub(crate) fn operated() -> Api {
    let api = Api::new();
    api.service.admit_operator(&OperatorToken::from_client(TOKEN), Actor::Operator);
    api
}

/// A request of the operator.
pub(crate) fn operate<'api>(api: &'api Api, method: &str, path: &str) -> Call<'api> {
    api.call_as(TOKEN, method, path)
}

pub(crate) fn get(api: &Api, path: &str) -> Answer {
    operate(api, "GET", path).send()
}

pub(crate) fn send(api: &Api, method: &str, path: &str, body: &Value) -> Answer {
    operate(api, method, path).json(body).send()
}

/// Checks that nobody but the operator may do this, whatever else they may.
pub(crate) fn check_operator(api: &Api, method: &str, path: &str) {
    let user = format!("Bearer {}", api.sign_in("app-one", "ann"));
    let refuse = |authorization: Option<&str>| {
        let call = api.call(method, path).json(&json!({}));
        let call = authorization.into_iter().fold(call, |call, value| call.header("authorization", value));
        call.send().is_error(ErrorCode::OperatorTokenWrong);
    };
    // The last is of an app's backend.
    let others = ["Bearer cbo_wrong", "Bearer ", "Application app-one", "Basic YXBwLW9uZTpzZWNyZXQ="];
    refuse(None);
    refuse(Some(&user));
    for value in others {
        refuse(Some(value));
    }
}
