//! What people read.

/// Key, English, German.
pub(crate) const TEXTS: &[(&str, &str, &str)] = &[
    ("certificate.title", "Certificates", "Zertifikate"),
    ("certificate.ask", "Use your certificate", "Zertifikat benutzen"),
    (
        "certificate.ask.lead",
        "Your browser shows a certificate for {name}.",
        "Ihr Browser zeigt ein Zertifikat für {name}.",
    ),
    ("certificate.ask.submit", "Sign in with it", "Damit anmelden"),
    ("certificate.enrol", "Set up a certificate", "Zertifikat einrichten"),
    (
        "certificate.enrol.lead",
        "Your browser shows a certificate for {name}. From now on it can sign you in.",
        "Ihr Browser zeigt ein Zertifikat für {name}. Es kann Sie von nun an anmelden.",
    ),
    ("certificate.enrol.label", "A name for it, if you like", "Ein Name dafür, wenn Sie möchten"),
    ("certificate.enrol.submit", "Set up", "Einrichten"),
    (
        "certificate.none",
        "Your browser shows no certificate. Insert the card or install the certificate, close all windows of \
         the browser, and choose it when the browser asks.",
        "Ihr Browser zeigt kein Zertifikat. Stecken Sie die Karte ein oder installieren Sie das Zertifikat, \
         schließen Sie alle Fenster des Browsers und wählen Sie es aus, wenn der Browser fragt.",
    ),
    (
        "certificate.refused",
        "The certificate that your browser shows is not accepted here. It may have expired, or come from \
         somebody else than your organisation.",
        "Das Zertifikat, das Ihr Browser zeigt, wird hier nicht angenommen. Vielleicht ist es abgelaufen oder \
         nicht von Ihrer Organisation.",
    ),
    ("certificate.look-again", "Look again", "Noch einmal nachsehen"),
    (
        "certificate.label.wrong",
        "That name is too long, or has characters that nobody sees.",
        "Dieser Name ist zu lang oder enthält unsichtbare Zeichen.",
    ),
    (
        "certificate.full",
        "You have set up as many certificates as you can.",
        "Mehr Zertifikate können Sie nicht einrichten.",
    ),
    ("certificate.taken", "This certificate is set up already.", "Dieses Zertifikat ist schon eingerichtet."),
];
