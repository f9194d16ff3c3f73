//! `GET /v1/requests/{id}/mailboxes/{row}/settings.mobileconfig`: the file that sets up the new mailbox on Apple's
//! devices.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use mailvan::apple::apple_profile;
use mailvan::domain::JobId;
use mailvan::store::{RequestRecord, StoreError};

use crate::problem::{Code, Problem};
use crate::{Deps, response};

/// Answers with the file of the mailbox in this row, whatever its state: a customer who has changed the DNS needs it
/// before the final pass is over.
pub async fn settings(deps: &Deps, request: &RequestRecord, row: u32) -> anyhow::Result<ApiGatewayV2httpResponse> {
    let id = JobId::new(request.request_id, request.generation, row);
    let job = match deps.store.job(id).await {
        Err(StoreError::Missing(_)) => {
            let detail = "There is no mailbox in this row: the status shows the rows of all mailboxes.";
            return Err(Problem::new(Code::NoSuchMailbox, detail).into());
        }
        job => job?,
    };
    let Some(file) = apple_profile(&job.destination, &deps.profile, request.language)? else {
        let detail = "The provider has not named its server of outgoing mail: take the settings from its own pages.";
        return Err(Problem::new(Code::NoSettings, detail).into());
    };
    Ok(response::apple_profile(&format!("mailbox-{row}.mobileconfig"), file))
}
