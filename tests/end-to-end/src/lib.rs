//! The product as people use it: real Envoy, real relying parties, exact bytes.
//!
//! A harness for integration tests. Everything listens on loopback at ephemeral ports, and
//! everything that was started is stopped by its process id, at the latest when the test process
//! ends. What is missing fails the test with the command that gets it.
pub mod apache;
pub mod browser;
pub mod certificates;
pub mod client;
pub mod envoy;
pub mod http2;
pub mod http2_frames;
pub mod kdc;
pub mod metrics;
pub mod names;
pub mod nginx;
pub mod oracle;
pub mod postern;
pub mod process;
pub mod proxy;
pub mod scratch;
pub mod script;
pub mod site;
pub mod tools;
pub mod upstream;
pub mod wire;
