//! One-time codes: see `mod.rs`.
use postern_otp::{Code, Judged, Record, RecoveryCode, SentCode, Sheet, matching_step};

use super::NOW;

/// What a person typed, and what is kept about a phone: a code is six digits, and a record that is read is
/// written as it was. A code that fits is good for no step up to the last one that was taken. The same for
/// recovery codes: one that is taken is gone, and no other with it. The same for codes that are sent.
pub fn otp(bytes: &[u8]) {
    recovery(bytes);
    sent(bytes);
    let code = core::str::from_utf8(bytes).ok().and_then(Code::read);
    if code.is_some() {
        let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
        assert!(digits == 6 && bytes.len() <= 7, "{bytes:?}");
    }
    let Ok(record) = Record::read(bytes) else { return };
    assert_eq!(record.write(), bytes);
    let now = NOW / 30;
    for step in [now - 1, now, now + 1] {
        let code = Code::of_step(&record.key, step).expect("every key has codes");
        let found = matching_step(&record.key, code, NOW, Some(record.last));
        assert!(found.is_none_or(|found| found > record.last), "{found:?}");
    }
}

/// What is kept of a code that was sent: what is read is written as it was, and each wrong try is one less.
fn sent(bytes: &[u8]) {
    let Ok(mut sent) = SentCode::read(bytes) else { return };
    assert_eq!(sent.write(), bytes);
    for left in (0..SentCode::TRIES).rev() {
        let typed = core::str::from_utf8(bytes).unwrap_or("no code");
        match sent.judge(typed, NOW) {
            Judged::Wrong(rest) => sent = rest,
            Judged::Right => panic!("58 bytes are no code: {bytes:?}"),
            Judged::Spent | Judged::Ended => return,
        }
        assert!(left > 0, "more tries than there are");
    }
}

fn recovery(bytes: &[u8]) {
    let code = core::str::from_utf8(bytes).ok().and_then(RecoveryCode::read);
    if let Some(code) = &code {
        assert!((16..=19).contains(&bytes.len()), "{bytes:?}");
        assert_eq!(RecoveryCode::read(&code.to_type()).as_ref(), Some(code));
    }
    let Ok(sheet) = Sheet::read(bytes) else { return };
    assert_eq!(sheet.write(), bytes);
    assert!(sheet.left() <= Sheet::CODES);
    let any = RecoveryCode::read("ABCD-EFGH-IJKL-MNOP").expect("a code");
    let rest = sheet.without(&any);
    assert!(rest.is_none_or(|rest| rest.left().checked_add(1) == Some(sheet.left())));
}
