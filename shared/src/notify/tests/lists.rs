//! Long lists are cut, and the rest counted.

use super::*;
use crate::notify::view::LISTED_MAILBOXES;
use crate::notify::view::rows::LISTED_ROWS;

#[test]
fn refused_lists_fifty_rows_and_counts_the_rest() {
    let faults: Vec<Fault> = (2..=60)
        .map(|row| Fault::at(row, "port", FaultCode::BadPort, "write a number"))
        .collect();
    let mail = composed(
        NoticeKind::Refused { generation: 1 },
        &request(RequestState::NeedsAttention),
        &[],
        &faults,
    );
    assert_eq!(mail.text.matches("Column port").count(), LISTED_ROWS);
    assert_eq!(mail.html.matches("<li").count(), LISTED_ROWS);
    assert!(mail.text.contains("... and 9 more rows, see the report"));
    assert!(mail.html.contains("… and 9 more rows, see the report"));
}

#[test]
fn a_hundred_mailboxes_are_listed_and_the_rest_counted() {
    let jobs: Vec<JobRecord> = (1..=1_250)
        .map(|row| job(row, &format!("box{row}"), JobState::Completed, Pass::Final))
        .collect();
    let mail = composed(NoticeKind::Finished, &request(RequestState::Completed), &jobs, &[]);
    assert_eq!(mail.text.matches("\n- box").count(), LISTED_MAILBOXES);
    assert!(
        mail.text.contains("... and 1,150 more, see the report")
            && mail.html.contains("… and 1,150 more, see the report")
    );
    let failures: Vec<JobRecord> = (1..=101)
        .map(|row| failed(row, &format!("box{row}"), Pass::First))
        .collect();
    let mail = composed(
        NoticeKind::FirstPassDone,
        &request(RequestState::AwaitingCutover),
        &failures,
        &[],
    );
    assert!(mail.text.contains("... and 1 more, see the report") && mail.html.contains("… and 1 more, see the report"));
}
