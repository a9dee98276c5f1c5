//! Times as parallel.json has them: RFC 3339 in UTC.

use jiff::Timestamp;

/// Why a text is no time of parallel.json.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InvalidTime {
    /// It is no RFC 3339 time at all.
    Form,
    /// It has an offset; the same time in UTC.
    Offset(Timestamp),
}

/// A time as the fields of parallel.json hold it.
pub fn whole_seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Checks a time. jiff reads more than RFC 3339 (a blank for the T, zone names), so the form is looked at here.
pub(super) fn check_time(text: &str) -> Result<(), InvalidTime> {
    let bytes = text.as_bytes();
    let shape = b"0000-00-00T00:00:00";
    let fits = |(byte, wanted): (&u8, &u8)| match wanted {
        b'0' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't'),
        wanted => byte == wanted,
    };
    if bytes.len() <= shape.len() || !bytes.iter().zip(shape).all(fits) {
        return Err(InvalidTime::Form);
    }
    let mut rest = &bytes[shape.len()..];
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(InvalidTime::Form);
        }
        rest = &fraction[digits..];
    }
    let utc = match rest {
        [b'Z' | b'z'] | [b'+' | b'-', b'0', b'0', b':', b'0', b'0'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) => false,
        _ => return Err(InvalidTime::Form),
    };
    match text.parse::<Timestamp>() {
        Ok(_) if utc => Ok(()),
        Ok(time) => Err(InvalidTime::Offset(time)),
        Err(_) => Err(InvalidTime::Form),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        for good in ["2025-01-31T12:00:00Z", "2025-01-31t12:00:00.123456789z", "2024-02-29T23:59:59+00:00"] {
            assert_eq!(check_time(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "2025-01-31",
            "2025-01-31T12:00:00",
            "2025-01-31 12:00:00Z",
            "2025-02-30T12:00:00Z",
            "2025-01-31T25:00:00Z",
            "2025-01-31T12:00:00.Z",
            "2025-01-31T12:00:00+2:00",
            "2025-01-31T12:00:00+02:00[Europe/Berlin]",
            "31.01.2025",
            "2025-01-31T12:00:00Zé",
        ] {
            assert_eq!(check_time(bad), Err(InvalidTime::Form), "{bad}");
        }
        let Err(InvalidTime::Offset(utc)) = check_time("2025-01-31T12:00:00+02:00") else { panic!("has an offset") };
        assert_eq!(utc.to_string(), "2025-01-31T10:00:00Z");
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[0-9TZ:.+-]{0,30}|\\PC{0,10}") {
            let _ = check_time(&text);
        }
    }
}
