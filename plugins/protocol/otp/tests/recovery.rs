//! Recovery codes: what is one, and that each is good once.

use postern_otp::{RecordError, RecoveryCode, Sheet};
use proptest::prelude::*;

fn sheet() -> (Sheet, Vec<RecoveryCode>) {
    let random: Vec<u8> = (0..).take(Sheet::RANDOM).collect();
    Sheet::new(&random).unwrap()
}

#[test]
fn each_code_is_good_once_and_no_other_goes_with_it() {
    let (mut sheet, codes) = sheet();
    assert_eq!((sheet.left(), codes.len()), (10, 10));
    for (used, code) in codes.iter().enumerate() {
        let typed = RecoveryCode::read(&code.to_type()).unwrap();
        sheet = sheet.without(&typed).unwrap();
        assert_eq!(sheet.left(), 9 - used);
        assert!(sheet.without(&typed).is_none(), "it was used");
        assert!(codes[used + 1..].iter().all(|other| sheet.without(other).is_some()));
    }
}

#[test]
fn codes_of_another_sheet_are_worth_nothing_and_the_same_code_has_another_hash_there() {
    let (sheet, codes) = sheet();
    let mut random: Vec<u8> = (0..).take(Sheet::RANDOM).collect();
    random[0] = 255;
    let (other, same) = Sheet::new(&random).unwrap();
    assert_eq!(same, codes, "another key alone");
    assert!(Sheet::read(&other.write()).unwrap() == other);
    assert!(sheet.write()[17..].chunks(32).zip(other.write()[17..].chunks(32)).all(|(one, two)| one != two));
    let random = vec![7; Sheet::RANDOM];
    let (_, foreign) = Sheet::new(&random).unwrap();
    assert!(foreign.iter().all(|code| sheet.without(code).is_none()));
    for length in [0, Sheet::RANDOM - 1, Sheet::RANDOM + 1] {
        assert!(Sheet::new(&vec![0; length]).is_none());
    }
    // Randomness that gives one code ten times gives no code that is good once.
    let (same, codes) = Sheet::new(&random).unwrap();
    assert!(same.without(&codes[0]).is_none());
}

#[test]
fn a_code_is_typed_in_four_groups_or_in_one() {
    let code = RecoveryCode::read("ABCD-EFGH-IJKL-MNOP").unwrap();
    for typed in ["abcd-efgh-ijkl-mnop", "ABCD EFGH IJKL MNOP", "abcdefghijklmnop", "Abcd-eFgh-ijKL-mnop"] {
        assert_eq!(RecoveryCode::read(typed).as_ref(), Some(&code), "{typed}");
    }
    assert_eq!(code.to_type(), "ABCD-EFGH-IJKL-MNOP");
    assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
    for typed in [
        "",
        "ABCD-EFGH-IJKL-MNO",
        "ABCD-EFGH-IJKL-MNOPQ",
        "ABCD-EFGH-IJKL MNOP",
        "ABCDE-FGH-IJKL-MNOP",
        "ABCD--EFGH-IJKL-MNOP",
        "-ABCDEFGHIJKLMNOP",
        " ABCDEFGHIJKLMNOP",
        "ABCDEFGHIJKLMNOP ",
        "ABCD-EFGH-IJKL-MNO0",
        "ABCD-EFGH-IJKL-MNO1",
        "ABCD-EFGH-IJKL-MNÖ",
        "ＡＢＣＤEFGHIJKLMNOP",
        "AAAAAAAAAAAAAAA=",
        "ABCD\u{2011}EFGH\u{2011}IJKL\u{2011}MNOP",
    ] {
        assert_eq!(RecoveryCode::read(typed), None, "{typed}");
    }
}

#[test]
fn a_sheet_of_the_first_version_is_read_for_ever_and_nothing_else_is() {
    let (sheet, _) = sheet();
    let bytes = sheet.write();
    assert_eq!(bytes.len(), 1 + 16 + 10 * 32);
    assert_eq!(Sheet::read(&bytes), Ok(sheet));
    assert_eq!(Sheet::read(&bytes[..17]).unwrap().left(), 0);
    for wrong in [&[][..], &bytes[..16], &bytes[..18], &bytes[..bytes.len() - 1]] {
        assert_eq!(Sheet::read(wrong), Err(RecordError));
    }
    let later = [&[2], &bytes[1..]].concat();
    assert_eq!(Sheet::read(&later), Err(RecordError));
    let longer = [&bytes[..], &[0; 32]].concat();
    assert_eq!(Sheet::read(&longer), Err(RecordError));
}

proptest! {
    #[test]
    fn whatever_is_typed_and_kept_is_read_back_the_same(bytes: Vec<u8>, typed: String) {
        if let Ok(sheet) = Sheet::read(&bytes) {
            prop_assert_eq!(sheet.write(), bytes);
        }
        if let Some(code) = RecoveryCode::read(&typed) {
            let plain = typed.to_ascii_uppercase().replace([' ', '-'], "");
            prop_assert_eq!(code.to_type().replace('-', ""), plain);
        }
    }
}
