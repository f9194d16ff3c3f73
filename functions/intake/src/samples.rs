//! Records and events for the unit tests.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use jiff::Timestamp;
use mailvan::domain::{
    Check, CheckCode, CheckFault, CheckState, CopyOptions, Endpoint, JobId, JobState, JobStatus, MailboxOrder, Pass,
    RequestId, RequestState, Secret,
};
use mailvan::store::{JobRecord, RequestRecord};
use serde_json::json;

/// A Tuesday.
pub fn now() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

/// The id of the sample request.
pub fn id() -> RequestId {
    "01arz3ndektsv4rrffq69g5fav".parse().unwrap()
}

/// A request without a window.
pub fn request(state: RequestState) -> RequestRecord {
    RequestRecord {
        generation: 1,
        ..RequestRecord::made(
            id(),
            state,
            "anna@example.com".parse().unwrap(),
            "token-hash".to_owned(),
            now(),
        )
    }
}

/// A check that found a wrong password.
pub fn wrong_password() -> Check {
    Check {
        state: CheckState::Failed,
        faults: vec![CheckFault::new(
            CheckCode::SourceWrongPassword,
            "The password is wrong",
            "Correct it",
        )],
        ..Check::default()
    }
}

/// A mailbox with some of its messages copied.
pub fn job(row: u32, state: JobState, pass: Option<Pass>) -> JobRecord {
    let address: mailvan::domain::EmailAddress = format!("user{row}@example.com").parse().unwrap();
    let order = MailboxOrder {
        source_user: address.to_string(),
        destination: address.clone(),
        address,
        password: Secret::from("hunter2"),
        source: Endpoint::with_defaults("imap.example.com".parse().unwrap(), None, None),
        seeks_source: false,
        destination_password: None,
    };
    let mut job = JobRecord::accepted(
        JobId::new(id(), 1, row),
        &order,
        "sealed-password".to_owned(),
        None,
        &CopyOptions::default(),
        now(),
    );
    job.status = JobStatus::new(state, pass).unwrap();
    (
        job.folders,
        job.messages_total,
        job.messages_copied,
        job.bytes_total,
        job.bytes_copied,
    ) = (3, 10, 4, 1000, 400);
    job
}

/// A call as the gateway hands it on.
pub fn event(method: &str, path: &str, body: Option<&str>) -> ApiGatewayV2httpRequest {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"},
            "accountId": "1", "apiId": "1", "stage": "$default", "requestId": "1", "timeEpoch": 0},
        "body": body,
        "isBase64Encoded": false,
    });
    serde_json::from_value(event).unwrap()
}
