use std::borrow::Cow;

/// Shortest and longest line: PEM and OpenSSL break at 64 characters, RFC 2045 at 76.
const WIDTHS: core::ops::RangeInclusive<usize> = 64..=76;

/// Base64 as the POST binding may carry it (SAML bindings section 3.5.4 names RFC 2045): in one
/// piece, or in lines as encoders break them. None: there are breaks in any other way.
///
/// Lines are parted by CRLF throughout or by LF throughout, every line but the last has the same
/// length, a multiple of 4 from 64 to 76, and the last is not longer and not empty. One break may
/// follow it. Nothing is left out of a value that was broken by hand.
pub(super) fn joined(value: &str) -> Option<Cow<'_, str>> {
    if !value.contains(['\r', '\n']) {
        return Some(Cow::Borrowed(value));
    }
    let line_break = if value.contains('\r') { "\r\n" } else { "\n" };
    let lines: Vec<&str> = value.strip_suffix(line_break).unwrap_or(value).split(line_break).collect();
    let (last, whole) = lines.split_last()?;
    let width = whole.first().map_or(*WIDTHS.end(), |line| line.len());
    let fits = WIDTHS.contains(&width)
        && width.checked_rem(4) == Some(0)
        && whole.iter().all(|line| line.len() == width)
        && (1..=width).contains(&last.len())
        && !lines.iter().any(|line| line.contains(['\r', '\n']));
    fits.then(|| Cow::Owned(lines.concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(width: usize, line_break: &str) -> String {
        let lines = ["A".repeat(width), "B".repeat(width), "C".repeat(4)];
        lines.join(line_break)
    }

    #[test]
    fn lines_of_one_length_are_joined() {
        assert_eq!(joined("YWJj").as_deref(), Some("YWJj"));
        for line_break in ["\n", "\r\n"] {
            for width in [64, 68, 72, 76] {
                let text = wrapped(width, line_break);
                let whole = text.replace(line_break, "");
                assert_eq!(joined(&text).as_deref(), Some(whole.as_str()), "{width}");
                assert_eq!(joined(&(text + line_break)).as_deref(), Some(whole.as_str()), "{width}");
            }
            let full = ["A".repeat(76), "B".repeat(76)].join(line_break);
            assert_eq!(joined(&full).map(|text| text.len()), Some(152));
            assert_eq!(joined(&format!("YWJj{line_break}")).as_deref(), Some("YWJj"));
        }
    }

    #[test]
    fn breaks_in_any_other_way_are_refused() {
        for line_break in ["\n", "\r\n"] {
            for width in [4, 60, 63, 65, 66, 75, 77, 80] {
                assert_eq!(joined(&wrapped(width, line_break)), None, "{width}");
            }
            let text = wrapped(76, line_break);
            for broken in [
                format!("{text}{line_break}{line_break}"),
                format!("{line_break}{text}"),
                text.replacen(line_break, &line_break.repeat(2), 1),
                text.replacen('B', "", 1),
                text.replacen('A', "", 1),
                text.replacen('B', "BB", 1),
                format!("{text}{}", "C".repeat(76)),
                format!("{}{line_break}", "A".repeat(80)),
                line_break.to_owned(),
            ] {
                assert_eq!(joined(&broken), None, "{broken:?}");
            }
        }
        let mixed = ["A".repeat(64), "\r\n".into(), "B".repeat(64), "\n".into(), "C".repeat(4)].concat();
        assert_eq!(joined(&mixed), None);
        assert_eq!(joined(&wrapped(64, "\r")), None);
        assert_eq!(joined(&wrapped(64, "\n\r")), None);
        // A break that takes a character's place leaves every length as it should be.
        let mut hidden = wrapped(64, "\r\n").into_bytes();
        hidden[10] = b'\n';
        assert_eq!(joined(core::str::from_utf8(&hidden).unwrap()), None);
    }
}
