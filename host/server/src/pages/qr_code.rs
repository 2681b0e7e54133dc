//! QR codes as paths of SVG, drawn into the page: nothing is loaded, and no style is needed.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};
use serde::Serialize;

/// Light modules around a code: ISO/IEC 18004 section 9.1.
const QUIET: usize = 4;

/// A square of `size` units a side; dark is what `path` draws.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Drawn {
    size: usize,
    path: String,
}

/// `None`: the payload has more than a code can hold. The same stands beside it as text.
pub(super) fn draw(payload: &str) -> Option<Drawn> {
    let code = QrCode::with_error_correction_level(payload, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (row, line) in code.to_colors().chunks(width).enumerate() {
        for (column, color) in line.iter().enumerate() {
            if *color == Color::Dark {
                let (x, y) = (column.saturating_add(QUIET), row.saturating_add(QUIET));
                write!(path, "M{x} {y}h1v1h-1z").ok()?;
            }
        }
    }
    Some(Drawn { size: width.saturating_add(2 * QUIET), path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_with_its_three_corners_and_room_around() {
        let drawn = draw("otpauth://totp/a?secret=JBSWY3DPEHPK3PXP").unwrap();
        assert_eq!((drawn.size - 2 * QUIET) % 4, 1, "17 + 4 × version modules");
        let far = drawn.size - QUIET - 1;
        for corner in ["M4 4h1".into(), format!("M{far} 4h1"), format!("M4 {far}h1")] {
            assert!(drawn.path.contains(&corner), "{corner}");
        }
        assert!(!drawn.path.contains("M3 ") && !drawn.path.contains(" 3h1"));
        assert_eq!(draw(&"x".repeat(5_000)), None);
    }
}
