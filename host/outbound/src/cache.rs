//! Answers that are kept for an authenticator, by what Cache-Control says (RFC 9111): a private cache, since
//! nobody else sees it.

use std::collections::BTreeMap;

use postern_kernel::clock::Timestamp;
use postern_kernel::outbound::{OutboundAnswer, OutboundRequest};

/// Bytes of all answers that are kept.
const MOST: usize = 1 << 20;
/// Seconds that one is kept at most: a key that was withdrawn is not believed for longer.
const LONGEST: u64 = 3_600;
/// Seconds that one is kept which says nothing (RFC 9111 section 4.2.2).
const UNSAID: u64 = 300;

/// URL and headers of the request.
pub(crate) type Key = (String, Vec<(String, String)>);

pub(crate) fn key(request: &OutboundRequest) -> Key {
    (request.url.clone(), request.headers.clone())
}

/// What is kept.
#[derive(Default)]
pub(crate) struct Cache {
    kept: BTreeMap<Key, Kept>,
}

struct Kept {
    answer: OutboundAnswer,
    until: Timestamp,
}

impl Cache {
    /// The answer, while it is fresh.
    pub(crate) fn get(&self, key: &Key, now: Timestamp) -> Option<OutboundAnswer> {
        let kept = self.kept.get(key).filter(|kept| now < kept.until)?;
        Some(OutboundAnswer { was_kept: true, ..kept.answer.clone() })
    }

    /// Keeps an answer in the place of an older one. One that may not be kept takes that away too.
    pub(crate) fn put(&mut self, key: Key, answer: &OutboundAnswer, now: Timestamp) {
        self.kept.remove(&key);
        let seconds = if answer.status == 200 { freshness(&answer.headers) } else { 0 };
        if seconds == 0 || size(&key, answer) > MOST {
            return;
        }
        self.kept.retain(|_, kept| now < kept.until);
        while self.size().saturating_add(size(&key, answer)) > MOST {
            let next = self.kept.iter().min_by_key(|(_, kept)| kept.until).map(|(key, _)| key.clone());
            match next {
                Some(next) => self.kept.remove(&next),
                None => break,
            };
        }
        self.kept.insert(key, Kept { answer: answer.clone(), until: now.plus(seconds) });
    }

    fn size(&self) -> usize {
        self.kept.iter().map(|(key, kept)| size(key, &kept.answer)).sum()
    }
}

fn size((url, sent): &Key, answer: &OutboundAnswer) -> usize {
    let headers = sent.iter().chain(&answer.headers).map(|(name, value)| name.len() + value.len());
    url.len() + headers.sum::<usize>() + answer.body.len()
}

/// Seconds that the answer is fresh for. What can't be read is not kept.
fn freshness(headers: &[(String, String)]) -> u64 {
    let values = |wanted: &str| {
        let found = headers.iter().filter(move |(name, _)| name == wanted).map(|(_, value)| value.as_str());
        found.collect::<Vec<_>>()
    };
    let control = values("cache-control").join(",").to_ascii_lowercase();
    if control.trim().is_empty() {
        // A date is not read: whoever says one does not say for how long.
        return if values("expires").is_empty() { UNSAID } else { 0 };
    }
    let directives: Vec<&str> = control.split(',').map(str::trim).collect();
    let says = |name: &str| directives.iter().any(|directive| directive.split('=').next() == Some(name));
    if says("no-store") || says("no-cache") {
        return 0;
    }
    let mut ages = directives.iter().filter_map(|directive| directive.strip_prefix("max-age="));
    let (Some(age), None) = (ages.next(), ages.next()) else { return 0 };
    let age = age.trim_matches('"').parse::<u64>().unwrap_or(0);
    let passed = match values("age").as_slice() {
        [] => 0,
        [passed] => passed.trim().parse::<u64>().unwrap_or(u64::MAX),
        _ => u64::MAX,
    };
    age.saturating_sub(passed).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], size: usize) -> OutboundAnswer {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        OutboundAnswer {
            status,
            headers: headers.iter().map(own).collect(),
            body: vec![1; size],
            was_kept: false,
        }
    }

    fn named(name: &str) -> Key {
        (name.into(), Vec::new())
    }

    #[test]
    fn for_as_long_as_is_said() {
        for (headers, seconds) in [
            (&[][..], UNSAID),
            (&[("cache-control", "max-age=60")], 60),
            (&[("cache-control", "public, Max-Age=60")], 60),
            (&[("cache-control", "public"), ("cache-control", "max-age=60")], 60),
            (&[("cache-control", "max-age=60"), ("age", "50")], 10),
            (&[("cache-control", "max-age=60"), ("age", "70")], 0),
            (&[("cache-control", "max-age=60"), ("age", "x")], 0),
            (&[("cache-control", "max-age=999999999")], LONGEST),
            (&[("cache-control", "no-store")], 0),
            (&[("cache-control", "max-age=60, no-cache")], 0),
            (&[("cache-control", "private=\"x\", no-store")], 0),
            (&[("cache-control", "max-age=60, max-age=70")], 0),
            (&[("cache-control", "max-age=-1")], 0),
            (&[("cache-control", "public")], 0),
            (&[("expires", "0")], 0),
        ] {
            assert_eq!(freshness(&answer(200, headers, 0).headers), seconds, "{headers:?}");
        }
    }

    #[test]
    fn what_is_stale_or_was_replaced_is_not_given() {
        let (mut cache, now) = (Cache::default(), Timestamp(1_000));
        cache.put(named("a"), &answer(200, &[("cache-control", "max-age=60")], 3), now);
        assert_eq!(cache.get(&named("a"), now.plus(59)).map(|answer| answer.was_kept), Some(true));
        assert_eq!(cache.get(&named("a"), now.plus(60)), None);
        assert_eq!(cache.get(&named("b"), now), None);
        cache.put(named("a"), &answer(200, &[], 5), now);
        assert_eq!(cache.get(&named("a"), now).map(|answer| answer.body.len()), Some(5));
        cache.put(named("a"), &answer(404, &[], 5), now);
        assert_eq!(cache.get(&named("a"), now), None);
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let (mut cache, now) = (Cache::default(), Timestamp(1_000));
        for number in 0..50_u64 {
            let fresh = format!("max-age={}", number + 1);
            cache.put(named(&number.to_string()), &answer(200, &[("cache-control", &fresh)], 100 << 10), now);
            assert!(cache.size() <= MOST);
        }
        assert_eq!(cache.kept.len(), 10);
        assert!(cache.get(&named("49"), now).is_some() && cache.get(&named("0"), now).is_none());
        cache.put(named("large"), &answer(200, &[], MOST + 1), now);
        assert!(cache.get(&named("large"), now).is_none());
    }
}
