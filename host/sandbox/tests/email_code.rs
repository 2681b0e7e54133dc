//! The authenticator of codes by e-mail in the sandbox. Needs `cargo xtask build`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use postern_kernel::authenticator::{AuthenticatorModule as _, Challenge, Element, Form, Purpose, Step, Who};
use postern_kernel::services::Installation;
use postern_sandbox::{ComponentAuthenticator, Limits, Sandbox};

mod installation;

use installation::{artefact, context, services_about, services_writing, with_mail};

const ANNA: Option<&str> = Some("subject-1");
const ADDRESS: Option<&str> = Some("anna@example.com");

async fn email_code() -> ComponentAuthenticator {
    let component = artefact("authenticators/email-code.wasm");
    let sandbox = Sandbox::new(None).unwrap();
    sandbox.load_authenticator("email-code.wasm", component, Limits::default()).await.unwrap()
}

async fn begin(module: &ComponentAuthenticator, installation: &Arc<Installation>) -> Step {
    let services = services_writing(installation, module.description(), "de");
    module.begin(services, context(Purpose::SignIn, ANNA)).await.unwrap()
}

async fn send(
    module: &ComponentAuthenticator,
    installation: &Arc<Installation>,
    state: &[u8],
    fields: &[&str],
) -> Step {
    let services = services_writing(installation, module.description(), "de");
    let form = Form(fields.iter().map(|code| ("code".to_owned(), (*code).to_owned())).collect());
    module.proceed(services, context(Purpose::SignIn, ANNA), state.to_vec(), form.into()).await.unwrap()
}

fn challenge(step: Step) -> Challenge {
    match step {
        Step::Challenge(challenge) => challenge,
        other => panic!("{other:?}"),
    }
}

/// The code in the message that was sent last.
fn last_code(mailbox: &installation::Mailbox) -> String {
    let mails = mailbox.mails.lock().unwrap();
    let (to, subject_line, body) = mails.last().unwrap();
    assert_eq!((to.as_str(), subject_line.as_str()), ("anna@example.com", "Ihr Code zum Anmelden"));
    let code = body.lines().next().unwrap().strip_prefix("Ihr Code: ").unwrap();
    assert!(code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    code.to_owned()
}

#[tokio::test]
async fn a_code_is_sent_and_the_right_one_signs_in() {
    let module = email_code().await;
    let (installation, mailbox, _) = with_mail(ADDRESS);
    let asked = challenge(begin(&module, &installation).await);
    let code = last_code(&mailbox);
    let Element::Message(told) = &asked.elements[0] else { panic!("{:?}", asked.elements) };
    assert_eq!(told.body.arguments[0].1, "a***@example.com");
    let is_there = asked.state.windows(8).any(|window| window == code.as_bytes());
    assert!(!is_there, "the state has no code in it");
    let Step::Authenticated(identity) = send(&module, &installation, &asked.state, &[&code]).await else {
        panic!("not signed in")
    };
    assert_eq!(identity.who, Who::Account("subject-1".into()));
    assert_eq!(identity.methods, ["otp"]);
    assert!(identity.remember.is_none());
    // It is no factor beside a password, and does not pass for one.
    let mfa = "https://refeds.org/profile/mfa".to_owned();
    assert!(!module.description().contexts.contains(&mfa) && identity.context != mfa);
    assert_eq!(module.description().factors, [postern_kernel::authenticator::Factor::Knowledge]);
}

#[tokio::test]
async fn five_wrong_ones_end_it() {
    let module = email_code().await;
    let (installation, mailbox, _) = with_mail(ADDRESS);
    let mut state = challenge(begin(&module, &installation).await).state;
    let code = last_code(&mailbox);
    let twice = [code.as_str(), code.as_str()];
    for fields in [&["00000000"][..], &[], &twice, &["x"]] {
        let asked = challenge(send(&module, &installation, &state, fields).await);
        assert_eq!(asked.error.unwrap().key, "email-code.wrong", "{fields:?}");
        state = asked.state;
    }
    let right = send(&module, &installation, &state, &[&code]).await;
    assert!(matches!(right, Step::Authenticated(_)), "the fifth try");
    let spent = send(&module, &installation, &state, &["00000000"]).await;
    assert!(matches!(spent, Step::Denied(_)), "{spent:?}");
    assert_eq!(mailbox.mails.lock().unwrap().len(), 1, "a wrong code sends no other");
}

#[tokio::test]
async fn a_code_of_another_sign_in_and_an_old_one_are_not_taken() {
    let module = email_code().await;
    let (installation, mailbox, now) = with_mail(ADDRESS);
    let first = challenge(begin(&module, &installation).await);
    let of_first = last_code(&mailbox);
    let second = challenge(begin(&module, &installation).await);
    let of_second = last_code(&mailbox);
    assert_ne!(of_first, of_second);
    let asked = challenge(send(&module, &installation, &second.state, &[&of_first]).await);
    assert!(asked.error.is_some());
    now.fetch_add(600, Ordering::SeqCst);
    let again = challenge(send(&module, &installation, &first.state, &[&of_first]).await);
    assert!(again.error.is_none(), "nobody has looked at it: no failure");
    let of_third = last_code(&mailbox);
    let asked = challenge(send(&module, &installation, &again.state, &[&of_first]).await);
    assert!(asked.error.is_some());
    let done = send(&module, &installation, &asked.state, &[&of_third]).await;
    assert!(matches!(done, Step::Authenticated(_)), "{done:?}");
}

#[tokio::test]
async fn who_has_no_address_takes_another_way_and_nobody_is_let_in_without_mail() {
    let module = email_code().await;
    for none in [None, Some(""), Some("anna@example.com\nBcc: eve@evil.example")] {
        let (installation, mailbox, _) = with_mail(none);
        assert_eq!(begin(&module, &installation).await, Step::NotEnrolled);
        assert!(mailbox.mails.lock().unwrap().is_empty());
    }
    let (installation, mailbox, _) = with_mail(ADDRESS);
    mailbox.is_away.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        let step = begin(&module, &installation).await;
        assert!(matches!(&step, Step::Unavailable(why) if why.contains("mail server")), "{step:?}");
    }
    // What was not sent does not count.
    mailbox.is_away.store(false, Ordering::SeqCst);
    for _ in 0..3 {
        challenge(begin(&module, &installation).await);
    }
    let step = begin(&module, &installation).await;
    assert!(matches!(&step, Step::Unavailable(why) if why.contains("too many")), "{step:?}");
}

#[tokio::test]
async fn nobody_is_found_out_with_it_and_a_foreign_state_is_not_read() {
    let module = email_code().await;
    let (installation, _, _) = with_mail(ADDRESS);
    let services = services_about(Arc::clone(&installation), "email-code", Purpose::SignIn, None);
    let step = module.begin(services, context(Purpose::SignIn, None)).await.unwrap();
    assert!(matches!(step, Step::Unavailable(_)), "{step:?}");
    let services = services_about(Arc::clone(&installation), "email-code", Purpose::Enrol, ANNA);
    let step = module.begin(services, context(Purpose::Enrol, ANNA)).await.unwrap();
    assert!(matches!(step, Step::Unavailable(_)), "{step:?}");
    for state in [&b""[..], &[0; 58], &[1; 57], &[255; 100]] {
        let step = send(&module, &installation, state, &["00000000"]).await;
        assert!(matches!(step, Step::Unavailable(_)), "{step:?}");
    }
}
