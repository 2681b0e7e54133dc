//! What people read.

/// Key, English, German.
pub(crate) const TEXTS: &[(&str, &str, &str)] = &[
    ("recovery.title", "Recovery codes", "Notfallcodes"),
    ("recovery.ask", "Enter a recovery code", "Notfallcode eingeben"),
    (
        "recovery.ask.lead",
        "Take one from your list that you have not used yet, and cross it out: it is good once.",
        "Nehmen Sie von Ihrer Liste einen, den Sie noch nicht benutzt haben, und streichen Sie ihn durch: er gilt \
         einmal.",
    ),
    ("recovery.ask.code", "Recovery code", "Notfallcode"),
    (
        "recovery.wrong",
        "That code is not right, or it was used already.",
        "Dieser Code stimmt nicht oder wurde schon benutzt.",
    ),
    ("recovery.few", "Few codes are left", "Nur noch wenige Codes"),
    (
        "recovery.few.lead",
        "Recovery codes that are left: {count}. Make new ones on your own page soon.",
        "Noch übrige Notfallcodes: {count}. Erzeugen Sie bald neue auf Ihrer eigenen Seite.",
    ),
    ("recovery.few.submit", "Continue", "Weiter"),
    ("recovery.enrol", "Your recovery codes", "Ihre Notfallcodes"),
    (
        "recovery.enrol.lead",
        "Print these or write them down, and keep them where nobody else looks. They are shown this once. Each \
         of them signs you in once when your other way is not at hand. Codes of before are good no more.",
        "Drucken Sie diese Codes aus oder schreiben Sie sie auf, und bewahren Sie sie sicher auf. Sie werden nur \
         dieses eine Mal gezeigt. Mit jedem melden Sie sich einmal an, wenn Ihr anderer Weg nicht zur Hand ist. \
         Frühere Codes gelten dann nicht mehr.",
    ),
    ("recovery.code", "{code}", "{code}"),
    ("recovery.enrol.submit", "I have kept them", "Ich habe sie aufbewahrt"),
];
