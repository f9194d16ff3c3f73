//! The customers' page in a browser, on the deployed stack: everything a customer does is done there.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use mailvan_local::browser::Browser;
use mailvan_local::samples::accounts;
use mailvan_local::world::Plan;
use mailvan_tests::{ensure_identical, whole_table};
use serde_json::json;

/// A browser that is slow is not what is tested.
const PATIENCE: Duration = Duration::from_mins(6);

/// As mail programs show them; the screenshots are in `target/screenshots/notices` afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn every_notice_can_be_read_at_the_width_of_a_phone() -> Result<()> {
    Browser::prepare().await?.run(&["notices.mjs"], &[], PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_moves_mailboxes_by_the_page_alone() -> Result<()> {
    let browser = Browser::prepare().await?;
    browser.run(&["--test", "unit/"], &[], PATIENCE).await?;
    let mut plan = Plan::new("page", accounts(40, 6));
    plan.has_dav = true;
    let world = plan.start(|_| {}).await?;
    let page = world.page_link()?;
    let login = |index: usize| {
        let account = world.accounts.get(index);
        account.map(|account| json!({ "user": account.login.user, "password": account.login.password }))
    };
    let logins: Vec<_> = (0..world.accounts.len()).filter_map(login).collect();
    let variables = [
        ("PAGE_URL", page.as_str()),
        ("SOURCE_PORT", &world.source.port().to_string()),
        ("LOGINS", &json!(logins).to_string()),
    ];
    browser.run(&["flow.mjs"], &variables, PATIENCE).await?;
    ensure_identical(&world)?;
    // The contacts of the second mailbox: what was sent and can be read, and nothing of what was taken back.
    let second = world.accounts.get(1).context("no second mailbox")?;
    let dav = world.dav.as_ref().context("no server for contacts")?;
    let contacts = dav.objects(&second.login.user)?;
    ensure!(contacts.len() == 2, "{contacts:?}");
    for name in ["FN:Ada Example", "FN:Bea Example"] {
        ensure!(
            contacts.iter().any(|(_, text)| text.contains(name)),
            "{name}: {contacts:?}"
        );
    }
    let told = whole_table(&world).await?;
    for account in &world.accounts {
        ensure!(!told.contains(&account.login.password), "{}", account.login.user);
    }
    browser.run(&["gallery.mjs"], &variables, PATIENCE).await
}
