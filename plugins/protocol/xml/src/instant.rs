use core::time::Duration;

use x509_cert::der::DateTime;

/// Seconds since 1970 of an `xs:dateTime` in UTC, `YYYY-MM-DDThh:mm:ss[.f]Z`. SAML core section
/// 1.3.3 wants UTC; other time zones, and none, are refused. A fraction of 1 to 9 digits is cut off.
pub fn parse_instant(text: &str) -> Option<u64> {
    let seconds = match text.split_once('.') {
        None => text.to_owned(),
        Some((seconds, fraction)) => {
            let digits = fraction.strip_suffix('Z')?;
            if !(1..=9).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            format!("{seconds}Z")
        }
    };
    seconds.parse::<DateTime>().ok().map(|instant| instant.unix_duration().as_secs())
}

/// The instant as `YYYY-MM-DDThh:mm:ssZ`. None past the year 9999.
pub fn format_instant(seconds: u64) -> Option<String> {
    DateTime::from_unix_duration(Duration::from_secs(seconds)).ok().map(|instant| instant.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_and_written() {
        assert_eq!(parse_instant("2026-11-22T01:33:20Z"), Some(1_795_311_200));
        assert_eq!(parse_instant("2026-11-22T01:33:20.123Z"), Some(1_795_311_200));
        assert_eq!(parse_instant("2024-02-29T00:00:00Z"), Some(1_709_164_800));
        assert_eq!(format_instant(1_795_311_200).as_deref(), Some("2026-11-22T01:33:20Z"));
        assert_eq!(format_instant(u64::MAX), None);
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "2026-11-22T01:33:20",
            "2026-11-22T01:33:20+00:00",
            "2026-11-22T01:33:20.Z",
            "2026-11-22T01:33:20.1234567890Z",
            "2026-11-22T01:33:20.1.2Z",
            "2026-11-22T01:33Z",
            "2026-13-22T01:33:20Z",
            "2026-02-30T01:33:20Z",
            "2026-11-22T24:33:20Z",
            " 2026-11-22T01:33:20Z",
            "2026-11-22t01:33:20z",
            "1969-12-31T23:59:59Z",
            "-2026-11-22T01:33:20Z",
            "",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }
}
