//! Where faults are made: a world with a migration in it, and what has been made so far.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

use super::fault::{Fault, Side};
use super::report::Tally;
use super::{Audience, Look};
use crate::customer::{Order, Status};
use crate::dovecot::Dovecot;
use crate::ministack::Kill;
use crate::proxy::{Network, Proxy};
use crate::world::World;

/// How often the stage looks around.
const TICK: Duration = Duration::from_millis(100);
/// How often the customer looks.
const LOOK_EVERY: Duration = Duration::from_millis(400);

/// So many bytes that no answer comes to are mail, and no command.
const MAIL_BYTES: u64 = 5_000;

const BOTH: [Side; 2] = [Side::Source, Side::Destination];

/// A world under faults.
pub(super) struct Stage<'a> {
    pub(super) world: World,
    pub(super) source_line: Proxy,
    pub(super) order: Option<Order>,
    pub(super) tally: Tally,
    pub(super) status: Option<Status>,
    audience: &'a dyn Audience,
    /// How the lines are when they are not slow: the source's, and the destination's.
    calm: [Network; 2],
    slow_until: Vec<(Side, Instant)>,
    kills: Vec<(Kill, &'static str)>,
    cuts_counted: u64,
    looked: Instant,
    window_bytes: u64,
    /// Invocations and messages that are under way.
    pub(super) busy: u64,
}

impl<'a> Stage<'a> {
    pub(super) fn new(world: World, calm: [Network; 2], audience: &'a dyn Audience) -> Result<Self> {
        let source_line = Proxy::start(world.source.address(), Network::default())?;
        let stage = Self {
            world,
            source_line,
            order: None,
            tally: Tally::default(),
            status: None,
            audience,
            calm,
            slow_until: Vec::new(),
            kills: Vec::new(),
            cuts_counted: 0,
            looked: Instant::now(),
            window_bytes: u64::MAX,
            busy: 0,
        };
        for side in BOTH {
            stage.calm_down(side);
        }
        Ok(stage)
    }

    /// Makes a fault. What waits for its moment is counted when it has come.
    pub(super) async fn make(&mut self, number: usize, fault: &Fault) -> Result<()> {
        self.audience.fault(number, fault);
        self.tally.planned(fault);
        match *fault {
            Fault::Kill { function, after } => {
                let kill = self.world.emulator.kill_at_work(function, after).await?;
                self.kills.push((kill, function));
                return Ok(());
            }
            Fault::Cut { side, cut } => {
                self.line(side).cut_once(cut);
                return Ok(());
            }
            Fault::LoseAnswer { ending } => {
                self.line(Side::Destination).lose_answer(MAIL_BYTES, ending);
                return Ok(());
            }
            Fault::Restart { side, is_orderly, down } => {
                let server = self.server(side);
                if is_orderly {
                    server.stop();
                } else {
                    server.kill()?;
                }
                tokio::time::sleep(down).await;
                self.server(side).restart()?;
            }
            Fault::DeliverAgain { queue, age_percent } => {
                if !self.world.emulator.deliver_again(queue, age_percent).await? {
                    bail!("{queue} has had no message that could come again");
                }
            }
            Fault::Refuse { how, percent, length } => self.world.emulator.refuse(how, percent, length).await?,
            Fault::Slow {
                side,
                round_trip,
                bandwidth,
                length,
            } => {
                self.line(side).set_network(Network {
                    round_trip,
                    bandwidth: Some(bandwidth),
                    cut: None,
                });
                self.slow_until.push((side, Instant::now() + length));
            }
        }
        self.tally.happened(fault.kind());
        Ok(())
    }

    /// Looks around for so long, or until `is_enough`.
    pub(super) async fn go_on(&mut self, at_most: Duration, is_enough: impl Fn(&Self) -> bool) -> Result<()> {
        let until = Instant::now() + at_most;
        while !is_enough(self) && Instant::now() < until {
            tokio::time::sleep(TICK).await;
            self.tick().await?;
        }
        Ok(())
    }

