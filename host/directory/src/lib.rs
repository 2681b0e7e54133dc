//! User stores: embedded
