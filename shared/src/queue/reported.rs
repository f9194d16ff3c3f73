//! What S3 reports of its objects.

use aws_lambda_events::event::s3::S3Event;
use aws_lambda_events::event::sqs::SqsMessage;
use serde::Deserialize;

use super::decode;

/// What S3 sends when its notification is set up.
#[derive(Deserialize)]
struct StorageTest {
    #[serde(rename = "Event")]
    event: String,
}

/// The keys of the objects that a message of S3's reports; none where it is S3's test of the notification.
///
/// # Errors
/// Where it is no message of S3's; the text is not repeated.
pub fn reported_keys(message: &SqsMessage) -> Result<Vec<String>, serde_json::Error> {
    if decode::<StorageTest>(message).is_ok_and(|test| test.event == "s3:TestEvent") {
        return Ok(Vec::new());
    }
    let event: S3Event = decode(message)?;
    let keys = event.records.into_iter().map(|record| record.s3.object.key);
    Ok(keys.map(Option::unwrap_or_default).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(body: &str) -> Result<Vec<String>, serde_json::Error> {
        let mut message = SqsMessage::default();
        message.body = Some(body.to_owned());
        reported_keys(&message)
    }

    #[test]
    fn the_test_of_a_notification_reports_nothing() {
        let test = r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}"#;
        assert!(keys(test).unwrap().is_empty());
    }

    #[test]
    fn each_object_is_reported_by_its_key() {
        let event = r#"{"Records": [{"eventTime": "2026-11-23T10:00:00Z", "s3": {"bucket": {}, "object": {"key": "uploads/a/1.csv"}}, "userIdentity": {},
            "requestParameters": {}, "responseElements": {}}]}"#;
        assert_eq!(keys(event).unwrap(), ["uploads/a/1.csv"]);
        assert!(keys("[]").is_err());
    }
}
