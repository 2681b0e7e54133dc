//! What people read.

/// Key, English, German. Those of the ceremony itself are the host's.
pub(crate) const TEXTS: &[(&str, &str, &str)] = &[
    ("passkey.title", "Passkeys", "Passkeys"),
    ("passkey.ask", "Use your passkey", "Passkey benutzen"),
    (
        "passkey.ask.lead",
        "Confirm that it is you with your fingerprint, face, PIN or security key.",
        "Bestätigen Sie mit Fingerabdruck, Gesicht, PIN oder Sicherheitsschlüssel, dass Sie es sind.",
    ),
    ("passkey.ask.submit", "Use a passkey", "Passkey benutzen"),
    ("passkey.enrol", "Set up a passkey", "Passkey einrichten"),
    (
        "passkey.enrol.lead",
        "A passkey signs you in with your fingerprint, face, PIN or security key. You can have several.",
        "Mit einem Passkey melden Sie sich mit Fingerabdruck, Gesicht, PIN oder Sicherheitsschlüssel an. \
         Sie können mehrere haben.",
    ),
    ("passkey.enrol.label", "A name for it, if you like", "Ein Name dafür, wenn Sie möchten"),
    ("passkey.enrol.submit", "Set up", "Einrichten"),
    (
        "passkey.no-answer",
        "Your browser sent no passkey. It needs JavaScript for that.",
        "Ihr Browser hat keinen Passkey gesendet. Er braucht dafür JavaScript.",
    ),
    (
        "passkey.late",
        "That took too long. Please try again.",
        "Das hat zu lange gedauert. Versuchen Sie es noch einmal.",
    ),
    (
        "passkey.wrong",
        "The passkey could not be verified. Please try again.",
        "Der Passkey konnte nicht geprüft werden. Versuchen Sie es noch einmal.",
    ),
    (
        "passkey.unknown",
        "This passkey is not known here. It may have been removed.",
        "Dieser Passkey ist hier nicht bekannt. Vielleicht wurde er entfernt.",
    ),
    (
        "passkey.untrusted",
        "Passkeys of this kind are not accepted here. Use a device that your organisation gave you.",
        "Passkeys dieser Art werden hier nicht angenommen. Benutzen Sie ein Gerät Ihrer Organisation.",
    ),
    (
        "passkey.label.wrong",
        "That name is too long, or has characters that nobody sees.",
        "Dieser Name ist zu lang oder enthält unsichtbare Zeichen.",
    ),
    (
        "passkey.full",
        "You have set up as many passkeys as you can.",
        "Mehr Passkeys können Sie nicht einrichten.",
    ),
    ("passkey.taken", "This passkey is set up already.", "Dieser Passkey ist schon eingerichtet."),
];
