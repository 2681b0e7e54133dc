//! For authors of authenticators: the bindings of `wit/authenticator.wit`, and short words for what most of
//! them say. `postern authenticator new NAME --lang rust` makes a whole one.
//!
//! ```
//! use postern_authenticator::*;
//!
//! struct Pin;
//!
//! const CONTEXT: &str = "https://sso.example.com/contexts/pin";
//! const TEXTS: Texts = &[
//!     ("pin.title", "en", "PIN"),
//!     ("pin.label", "en", "Your PIN"),
//!     ("pin.wrong", "en", "That is not your PIN."),
//! ];
//!
//! impl Authenticator for Pin {
//!     fn describe() -> Description {
//!         further_factor("pin", "1.0.0", Factor::Knowledge, "pin", CONTEXT, TEXTS)
//!     }
//!
//!     fn sign_in(call: &Call) -> Step {
//!         let Some(person) = call.person() else { return nobody() };
//!         let Some(kept) = credentials::list(&person.subject).pop() else { return Step::NotEnrolled };
//!         let ask = |error| ask("pin.title", vec![secret("digits", "pin.label")], error);
//!         match &call.form {
//!             None => ask(None),
//!             Some(sent) if same(sent.value("digits").as_bytes(), &kept.data) => {
//!                 confirmed(person, "pin", CONTEXT)
//!             }
//!             Some(_) => ask(Some(text("pin.wrong"))),
//!         }
//!     }
//! }
//!
//! postern_authenticator::export!(Pin);
//! # fn main() {
//! #     assert_eq!(Pin::describe().title.key, "pin.title");
//! # }
//! ```
//!
//! What is imported is what has to be granted: `credentials` here, since `Pin` calls it. Natively it compiles
//! too, for tests of what calls nothing of the host; calls of the host end the program there.
#![allow(unsafe_code, reason = "the exports that wit-bindgen generates")]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod call;
mod requests;
mod steps;
mod words;

#[allow(missing_docs, unreachable_pub, reason = "generated; documented in wit/authenticator.wit")]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        world: "authenticator-module",
        path: "../../../wit",
        pub_export_macro: true,
        default_bindings_module: "postern_authenticator::bindings",
        export_macro_name: "export_component",
    });
}

pub use bindings::exports::postern::idp::authenticator::*;
pub use bindings::postern::idp::{
    accounts, credential_index, credentials, demands, directory, kerberos, messages, outbound, own_keys,
    redirections, signatures, system,
};
pub use call::{Call, Form, Returned, demanded};
pub use demands::Demand;
pub use requests::*;
pub use steps::*;
pub use words::*;

/// An authenticator. The calls of the host come in here.
pub trait Authenticator {
    /// What it is. At load, with nothing of the kernel behind it.
    fn describe() -> Description;

    /// Somebody signs in: without a form at the beginning, then with each that they send, or with what they
    /// bring back from where they were sent.
    fn sign_in(call: &Call) -> Step;

    /// Somebody sets it up. Only when the description says that people do.
    fn enrol(_call: &Call) -> Step {
        unavailable("nobody sets it up")
    }
}

#[doc(hidden)]
pub fn dispatch<A: Authenticator>(context: Context, state: Vec<u8>, event: Option<Event>) -> Step {
    let call = Call::of(context, state, event);
    match call.context.purpose {
        Purpose::SignIn => A::sign_in(&call),
        Purpose::Enrol => A::enrol(&call),
    }
}

/// Makes the type the component's authenticator. Once in a crate.
#[macro_export]
macro_rules! export {
    ($authenticator:ty) => {
        #[doc(hidden)]
        struct ExportedAuthenticator;

        impl $crate::Guest for ExportedAuthenticator {
            fn describe() -> $crate::Description {
                <$authenticator as $crate::Authenticator>::describe()
            }

            fn begin(context: $crate::Context) -> $crate::Step {
                $crate::dispatch::<$authenticator>(context, Vec::new(), None)
            }

            fn proceed(context: $crate::Context, state: Vec<u8>, event: $crate::Event) -> $crate::Step {
                $crate::dispatch::<$authenticator>(context, state, Some(event))
            }
        }

        $crate::bindings::export_component!(ExportedAuthenticator with_types_in $crate::bindings);
    };
}
