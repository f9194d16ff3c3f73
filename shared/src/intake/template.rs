//! The file customers download and fill in, as CSV and as a workbook.
//!
//! It has one example row, because a header alone does not show what goes where. A row that still
//! has the example's server is refused with [`ExampleRow`](crate::domain::FaultCode::ExampleRow):
//! that name ends in `.example`, which never exists (RFC 6761), so no true row can be meant.

use rust_xlsxwriter::{DataValidation, Format, Workbook, XlsxError};

use super::MAX_ROWS;
use super::header::Column;

/// The template as CSV.
pub const TEMPLATE_CSV: &str = "email,password,source_host,port,security,source_user,destination_email,destination_password\r\n\
    anna@example.com,the password there,imap.previous-provider.example,993,tls,anna@example.com,anna@example.com,\r\n";

/// The server of the template's example row.
pub(super) const EXAMPLE_HOST: &str = "imap.previous-provider.example";

/// The template as an .xlsx workbook. All its cells have the format Text, so that a spreadsheet
/// leaves passwords as they are typed.
///
/// # Errors
/// None that can be mended: the content is fixed.
pub fn template_xlsx() -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let text = Format::new().set_num_format("@");
    let bold = text.clone().set_bold();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Mailboxes")?.set_freeze_panes(1, 0)?;
    for (row, line) in (0..).zip(TEMPLATE_CSV.lines()) {
        for (column, cell) in (0..).zip(line.split(',')) {
            let format = if row == 0 { &bold } else { &text };
            sheet.set_column_width(column, 28)?;
            sheet.set_column_format(column, &text)?;
            sheet.write_string_with_format(row, column, cell, format)?;
        }
    }
    let security = Column::ALL.iter().position(|column| *column == Column::Security);
    if let Some(security) = security.and_then(|place| u16::try_from(place).ok()) {
        let choice = DataValidation::new().allow_list_strings(&["tls", "starttls"])?;
        let last = u32::try_from(MAX_ROWS).unwrap_or(u32::MAX);
        sheet.add_data_validation(1, security, last, security, &choice)?;
    }
    workbook.save_to_buffer()
}
