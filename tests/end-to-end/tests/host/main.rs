//! What the host refuses with Envoy out of the way: the test shows the proxy's certificate itself.
mod account;
mod email_code;
mod instances;
mod listeners;
mod own_authenticator;
mod passkey;
mod policy;
mod saml_provider;
mod second_factor;
mod sign_in;
mod world;
