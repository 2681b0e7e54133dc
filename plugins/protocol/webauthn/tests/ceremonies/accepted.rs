//! What is good.

use postern_software_authenticator::{
    Attestation, BACKED_UP, BACKUP_ELIGIBLE, EXTENSIONS, Kind, PRESENT, SoftwareAuthenticator, cbor,
};
use postern_webauthn::{Attested, Expected, Record, UserVerification, rp_id_of};

use crate::scene::{CHALLENGE, NOBODY, ORIGIN, RP_ID, assert, expected, passkey, record_of, register};

#[test]
fn every_algorithm_registers_and_signs_in() {
    for kind in [Kind::Es256, Kind::EdDsa, Kind::Rs256] {
        let mut passkey = SoftwareAuthenticator::new(kind);
        passkey.user_handle = vec![9; 64];
        let record = record_of(&mut passkey);
        assert_eq!(record.id, passkey.id);
        let answer = passkey.assertion(&CHALLENGE, RP_ID, ORIGIN);
        let json = passkey.signed(&answer);
        let done =
            assert(&json, &expected(), &[], &record).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert!(done.is_user_verified);
        assert_eq!(done.record, Record { counter: 1, ..record.clone() });
        // A person who is known may be left unnamed by the authenticator.
        let mut unnamed = passkey.assertion(&CHALLENGE, RP_ID, ORIGIN);
        unnamed.user_handle = None;
        let json = passkey.signed(&unnamed);
        assert!(assert(&json, &expected(), &[passkey.id.clone()], &record).is_ok());
    }
}

#[test]
fn a_key_may_vouch_for_itself() {
    for kind in [Kind::Es256, Kind::EdDsa, Kind::Rs256] {
        let mut passkey = SoftwareAuthenticator::new(kind);
        let answer = passkey.registration(&CHALLENGE, RP_ID, ORIGIN);
        let json = passkey.attested(&answer, &Attestation::Itself);
        assert_eq!(register(&json, &expected(), &NOBODY).unwrap().attested, Attested::Itself);
    }
}

#[test]
fn a_synchronised_passkey_that_does_not_count_goes_on_for_good() {
    let mut passkey = passkey();
    passkey.flags |= BACKUP_ELIGIBLE | BACKED_UP;
    let record = record_of(&mut passkey);
    for _ in 0..2 {
        let mut answer = passkey.assertion(&CHALLENGE, RP_ID, ORIGIN);
        answer.authenticator_data[33..37].copy_from_slice(&[0; 4]);
        let done = assert(&passkey.signed(&answer), &expected(), &[], &record).unwrap();
        assert_eq!(done.record, record, "nothing to write");
    }
}

#[test]
fn verification_of_the_user_is_asked_for_or_not() {
    let mut passkey = passkey();
    passkey.flags = PRESENT;
    let preferred = Expected { user_verification: UserVerification::Preferred, ..expected() };
    let answer = passkey.registration(&CHALLENGE, RP_ID, ORIGIN);
    let json = passkey.attested(&answer, &Attestation::None);
    let registered = register(&json, &preferred, &NOBODY).unwrap();
    let record = Record::new(registered, passkey.user_handle.clone(), false);
    let answer = passkey.assertion(&CHALLENGE, RP_ID, ORIGIN);
    assert!(!assert(&passkey.signed(&answer), &preferred, &[], &record).unwrap().is_user_verified);
}

#[test]
fn extensions_that_nobody_asked_for_are_left_alone_and_so_are_members_of_later_browsers() {
    let mut passkey = passkey();
    let mut answer = passkey.registration(&CHALLENGE, RP_ID, ORIGIN);
    answer.authenticator_data[32] |= EXTENSIONS;
    answer.authenticator_data.extend(cbor::map(&[(cbor::text("credProtect"), cbor::number(2))]));
    answer.client_data = answer.client_data.replace('}', ",\"other_keys_can_be_added_here\":\"x\"}");
    assert!(register(&passkey.attested(&answer, &Attestation::None), &expected(), &NOBODY).is_ok());
}

#[test]
fn the_relying_party_is_the_host() {
    for (origin, rp_id) in [
        ("https://sso.example.com", "sso.example.com"),
        ("https://sso.example.com:8443", "sso.example.com"),
        ("https://localhost:8443", "localhost"),
    ] {
        assert_eq!(rp_id_of(origin), rp_id);
    }
}
