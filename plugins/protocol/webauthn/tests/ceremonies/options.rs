//! What a page may ask of a browser.

use postern_webauthn::{
    Attestation, Base64Url, COSE_ALGORITHMS, CreationOptions, CredentialType, DescribedCredential,
    Parameters, Preference, RelyingParty, RequestOptions, Selection, Transport, User,
};

use crate::scene::{RP_ID, note};

fn creation() -> CreationOptions {
    CreationOptions {
        rp: RelyingParty { id: RP_ID.into(), name: RP_ID.into() },
        user: User { id: Base64Url(vec![1; 32]), name: "anna".into(), display_name: "anna".into() },
        challenge: Base64Url(vec![7; 32]),
        pub_key_cred_params: COSE_ALGORITHMS
            .map(|(alg, _)| Parameters { kind: CredentialType::PublicKey, alg })
            .into(),
        timeout: 300_000,
        exclude_credentials: vec![described(16)],
        authenticator_selection: Selection {
            resident_key: Preference::Required,
            require_resident_key: true,
            user_verification: Preference::Preferred,
        },
        attestation: Attestation::Direct,
    }
}

fn request() -> RequestOptions {
    RequestOptions {
        challenge: Base64Url(vec![7; 32]),
        timeout: 300_000,
        rp_id: RP_ID.into(),
        allow_credentials: vec![described(1_023)],
        user_verification: Preference::Required,
    }
}

fn described(length: usize) -> DescribedCredential {
    let transports = vec![Transport::SmartCard];
    DescribedCredential { kind: CredentialType::PublicKey, id: Base64Url(vec![1; length]), transports }
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(CreationOptions::read(&creation().write(), RP_ID), Ok(creation()));
    assert_eq!(RequestOptions::read(&request().write(), RP_ID), Ok(request()));
    let json = creation().write();
    for member in [
        "pubKeyCredParams",
        "excludeCredentials",
        "authenticatorSelection",
        "displayName",
        "requireResidentKey",
    ] {
        assert!(json.contains(&format!("\"{member}\":")), "{json}");
    }
}

pub(crate) fn refused() {
    let create = |change: fn(&mut CreationOptions)| {
        let mut options = creation();
        change(&mut options);
        note(CreationOptions::read(&options.write(), RP_ID))
    };
    let get = |change: fn(&mut RequestOptions)| {
        let mut options = request();
        change(&mut options);
        note(RequestOptions::read(&options.write(), RP_ID))
    };
    let bounds = "webauthn.options.bounds";
    for (found, expected) in [
        (create(|options| options.rp.id = "example.com".into()), "webauthn.options.rp-id"),
        (create(|options| options.challenge.0.truncate(16)), "webauthn.options.challenge"),
        (create(|options| options.timeout = 1), bounds),
        (create(|options| options.timeout = 3_600_000), bounds),
        (create(|options| options.user.id.0.clear()), bounds),
        (create(|options| options.user.id.0 = vec![1; 65]), bounds),
        (create(|options| options.user.name = "a\nb".into()), bounds),
        (create(|options| options.user.display_name = "x".repeat(257)), bounds),
        (create(|options| options.rp.name.clear()), bounds),
        (create(|options| options.pub_key_cred_params.clear()), bounds),
        (create(|options| options.pub_key_cred_params[0].alg = -65_535), bounds),
        (create(|options| options.exclude_credentials = vec![described(1); 17]), bounds),
        (create(|options| options.exclude_credentials = vec![described(0)]), bounds),
    ] {
        assert_eq!(found, Some(expected));
    }
    for (found, expected) in [
        (get(|options| options.rp_id = "evil.example".into()), "webauthn.options.rp-id"),
        (get(|options| options.challenge.0.clear()), "webauthn.options.challenge"),
        (get(|options| options.timeout = 0), bounds),
        (get(|options| options.allow_credentials = vec![described(1_024)]), bounds),
    ] {
        assert_eq!(found, Some(expected));
    }
    let good = request().write();
    for bad in [
        String::new(),
        good.replacen('{', "{\"extensions\":{\"appid\":\"https://example.com\"},", 1),
        good.replace("\"public-key\"", "\"password\""),
        good.replace("\"required\"", "\"discouraged\""),
        good.replace("smart-card", "telepathy"),
        good.replace("\"timeout\":300000", "\"timeout\":-1"),
        format!("{good}{}", " ".repeat(40_000)),
    ] {
        assert_eq!(note(RequestOptions::read(&bad, RP_ID)), Some("webauthn.options.malformed"), "{bad}");
    }
}
