//! Both ceremonies against an authenticator that shares no code with the rules, and every way to be refused.
mod accepted;
mod certificates;
mod options;
mod record;
mod refused;
mod scene;
