//! The running API, compared with `infra/openapi.yaml`.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use mailvan_local::customer::Order;
use mailvan_local::schemathesis::Schemathesis;
use mailvan_local::workspace_root;
use mailvan_local::world::World;
use mailvan_tests::{nothing_secret_is_told, rest};
use reqwest::Method;
use serde_json::json;

use crate::attachments::announce;

/// A machine that is slow is not what is tested.
const PATIENCE: Duration = Duration::from_mins(6);

/// Calls everything that is described, in all the ways that are allowed and in many that are not, and compares the
/// answers: for `ended`, a request that has completed, for one with something to mend, one that waits for its file, and one
/// to cancel.
pub async fn the_running_api_is_the_described_one(world: &World, ended: &Order) -> Result<()> {
    let schemathesis = Schemathesis::prepare().await?;
    let customer = &world.customer;
    let port = world.source.port();
    let login = &world.accounts.first().context("no account")?.login.user;
    let faulty = format!(
        "email,password,source_host,port,security\n{login},wrong,127.0.0.1,{port},none\nnobody,Poller-9,,99999,maybe\n"
    );
    let open = customer.order_by_csv(&faulty).await?;
    ensure!(
        rest(world, &open).await?.state == "needs_attention",
        "faulty rows are taken"
    );
    let preview = format!("/v1/requests/{}/preview", open.id);
    customer.call(Method::POST, &preview, Some(&open), None).await?;
    let for_a_file = json!({ "contact_email": "customer@example.org", "csv_bytes": 9 });
    let (awaiting, spare) = (customer.order(&for_a_file).await?, customer.order(&for_a_file).await?);
    let (attachment, _) = announce(world, ended, b"VCARD", "contacts", "contacts.vcf").await?;
    let variables = [
        ("ENDED_ID", ended.id.as_str()),
        ("ENDED_TOKEN", &ended.token),
        ("PERMIT", &world.permit),
        ("ATTACHMENT", &attachment),
        ("OPEN_ID", &open.id),
        ("OPEN_TOKEN", &open.token),
        ("AWAITING_ID", &awaiting.id),
        ("AWAITING_TOKEN", &awaiting.token),
        ("SPARE_ID", &spare.id),
        ("SPARE_TOKEN", &spare.token),
    ];
    let api = world.stack.api_url()?;
    schemathesis.compare(&api, &[], &variables, PATIENCE).await?;
    // It would be noticed if an answer had a member that is not described.
    let path = workspace_root().join("target/openapi-other.yaml");
    fs::write(&path, without_a_member()?)?;
    let status_only = ["--include-operation-id", "getRequest"];
    let schemathesis = schemathesis.with_description(path);
    let compared = schemathesis.compare(&api, &status_only, &variables, PATIENCE).await;
    let noticed = compared.err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(
        noticed.contains("'next' was unexpected"),
        "a member that is not described passes: {noticed}"
    );
    nothing_secret_is_told(world, &[ended, &open, &awaiting, &spare]).await
}

/// The description without a member that the status has.
fn without_a_member() -> Result<String> {
    let mut text = fs::read_to_string(workspace_root().join("infra/openapi.yaml"))?;
    for (with, without) in [
        ("created_at, next, contact_email", "created_at, contact_email"),
        (
            "        next:\n          type: string\n",
            "        later:\n          type: string\n",
        ),
    ] {
        ensure!(text.contains(with), "the status is described otherwise");
        text = text.replacen(with, without, 1);
    }
    Ok(text)
}
