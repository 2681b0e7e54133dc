//! What is kept.

use postern_software_authenticator::{Kind, SoftwareAuthenticator};
use postern_webauthn::{Record, RecordError};
use proptest::prelude::*;

use crate::scene::{passkey, record_of};

#[test]
fn what_is_written_is_read_and_fits() {
    for kind in [Kind::Es256, Kind::EdDsa, Kind::Rs256] {
        let mut passkey = SoftwareAuthenticator::new(kind);
        passkey.id = vec![1; 1_023];
        passkey.user_handle = vec![2; 64];
        let record = record_of(&mut passkey);
        assert!(record.write().len() <= 4_096, "{}", record.write().len());
        assert_eq!(Record::read(&record.write()), Ok(record));
    }
}

/// As the first release wrote it.
#[test]
fn records_of_the_first_version_are_read() {
    let kept = r#"{"version":1,"id":"AQID","user":"BAUG","algorithm":"ES256","key":"Bwg","counter":9,"backup_eligible":true,"vouched_for":false,"aaguid":"AAAAAAAAAAAAAAAAAAAAAA","transports":["internal"]}"#;
    let record = Record::read(kept.as_bytes()).unwrap();
    assert_eq!(
        (record.id.as_slice(), record.user_handle.as_slice(), record.counter),
        (&[1, 2, 3][..], &[4, 5, 6][..], 9)
    );
    assert!(record.is_backup_eligible && !record.is_vouched_for);
    assert_eq!(record.write(), kept.as_bytes());
    for bad in [
        "",
        "{}",
        &kept.replace(":1,", ":2,"),
        &kept.replace("ES256", "none"),
        &kept.replace("AAAAAAAAAAAAAAAAAAAAAA", "AA"),
    ] {
        assert_eq!(Record::read(bad.as_bytes()), Err(RecordError));
    }
}

proptest! {
    #[test]
    fn nothing_that_is_kept_panics(cut in 0_usize..400, flip in any::<u8>()) {
        let mut bytes = record_of(&mut passkey()).write();
        let at = cut % bytes.len();
        bytes[at] ^= flip;
        if let Ok(record) = Record::read(&bytes) {
            prop_assert_eq!(Record::read(&record.write()), Ok(record));
        }
    }
}
