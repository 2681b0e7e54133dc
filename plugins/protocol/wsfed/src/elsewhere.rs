//! Messages of this protocol where nobody judges them.

/// Whether a parameter, its name and value decoded as a lax server would, makes its request one of this
/// protocol: `wa` with one of the actions, or a token.
pub fn carries_message(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "wa" => {
            let value = value.trim().to_ascii_lowercase();
            ["wsign", "wattr1", "wpseudo1"].iter().any(|action| value.starts_with(action))
        }
        "wresult" | "wresultptr" | "wreqptr" => true,
        _ => false,
    }
}
