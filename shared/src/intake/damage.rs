//! What spreadsheets do to a value before it is saved.
//!
//! A value that was changed cannot be told from the one that was meant, so it is refused with what
//! to do. What merely surrounds a value is taken off, except from passwords.

use crate::domain::FaultCode;

/// What spreadsheets show where a formula has no result, in the languages of the columns' names.
const ERRORS: [&str; 15] = [
    "#n/a", "#nv", "#name?", "#nom?", "#nombre?", "#nome?", "#ref!", "#bezug!", "#rif!", "#ref", "#value!", "#wert!",
    "#valeur!", "#valore!", "#div/0!",
];

/// Quotation marks that word processors put in, opening and closing.
const TYPOGRAPHIC: [(&[char], &[char]); 3] = [
    (&['“', '„', '”'], &['”', '“']),
    (&['‘', '‚', '’'], &['’', '‘']),
    (&['«', '»'], &['»', '«']),
];

/// The damage a cell shows by its text, whatever column it is in.
pub(super) fn of_text(cell: &str) -> Option<FaultCode> {
    let cell = cell.trim();
    if cell.len() > 64 {
        return None;
    }
    if cell.len() > 2 && cell.bytes().all(|byte| byte == b'#') {
        Some(FaultCode::SpreadsheetOverflow)
    } else if cell.starts_with('#') && ERRORS.contains(&cell.to_lowercase().as_str()) {
        Some(FaultCode::SpreadsheetError)
    } else if is_scientific(cell) {
        Some(FaultCode::AlteredBySpreadsheet)
    } else if in_typographic_quotes(cell).is_some() {
        Some(FaultCode::TypographicQuotes)
    } else {
        None
    }
}

/// What to do about a damage, for the customer.
pub(super) fn advice(code: FaultCode) -> &'static str {
    match code {
        FaultCode::SpreadsheetOverflow => {
            "the file has only #### here, which spreadsheets show in a column that is too narrow: make the column wider and save the file again."
        }
        FaultCode::SpreadsheetError => {
            "a formula of the spreadsheet has no result here: type the value itself into the cell."
        }
        FaultCode::AlteredBySpreadsheet => {
            "the spreadsheet took this for a number or a date and may have changed it: give the column the format Text and type the value in again."
        }
        FaultCode::TypographicQuotes => {
            "this stands in typographic quotation marks: take them off, or write straight ones (\") around the value."
        }
        _ => "this is a formula, and what it gives may be out of date: copy the column and paste it as values.",
    }
}

/// A value without what programs put around it: invisible marks, `mailto:`, the apostrophe that
/// keeps a spreadsheet from calculating, typographic quotation marks. Not for passwords.
pub(super) fn tidied(cell: &str) -> &str {
    let is_stray = |c: char| c.is_whitespace() || is_invisible(c);
    let cell = cell.trim_matches(is_stray);
    let cell = cell.strip_prefix('\'').unwrap_or(cell);
    let cell = in_typographic_quotes(cell).unwrap_or(cell);
    let cell = cell
        .split_at_checked("mailto:".len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("mailto:"))
        .map_or(cell, |(_, rest)| rest);
    cell.trim_matches(is_stray)
}

/// Characters without width: nobody types them, and they come along when text is copied.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

fn in_typographic_quotes(cell: &str) -> Option<&str> {
    TYPOGRAPHIC.iter().find_map(|(opening, closing)| {
        let inner = cell.strip_prefix(*opening)?.strip_suffix(*closing)?;
        (!inner.is_empty()).then_some(inner)
    })
}

/// Such as `1.23E+11` or `1,2E+05`: always with a sign and two digits at least, as programs write it.
fn is_scientific(cell: &str) -> bool {
    let Some((digits, exponent)) = cell.split_once("E+") else {
        return false;
    };
    let (whole, part) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    whole.len() == 1
        && all_digits(whole)
        && all_digits(part)
        && (2..=3).contains(&exponent.len())
        && all_digits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_from_values_that_look_odd() {
        for (cell, expected) in [
            ("########", Some(FaultCode::SpreadsheetOverflow)),
            (" #REF! ", Some(FaultCode::SpreadsheetError)),
            ("#BEZUG!", Some(FaultCode::SpreadsheetError)),
            ("1.23457E+11", Some(FaultCode::AlteredBySpreadsheet)),
            ("4E+15", Some(FaultCode::AlteredBySpreadsheet)),
            ("1,2E+05", Some(FaultCode::AlteredBySpreadsheet)),
            ("“hunter2”", Some(FaultCode::TypographicQuotes)),
            ("„hunter2“", Some(FaultCode::TypographicQuotes)),
            ("#1", None),
            ("##", None),
            ("#secret!", None),
            ("1E5", None),
            ("12E+05", None),
            ("aE+05", None),
            ("it’s", None),
            ("“", None),
            ("“”", None),
        ] {
            assert_eq!(of_text(cell), expected, "{cell}");
        }
    }

    #[test]
    fn what_surrounds_a_value_is_taken_off() {
        for (cell, expected) in [
            ("\u{200b}\u{a0}anna@example.com\u{feff}", "anna@example.com"),
            ("'993", "993"),
            ("MailTo:anna@example.com", "anna@example.com"),
            ("« imap.example.com »", "imap.example.com"),
            ("o'hara@example.com", "o'hara@example.com"),
            ("mailtö:x", "mailtö:x"),
            ("", ""),
        ] {
            assert_eq!(tidied(cell), expected, "{cell}");
        }
    }
}
