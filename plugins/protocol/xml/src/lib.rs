//! XML, read strictly, and enveloped signatures that yield what they signed
