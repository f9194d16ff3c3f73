//! A worker that is killed again and again.

use std::time::Duration;

use anyhow::{Result, ensure};
use mailvan_local::proxy::{Network, Proxy};
use mailvan_local::samples::small;
use mailvan_local::stack::Parameters;
use mailvan_local::world::Plan;
use mailvan_tests::{PATIENCE, cut_over, ensure_identical, rest};

/// How often `sync` is killed.
const KILLS: u64 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_messages_survive_twenty_kills_and_none_is_doubled() -> Result<()> {
    let account = small("dock@harbour.example", "Kaimauer", 3000, 31);
    // What may come from the source grows with the kills, and half of the mail has come with the last
    // one: the pass cannot be over before, however quick the machine is.
    let share = u64::try_from(account.size_bytes())? / 2 / KILLS;
    let mut plan = Plan::new("killed", vec![account]);
    // Short runs, small batches and a lane a folder, so that the kills meet every moment of the work.
    plan.limits = "lanes = 6\nbatch_messages = 20\nchunk_messages = 200".to_owned();
    plan.parameters = Parameters {
        sync_timeout_seconds: 10,
        sync_visibility_seconds: 21,
        ..plan.parameters
    };
    let world = plan.start(|_| {}).await?;
    let slow = Network {
        round_trip: Duration::from_millis(60),
        // About a share between two kills.
        bandwidth: Some(share / 4),
        ..Network::default()
    };
    let proxy = Proxy::start(world.source.address(), slow)?;
    proxy.allow_to_clients(share);
    let order = world.customer.order_by_csv(&world.csv(proxy.port())).await?;
    let begun = tokio::time::Instant::now();
    let (mut kills, mut wait) = (0, 371);
    while kills < KILLS {
        // A pseudo-random moment: between a fifth of a second and one and a half.
        wait = wait * 1_103_515_245 % 12_345 + 200;
        tokio::time::sleep(Duration::from_millis(wait % 1300 + 200)).await;
        let status = world.customer.status(&order).await?;
        ensure!(
            ["awaiting_upload", "checking", "scheduled", "first_pass"].contains(&status.state.as_str()),
            "the pass was over after {kills} kills: {status:?}"
        );
        ensure!(
            begun.elapsed() < PATIENCE,
            "only {kills} kills in {PATIENCE:?}: {status:?}"
        );
        if status.mailboxes.iter().all(|mailbox| mailbox.state != "copying") {
            continue;
        }
        let victims = world.emulator.function_processes("sync")?;
        if let Some(victim) = victims.get(usize::try_from(kills)? % victims.len().max(1)) {
            let killed = std::process::Command::new("kill")
                .args(["-9", &victim.to_string()])
                .status()?;
            kills += u64::from(killed.success());
            proxy.allow_to_clients(share * (kills + 1));
        }
    }
    proxy.set_network(Network::default());
    proxy.allow_to_clients(u64::MAX);
    let status = rest(&world, &order).await?;
    assert_eq!(status.state, "awaiting_cutover", "{status:?}");
    ensure_identical(&world)?;
    assert_eq!(cut_over(&world, &order).await?.state, "completed");
    ensure_identical(&world)
}
