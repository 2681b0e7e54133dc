//! Signing keys: made, sealed at rest, rotated, used
