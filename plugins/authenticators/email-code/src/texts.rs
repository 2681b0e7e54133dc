//! What people read, on the page and in the mail.

/// Key, English, German.
pub(crate) const TEXTS: &[(&str, &str, &str)] = &[
    ("email-code.title", "Code by e-mail", "Code per E-Mail"),
    ("email-code.ask", "Enter the code from your e-mail", "Code aus der E-Mail eingeben"),
    (
        "email-code.sent",
        "A code was sent to {address}. It is good for ten minutes.",
        "An {address} wurde ein Code gesendet. Er gilt zehn Minuten.",
    ),
    (
        "email-code.again",
        "That code was too old. A new one was sent to {address}.",
        "Dieser Code war zu alt. An {address} wurde ein neuer gesendet.",
    ),
    ("email-code.code", "Code of eight digits", "Code aus acht Ziffern"),
    ("email-code.wrong", "That code is not right.", "Dieser Code stimmt nicht."),
    (
        "email-code.spent",
        "That was wrong too often. Please sign in anew.",
        "Das war zu oft falsch. Bitte melden Sie sich neu an.",
    ),
    ("email-code.mail.subject", "Your code to sign in", "Ihr Code zum Anmelden"),
    ("email-code.mail.code", "Your code: {code}", "Ihr Code: {code}"),
    (
        "email-code.mail.good",
        "It is good for ten minutes, in the browser in which you are signing in. Tell it to nobody.",
        "Er gilt zehn Minuten, in dem Browser, in dem Sie sich anmelden. Geben Sie ihn niemandem weiter.",
    ),
    (
        "email-code.mail.not-you",
        "If you are not signing in, somebody knows your password: change it.",
        "Wenn Sie sich nicht gerade anmelden, kennt jemand Ihr Passwort: ändern Sie es.",
    ),
];
