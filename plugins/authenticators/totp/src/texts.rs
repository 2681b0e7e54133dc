//! What people read.

/// Key, English, German.
pub(crate) const TEXTS: &[(&str, &str, &str)] = &[
    ("totp.title", "Codes from an app", "Codes aus einer App"),
    ("totp.ask", "Enter your code", "Code eingeben"),
    (
        "totp.ask.lead",
        "Open the authenticator app on your phone and type the six digits that it shows.",
        "Öffnen Sie die Authenticator-App auf Ihrem Telefon und geben Sie die sechs Ziffern ein, die sie zeigt.",
    ),
    ("totp.code", "Code from the app", "Code aus der App"),
    (
        "totp.wrong",
        "That code is not right, or it was used already. Wait for the next one.",
        "Dieser Code stimmt nicht oder wurde schon benutzt. Warten Sie auf den nächsten.",
    ),
    ("totp.enrol", "Set up codes from an app", "Codes aus einer App einrichten"),
    (
        "totp.enrol.scan",
        "Scan this with an authenticator app on your phone.",
        "Scannen Sie dies mit einer Authenticator-App auf Ihrem Telefon.",
    ),
    ("totp.enrol.code", "The code that the app shows now", "Der Code, den die App jetzt zeigt"),
    ("totp.enrol.label", "A name for the phone, if you like", "Ein Name für das Telefon, wenn Sie möchten"),
    ("totp.enrol.submit", "Set up", "Einrichten"),
    (
        "totp.label.wrong",
        "That name is too long, or has characters that nobody sees.",
        "Dieser Name ist zu lang oder enthält unsichtbare Zeichen.",
    ),
    ("totp.full", "You have set up as many phones as you can.", "Mehr Telefone können Sie nicht einrichten."),
];
