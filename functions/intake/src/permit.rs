//! Who may order: whoever has the provider's permit, where the profile asks for one.

use anyhow::ensure;
use aws_lambda_events::http::HeaderMap;
use jiff::Timestamp;
use mailvan::permit::{self, MIN_SECRET_BYTES, Permit, PermitError};

use crate::problem::{Code, Problem};
use crate::{Deps, auth};

/// What an order may name; `None` where the provider asks for no permits.
///
/// # Errors
/// [`Code::PermitRequired`]; otherwise where the secret cannot be read or is too short.
pub async fn permit(deps: &Deps, headers: &HeaderMap, now: Timestamp) -> anyhow::Result<Option<Permit>> {
    let Some(name) = &deps.profile.orders.permit_secret else {
        return Ok(None);
    };
    let Some(permit) = auth::credential(headers) else {
        let detail = "Orders need a permit of the provider: send it as the header Authorization: Bearer <permit>. \
                      The link in the provider's customer area has it.";
        return Err(Problem::new(Code::PermitRequired, detail).into());
    };
    let secret = deps.secrets.named(name).await?;
    ensure!(
        secret.expose().len() >= MIN_SECRET_BYTES,
        "the secret {name} has fewer than {MIN_SECRET_BYTES} bytes: anybody could find it by trying"
    );
    permit::read(permit, &secret, now)
        .map(Some)
        .map_err(|error| refused(error).into())
}

fn refused(error: PermitError) -> Problem {
    let detail = format!("The permit is not taken: {error}. Get a new link from the provider's customer area.");
    Problem::new(Code::PermitRequired, detail)
}
