//! Test vectors: requests that must be accepted or refused, and the code that builds them
