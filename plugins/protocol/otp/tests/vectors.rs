//! The vectors of RFC 4226 appendix D and RFC 6238 appendix B, and what must not pass.

use postern_otp::{Code, Key, Record, RecordError, matching_step};
use proptest::prelude::*;

fn key() -> Key {
    Key::new(b"12345678901234567890").unwrap()
}

fn code(typed: &str) -> Code {
    Code::read(typed).unwrap()
}

#[test]
fn rfc_4226_appendix_d() {
    let expected =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (count, expected) in (0..).zip(expected) {
        assert_eq!(Code::of_step(&key(), count), Some(code(expected)), "{count}");
    }
}

/// The last six of the eight digits there.
#[test]
fn rfc_6238_appendix_b() {
    for (now, expected) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(matching_step(&key(), code(expected), now, None), Some(now / 30), "{now}");
    }
}

#[test]
fn a_clock_may_be_one_step_off_and_no_more() {
    let now = 1_111_111_111;
    for (offset, is_good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let step = (now / 30_u64).checked_add_signed(offset).unwrap();
        let code = Code::of_step(&key(), step).unwrap();
        assert_eq!(matching_step(&key(), code, now, None), is_good.then_some(step), "{offset}");
    }
}

#[test]
fn a_code_is_good_once_and_none_before_it_any_more() {
    let now = 1_111_111_111;
    let step = now / 30;
    let current = Code::of_step(&key(), step).unwrap();
    assert_eq!(matching_step(&key(), current, now, Some(step - 1)), Some(step));
    assert_eq!(matching_step(&key(), current, now, Some(step)), None);
    let before = Code::of_step(&key(), step - 1).unwrap();
    assert_eq!(matching_step(&key(), before, now, Some(step)), None);
    let after = Code::of_step(&key(), step + 1).unwrap();
    assert_eq!(matching_step(&key(), after, now, Some(step)), Some(step + 1));
}

#[test]
fn the_ends_of_time_are_no_trap() {
    for now in [0, 29, u64::MAX] {
        let code = Code::of_step(&key(), now / 30).unwrap();
        assert_eq!(matching_step(&key(), code, now, None), Some(now / 30));
    }
}

#[test]
fn codes_are_six_digits() {
    assert_eq!(Code::read("005924"), Code::read("005 924"));
    for typed in [
        "",
        "5924",
        "0059240",
        "00592a",
        "+05924",
        "00 5924",
        "005  924",
        " 005924",
        "００５９２４",
        "005924\n",
    ] {
        assert_eq!(Code::read(typed), None, "{typed:?}");
    }
}

#[test]
fn keys_are_shown_for_apps_and_never_in_a_log() {
    assert_eq!(key().to_type(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    assert_eq!(
        key().uri("sso.example.com", "älice & co"),
        "otpauth://totp/sso.example.com:%C3%A4lice%20%26%20co\
         ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=sso.example.com"
    );
    let long = key().uri("sso.example.com", &"ä".repeat(256));
    assert!(long.len() <= 512 && long.starts_with("otpauth://totp/sso.example.com?secret="), "{long}");
    assert_eq!(format!("{:?}", key()), "Key(…)");
    for bytes in [&[][..], &[1; 19], &[1; 21]] {
        assert_eq!(Key::new(bytes), None);
    }
}

/// As the first release wrote it.
#[test]
fn records_of_the_first_version_are_read() {
    let kept = [&[1, 0, 0, 0, 0, 2, 0x35, 0x23, 0xed][..], b"12345678901234567890"].concat();
    let record = Record { key: key(), last: 37_037_037 };
    assert_eq!(record.write(), kept);
    assert_eq!(Record::read(&kept), Ok(record));
    for end in 0..kept.len() {
        assert_eq!(Record::read(&kept[..end]), Err(RecordError), "cut at {end}");
    }
    assert_eq!(Record::read(&[&kept[..], &[0]].concat()), Err(RecordError));
    assert_eq!(Record::read(&[&[2][..], &kept[1..]].concat()), Err(RecordError));
}

proptest! {
    #[test]
    fn nothing_that_is_typed_or_kept_panics(
        typed in "\\PC{0,12}",
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        now in any::<u64>(),
        last in any::<Option<u64>>(),
    ) {
        if let Some(code) = Code::read(&typed) {
            let _ = matching_step(&key(), code, now, last);
        }
        if let Ok(record) = Record::read(&bytes) {
            prop_assert_eq!(record.write(), bytes);
        }
    }
}
