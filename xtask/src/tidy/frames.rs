//! Every socket frame is explained in `docs/protocol.md`.

use super::Finding;

/// Finds frames whose name the protocol does not say in backticks or as JSON text.
pub fn check(names: &[String], protocol: Option<&str>) -> Vec<Finding> {
    let text = protocol.unwrap_or_default();
    names
        .iter()
        .filter(|name| !text.contains(&format!("`{name}`")) && !text.contains(&format!("\"{name}\"")))
        .map(|name| Finding::new(super::PROTOCOL, format!("the frame `{name}` is not explained")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    #[test]
    fn a_frame_that_nobody_explained_is_found() {
        let names = ["message.send", "message.sent", "ack"].map(str::to_owned);
        let text = "`message.send` is answered, {\"type\":\"ack\"} is not; message.sent is only prose";
        let found = words(&check(&names, Some(text)));
        assert_eq!(found, ["docs/protocol.md: the frame `message.sent` is not explained"]);
        assert_eq!(check(&names, None).len(), 3);
    }
}
