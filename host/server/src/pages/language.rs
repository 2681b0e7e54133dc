//! `Accept-Language` (RFC 9110 section 12.5.4) with RFC 4647 lookup.

/// The best of the languages that there are. Anything unreadable in the header counts as absent.
pub(super) fn choose<'l>(accept: &str, known: impl Iterator<Item = &'l str>, default: &str) -> String {
    let known: Vec<&str> = known.collect();
    let mut best: Option<(f32, &str)> = None;
    for part in accept.split(',').take(32) {
        let mut pieces = part.trim().split(';');
        let range = pieces.next().unwrap_or("").trim();
        let quality = match pieces.find_map(|piece| piece.trim().strip_prefix("q=")) {
            Some(text) => text.parse::<f32>().unwrap_or(0.0),
            None => 1.0,
        };
        let Some(language) = lookup(range, &known) else { continue };
        if quality > 0.0 && best.is_none_or(|(highest, _)| quality > highest) {
            best = Some((quality, language));
        }
    }
    best.map_or(default, |(_, language)| language).to_owned()
}

/// `de-CH-1996` is served by `de-CH`, or else by `de`.
fn lookup<'l>(range: &str, known: &[&'l str]) -> Option<&'l str> {
    let mut range = range;
    loop {
        if let Some(language) = known.iter().find(|language| language.eq_ignore_ascii_case(range)) {
            return Some(language);
        }
        range = range.rsplit_once('-')?.0;
    }
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn the_language_with_the_highest_quality_wins() {
        let chosen = |accept: &str| choose(accept, ["de", "en"].into_iter(), "en");
        assert_eq!(chosen("de-CH,de;q=0.9,en;q=0.8"), "de");
        assert_eq!(chosen("en;q=0.5, DE;q=0.7"), "de");
        assert_eq!(chosen("fr, de;q=0.1"), "de");
        assert_eq!(chosen("de;q=0"), "en");
        assert_eq!(chosen("fr"), "en");
        assert_eq!(chosen(""), "en");
        assert_eq!(chosen("de;q=x,,;;"), "en");
    }
}
