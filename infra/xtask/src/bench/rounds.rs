//! The tools side by side, in turns.

use anyhow::{Result, bail};
use mailvan_local::compare::{AccountView, read_account};
use mailvan_local::dovecot::Login;
use mailvan_local::samples::bulk::PASSWORD;
use mailvan_local::samples::{SampleAccount, touch};

use super::measure;
use super::report::Run;
use super::site::{DUPLICATE, Route, Site};
use super::tool::{Pass, Tool};

/// In so many folders there is a new message and two changed flags when the delta is measured.
pub const TOUCHED_FOLDERS: usize = 10;

/// What is measured with one account.
pub struct Plan<'a> {
    /// What the account is called in the results.
    pub account: &'static str,
    /// The account, which the source holds under this name already.
    pub sample: &'a SampleAccount,
    /// The tools.
    pub tools: &'a [Tool],
    /// How often.
    pub rounds: usize,
    /// The round-trip time of the lines, 0 for none.
    pub rtt_ms: u32,
    /// Whether a delta follows the first pass.
    pub delta: bool,
}

impl Plan<'_> {
    /// Runs all rounds. Each begins with the account as it was filled, at a source user of its own.
    ///
    /// # Errors
    /// If Mailvan fails; a peer that fails only lacks a result.
    pub fn run(&self, site: &Site, runs: &mut Vec<Run>) -> Result<()> {
        for round in 0..self.rounds {
            let mut tools = self.tools.to_vec();
            tools.rotate_left(round % self.tools.len().max(1));
            self.round(site, &tools, runs)?;
        }
        Ok(())
    }

    fn round(&self, site: &Site, tools: &[Tool], runs: &mut Vec<Run>) -> Result<()> {
        let login = Login::new(DUPLICATE, PASSWORD);
        site.source.remove_mail(DUPLICATE)?;
        site.source.duplicate_mail(&self.sample.login.user, DUPLICATE)?;
        let mut view = read_account(&site.source, DUPLICATE)?;
        let mut copies: Vec<(Tool, Route)> = Vec::new();
        for tool in tools {
            let route = site.route(*tool, self.rtt_ms)?;
            let taken = self.measure(site, *tool, Pass::First, &route, &view, runs)?;
            if tool.copies() && taken && self.delta {
                copies.push((*tool, route));
            } else {
                site.clear(&route)?;
            }
        }
        if self.delta {
            touch(&site.source, &login, self.sample, TOUCHED_FOLDERS)?;
            view = read_account(&site.source, DUPLICATE)?;
        }
        for (tool, route) in &copies {
            self.measure(site, *tool, Pass::Delta, route, &view, runs)?;
            site.clear(route)?;
        }
        site.source.remove_mail(DUPLICATE)
    }

    /// One measurement; whether the tool came to its end.
    fn measure(
        &self,
        site: &Site,
        tool: Tool,
        pass: Pass,
        route: &Route,
        source: &AccountView,
        runs: &mut Vec<Run>,
    ) -> Result<bool> {
        let taken = match measure::run(site, tool, pass, route) {
            Ok(taken) => taken,
            Err(error) if tool == Tool::Mailvan => return Err(error),
            Err(error) => {
                println!("  {error:#}");
                return Ok(false);
            }
        };
        let mut run = Run::new(tool, self.account, self.rtt_ms, pass, taken, source);
        if tool.copies() {
            let destination = read_account(&site.destination, &route.destination_user)?;
            let differences = measure::differences(source, &destination, site.destination.layout());
            run = run.compared(&differences);
            if let (Tool::Mailvan, Some(first)) = (tool, differences.first()) {
                bail!("mailvan's copy is not identical: {}; the first is {first}", run.note);
            }
        }
        println!("  {run}");
        runs.push(run);
        Ok(true)
    }
}
