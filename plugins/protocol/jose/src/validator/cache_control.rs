//! How long an issuer wants its keys to be kept.

use super::issuer::JwksSource;

/// Seconds until the next fetch: `max-age` of `Cache-Control` (RFC 9111 section 5.2.2) within the
/// bounds of the source, the shortest time for `no-store` and `no-cache`, and the source's own
/// time when the issuer says nothing that can be read.
pub fn refresh_interval(cache_control: Option<&[u8]>, source: &JwksSource) -> u64 {
    let bounds = (source.min_refresh_seconds, source.max_refresh_seconds.max(source.min_refresh_seconds));
    let asked = match cache_control.and_then(|value| core::str::from_utf8(value).ok()) {
        None => source.refresh_seconds,
        Some(text) => {
            let directives = || text.split(',').map(str::trim);
            let is = |name: &'static str| directives().any(|found| found.eq_ignore_ascii_case(name));
            if is("no-store") || is("no-cache") {
                source.min_refresh_seconds
            } else {
                directives().find_map(max_age).unwrap_or(source.refresh_seconds)
            }
        }
    };
    asked.clamp(bounds.0, bounds.1)
}

fn max_age(directive: &str) -> Option<u64> {
    let (name, value) = directive.split_once('=')?;
    let value = value.trim_matches('"');
    let digits = (1..=10).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits && name.eq_ignore_ascii_case("max-age"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_counts_within_bounds() {
        let source = JwksSource::new("c", "a", "/p");
        let interval = |text: &str| refresh_interval(Some(text.as_bytes()), &source);
        assert_eq!(refresh_interval(None, &source), 300);
        assert_eq!(interval("max-age=600"), 600);
        assert_eq!(interval("public, Max-Age=\"600\", must-revalidate"), 600);
        assert_eq!(interval("max-age=1"), 60);
        assert_eq!(interval("max-age=99999999"), 3_600);
        assert_eq!(interval("max-age=600, no-cache"), 60);
        assert_eq!(interval("no-store"), 60);
        for text in
            ["", "max-age", "max-age=", "max-age=-1", "max-age=1e9", "max-age=99999999999", "s-maxage=600"]
        {
            assert_eq!(interval(text), 300, "{text}");
        }
        assert_eq!(refresh_interval(Some(b"\xff"), &source), 300);
    }
}
