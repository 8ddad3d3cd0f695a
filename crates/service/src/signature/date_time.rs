//! Date-times as the backends of the field write them.

use callbox_domain::Timestamp;

/// Reads an ISO 8601 date-time: without a zone (taken as UTC), with `Z` or an offset, with up to nine decimals.
pub(crate) fn parse_date_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time = text.get(10..)?;
    if time.ends_with(['Z', 'z']) {
        return Timestamp::parse_rfc3339(text);
    }
    let Some(sign) = time.find(['+', '-']) else {
        return Timestamp::parse_rfc3339(&format!("{text}Z"));
    };
    let (moment, offset) = text.split_at(10 + sign);
    match offset.len() {
        // PHP's DATE_ISO8601 leaves the colon out.
        5 => Timestamp::parse_rfc3339(&format!("{moment}{}:{}", offset.get(..3)?, offset.get(3..)?)),
        _ => Timestamp::parse_rfc3339(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_published_way_to_write_a_moment_is_read() {
        let moment = Timestamp::parse_rfc3339("2015-01-01T00:00:00.123Z");
        for text in [
            "2015-01-01T00:00:00.123Z",
            "2015-01-01T00:00:00.123456",
            "2015-01-01T00:00:00.1234567Z",
            "2015-01-01T00:00:00.1234567+00:00",
            "2015-01-01T01:00:00.123+01:00",
            "2014-12-31T19:00:00.123-0500",
        ] {
            assert_eq!(parse_date_time(text), moment, "{text}");
        }
        let whole = Timestamp::parse_rfc3339("2015-01-01T00:00:00Z");
        for text in ["2015-01-01T00:00:00", "2015-01-01T00:00:00+00:00", "2015-01-01T00:00:00+0000"] {
            assert_eq!(parse_date_time(text), whole, "{text}");
        }
        for bad in ["", "yesterday", "2015-01-01", "1420070400", "2015-13-01T00:00:00Z", "ÄÄÄÄÄÄÄÄÄÄÄÄ"]
        {
            assert_eq!(parse_date_time(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            let _ = parse_date_time(&text);
        }

        #[test]
        fn almost_a_moment_is_read_or_refused(text in "2015-01-01T00:00:00[-+0-9Z:.ä]{0,12}") {
            let _ = parse_date_time(&text);
        }
    }
}
