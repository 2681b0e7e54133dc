//! Sign-on flow, sessions, grants and relying parties; knows no protocol
