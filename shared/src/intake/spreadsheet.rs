//! Cells that a spreadsheet does not execute.

use std::borrow::Cow;

/// The cell as it may stand in a CSV that people open in a spreadsheet: one that a program could
/// take for a formula gets a leading apostrophe.
///
/// The signs are those of [OWASP's page on CSV
/// injection](https://owasp.org/www-community/attacks/CSV_Injection). Quoting for CSV is the
/// writer's task.
///
/// ```
/// # use mailvan::intake::spreadsheet_safe;
/// assert_eq!(spreadsheet_safe("=1+1"), "'=1+1");
/// assert_eq!(spreadsheet_safe("anna@example.com"), "anna@example.com");
/// ```
pub fn spreadsheet_safe(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_text_and_text_is_left_alone() {
        for cell in ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(spreadsheet_safe(cell), format!("'{cell}"));
        }
        for cell in ["", "a=b", "anna@example.com", "'=1", " =1"] {
            assert_eq!(spreadsheet_safe(cell), cell);
        }
    }
}
