//! JSON Web Tokens and keys, read strictly