    /// How many faults wait for their moment.
    pub(super) fn waiting(&self) -> usize {
        self.kills.len() + BOTH.map(|side| self.line(side).waiting_cuts()).iter().sum::<usize>()
    }

    /// Sends a message again to each function that is to be killed and that nothing wakes by itself.
    pub(super) async fn wake_victims(&self, is_pass: bool) -> Result<()> {
        for (_, function) in &self.kills {
            let works_by_itself = match *function {
                "sync" => is_pass,
                "plan" => is_pass && self.any_is("planning"),
                _ => false,
            };
            let queue = if *function == "trigger" { "start" } else { function };
            if !works_by_itself {
                self.world.emulator.deliver_again(queue, 30).await?;
            }
        }
        Ok(())
    }

    /// Lets the cuts that still wait happen now.
    pub(super) fn cut_now(&self) {
        for side in BOTH {
            self.line(side).cut_now();
        }
    }

    /// Lets at most so much more mail through until the next look; `None` for as much as comes.
    pub(super) fn hold(&mut self, window_bytes: Option<u64>) {
        self.window_bytes = window_bytes.unwrap_or(u64::MAX);
        self.allow();
    }

    /// Messages copied, of all mailboxes together.
    pub(super) fn copied(&self) -> u64 {
        let mailboxes = self.status.iter().flat_map(|status| &status.mailboxes);
        mailboxes.map(|mailbox| mailbox.messages_copied).sum()
    }

    /// Whether a mailbox is in this state.
    pub(super) fn any_is(&self, state: &str) -> bool {
        let mut mailboxes = self.status.iter().flat_map(|status| &status.mailboxes);
        mailboxes.any(|mailbox| mailbox.state == state)
    }

    /// The request's state.
    pub(super) fn state(&self) -> &str {
        self.status.as_ref().map_or("", |status| &status.state)
    }

    /// The destination's line, or the source's.
    fn line(&self, side: Side) -> &Proxy {
        match (side, &self.world.destination_line) {
            (Side::Destination, Some(line)) => line,
            _ => &self.source_line,
        }
    }

    fn calm_down(&self, side: Side) {
        let [source, destination] = &self.calm;
        self.line(side).set_network(match side {
            Side::Source => source.clone(),
            Side::Destination => destination.clone(),
        });
    }

    fn server(&mut self, side: Side) -> &mut Dovecot {
        match side {
            Side::Source => &mut self.world.source,
            Side::Destination => &mut self.world.destination,
        }
    }

    fn allow(&self) {
        let through = self.source_line.counters().bytes_to_client;
        self.source_line
            .allow_to_clients(through.saturating_add(self.window_bytes));
    }

    async fn tick(&mut self) -> Result<()> {
        let now = Instant::now();
        for (side, _) in self
            .slow_until
            .extract_if(.., |(_, until)| *until <= now)
            .collect::<Vec<_>>()
        {
            self.calm_down(side);
        }
        let happened = self.world.emulator.happened().await?;
        for _ in self.kills.extract_if(.., |(kill, _)| happened.kills.contains(kill)) {
            self.tally.happened(super::fault::KINDS[0]);
        }
        self.tally.refused = happened.refused;
        self.busy = happened.busy;
        let cuts = BOTH.map(|side| self.line(side).counters().cut).iter().sum();
        for _ in self.cuts_counted..cuts {
            self.tally.happened(super::fault::KINDS[1]);
        }
        self.cuts_counted = cuts;
        if now.duration_since(self.looked) >= LOOK_EVERY {
            self.look().await;
            self.looked = Instant::now();
        }
        Ok(())
    }

    /// The customer looks; where AWS does not answer, again later.
    async fn look(&mut self) {
        if let Some(order) = &self.order
            && let Ok(status) = self.world.customer.status(order).await
        {
            self.status = Some(status);
            self.allow();
        }
        let mailboxes = self.status.iter().flat_map(|status| &status.mailboxes);
        self.audience.look(&Look {
            state: self.state().to_owned(),
            copied: self.copied(),
            total: mailboxes.map(|mailbox| mailbox.messages_total).sum(),
            waiting: self.waiting(),
            made: self.tally.counts(),
        });
    }
}
