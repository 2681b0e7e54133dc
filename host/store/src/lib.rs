//! State in SQLite behind the kernel's store trait, with a conformance suite
