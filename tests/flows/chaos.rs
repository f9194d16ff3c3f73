//! A short round of `cargo xtask chaos`.

use anyhow::{Result, ensure};
use mailvan_local::chaos::{Audience, Fault, Look, Round, run};

/// Nobody.
struct Silence;

impl Audience for Silence {
    fn step(&self, _: &str) {}

    fn fault(&self, _: usize, _: &Fault) {}

    fn look(&self, _: &Look) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn awkward_mail_arrives_once_and_is_certified_whatever_breaks_on_the_way() -> Result<()> {
    let round = Round {
        name: "chaos-flow",
        seed: 2004,
        faults: 24,
        messages: 600,
    };
    let report = run(round, &Silence).await?;
    ensure!(report.is_good(), "{report}");
    Ok(())
}
