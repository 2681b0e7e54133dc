//! What the host refuses with Envoy out of the way: the test shows the proxy's certificate itself.
mod listeners;
mod sign_in;
mod world;
