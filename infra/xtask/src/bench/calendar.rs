//! A large calendar: Mailvan's import beside the server's own ceiling, which is the same objects put by the plainest
//! client with as many connections.
//!
//! The server is a Radicale whose store is in memory and has an index of its UIDs; without that it looks through the
//! whole calendar at each PUT.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use mailvan_local::radicale::{Logins, Radicale};
use mailvan_local::venv::Venv;
use serde::Serialize;

use super::measure::Taken;
use super::site::Scratch;

/// As many requests at once as a profile has by default.
const CONNECTIONS: usize = 4;
const PASSWORD: &str = "bench";
const IMPORTED: &str = "imported@bench.example";
const CEILING: &str = "ceiling@bench.example";

/// A measurement.
#[derive(Debug, Serialize)]
struct Row {
    tool: &'static str,
    events: usize,
    connections: usize,
    seconds: f64,
    events_a_second: f64,
    cpu_seconds: f64,
    peak_rss_mb: f64,
}

/// Imports a calendar of so many events, puts the same ones, and writes `calendar.json` into `out`.
///
/// # Errors
/// If a step fails, or an event is missing.
pub async fn run(root: &Path, bench: &Path, events: usize, out: &Path) -> Result<()> {
    println!("\ncalendar: {events} events, {CONNECTIONS} requests at once");
    let venv = Venv::prepare(root).await?;
    let memory = Scratch::create()?;
    let logins = Logins {
        user_password: PASSWORD.to_owned(),
        master_user: "nobody".to_owned(),
        master_password: "nothing".to_owned(),
    };
    let server = Radicale::start_indexed(&venv, &memory.path.join("dav"), &logins)?;
    let file = memory.path.join("calendar.ics");
    write(&file, events)?;

    let mut import = Command::new(bench);
    import.args(["import", "--url", &server.url(), "--user", IMPORTED, "--file"]);
    import.arg(&file);
    let imported = row("mailvan", events, measure(&mut import)?);
    let objects = server.objects(IMPORTED)?;
    ensure!(objects.len() == events, "{} of {events} events arrived", objects.len());
    let first = objects.first().and_then(|(path, _)| path.parent());
    let folder = first.context("no event arrived")?;

    let mut put = Command::new(bench);
    put.args(["put", "--server", &server.address().to_string(), "--user", CEILING]);
    put.args(["--calendar", &format!("/{CEILING}/calendar/"), "--objects"]);
    put.arg(folder);
    let ceiling = row("ceiling", events, measure(&mut put)?);
    let there = server.objects(CEILING)?.len();
    ensure!(there == events, "{there} of {events} objects were put");

    let rows = [imported, ceiling];
    println!("\n| {events} events | seconds | events/s | CPU s | peak RSS MB |\n| --- | ---: | ---: | ---: | ---: |");
    for row in &rows {
        println!(
            "| {} | {:.1} | {:.0} | {:.1} | {:.0} |",
            row.tool, row.seconds, row.events_a_second, row.cpu_seconds, row.peak_rss_mb
        );
    }
    fs::write(out.join("calendar.json"), serde_json::to_vec_pretty(&rows)?)?;
    Ok(())
}

fn row(tool: &'static str, events: usize, taken: Taken) -> Row {
    let count = u32::try_from(events).map_or(f64::INFINITY, f64::from);
    Row {
        tool,
        events,
        connections: CONNECTIONS,
        seconds: taken.seconds,
        events_a_second: count / taken.seconds,
        cpu_seconds: taken.cpu_seconds,
        peak_rss_mb: taken.peak_rss_mb,
    }
}

fn measure(command: &mut Command) -> Result<Taken> {
    let mut child = command
        .args(["--connections", &CONNECTIONS.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        writeln!(stdin, "{PASSWORD}")?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("it failed ({})", output.status);
    }
    serde_json::from_slice(&output.stdout).context("what it took")
}

/// A calendar as people have: single events, whole days, and series with an occurrence that was moved.
fn write(path: &Path, events: usize) -> Result<()> {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Bench//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n\
        BEGIN:DAYLIGHT\r\nDTSTART:19810329T020000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nTZOFFSETFROM:+0100\r\n\
        TZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\nBEGIN:STANDARD\r\nDTSTART:19961027T030000\r\n\
        RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        .to_owned();
    for n in 0..events {
        let (day, hour) = (1 + n % 28, 8 + n % 10);
        let (month, year) = (1 + n % 12, 2000 + n % 26);
        let common = format!(
            "UID:{n}@bench.example\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Event {n}\r\nLOCATION:Room {}\\, Berlin\r\n\
             DESCRIPTION:What it is about\\, in some more words than its title has\\, as most of them are written\\n\\nBye\r\n",
            n % 40
        );
        let start = match n % 10 {
            0 => format!("DTSTART;VALUE=DATE:{year}{month:02}{day:02}\r\n"),
            1 => format!(
                "DTSTART;TZID=Europe/Berlin:{year}{month:02}{day:02}T{hour:02}0000\r\nRRULE:FREQ=WEEKLY;COUNT=10\r\n"
            ),
            _ => format!("DTSTART;TZID=Europe/Berlin:{year}{month:02}{day:02}T{hour:02}0000\r\nDURATION:PT1H\r\n"),
        };
        write!(text, "BEGIN:VEVENT\r\n{common}{start}END:VEVENT\r\n")?;
        if n % 10 == 1 {
            let at = format!("TZID=Europe/Berlin:{year}{month:02}{day:02}T{hour:02}");
            write!(
                text,
                "BEGIN:VEVENT\r\n{common}RECURRENCE-ID;{at}0000\r\nDTSTART;{at}3000\r\nEND:VEVENT\r\n"
            )?;
        }
    }
    text.push_str("END:VCALENDAR\r\n");
    File::create(path)?.write_all(text.as_bytes())?;
    Ok(())
}
