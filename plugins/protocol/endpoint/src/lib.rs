//! Canonical request targets and the table of endpoints that may be reached
