//! SAML 2.0: bindings, messages, metadata
