//! The results as a picture: one bar a tool, one panel a line, readable on light and dark ground.

use std::fmt::Write as _;

use super::report::Row;
use super::site::LONG_MS;
use super::tool::{LANES, Pass, Tool};

const WIDTH: f64 = 760.0;
const LABELS: f64 = 150.0;
const VALUES: f64 = 150.0;
const BAR: f64 = 20.0;
const STEP: f64 = 29.0;
const PANEL_HEAD: f64 = 44.0;
const MARGIN: f64 = 16.0;

const STYLE: &str = "\
text { font: 14px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 }
.head { font-weight: 600 }
.faint { fill: #59636e }
.ours { fill: #0969da }
.peer { fill: #9aa4af }
.ceiling { fill: none; stroke: #9aa4af; stroke-width: 1.5; stroke-dasharray: 4 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .faint { fill: #9198a1 }
  .ours { fill: #4493f8 }
  .peer { fill: #6e7681 }
  .ceiling { stroke: #6e7681 }
}";

/// Draws the first passes of an account, with what its deltas took beside; nothing where it was not measured.
pub fn draw(rows: &[Row], account: &str) -> Option<String> {
    let panels: Vec<Vec<&Row>> = [0, LONG_MS]
        .iter()
        .map(|rtt_ms| panel(rows, account, *rtt_ms))
        .collect();
    let bars = || panels.iter().flatten();
    let first = bars().next()?;
    let longest = bars().map(|row| row.seconds).fold(0.0, f64::max);
    let scale = (WIDTH - LABELS - VALUES - 2.0 * MARGIN) / longest.max(0.001);
    let mut body = String::new();
    let mut y = MARGIN + 18.0;
    let title = format!("Copying {}: seconds, less is better", first.extent());
    let _ = writeln!(body, "<text class=\"title\" x=\"{MARGIN}\" y=\"{y}\">{title}</text>");
    y += 20.0;
    let machine =
        "Dovecot to Dovecot, two cores, stores in memory. In brackets: the delta of 10 new messages and 20 flags.";
    let _ = writeln!(
        body,
        "<text class=\"faint\" x=\"{MARGIN}\" y=\"{y}\" font-size=\"12\">{machine}</text>"
    );
    for panel in panels.iter().filter(|panel| !panel.is_empty()) {
        y += PANEL_HEAD;
        let line = match panel.first().map_or(0, |row| row.rtt_ms) {
            0 => "First pass, both servers near (0 ms)".to_owned(),
            rtt_ms => format!("First pass, round trip of {rtt_ms} ms to both servers"),
        };
        let _ = writeln!(
            body,
            "<text class=\"head\" x=\"{MARGIN}\" y=\"{:.1}\">{line}</text>",
            y - 14.0
        );
        for row in panel {
            bar(&mut body, y, row, delta(rows, row), scale);
            y += STEP;
        }
    }
    let height = y + MARGIN;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">\n<style>{STYLE}</style>\n{body}</svg>\n"
    ))
}

/// Mailvan, its peers and the honest ceiling, the fastest first.
fn panel<'a>(rows: &'a [Row], account: &str, rtt_ms: u32) -> Vec<&'a Row> {
    let shown = |row: &&Row| {
        let tool = row.kind.0;
        (row.account, row.rtt_ms, row.kind.1) == (account, rtt_ms, Pass::First)
            && (tool.copies() || tool == Tool::Ceiling(LANES))
    };
    let mut panel: Vec<&Row> = rows.iter().filter(shown).collect();
    panel.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    panel
}

fn delta<'a>(rows: &'a [Row], of: &Row) -> Option<&'a Row> {
    rows.iter()
        .find(|row| (row.account, row.rtt_ms, row.kind) == (of.account, of.rtt_ms, (of.kind.0, Pass::Delta)))
}

fn bar(body: &mut String, y: f64, row: &Row, delta: Option<&Row>, scale: f64) {
    let (class, name) = match row.kind.0 {
        Tool::Mailvan => ("ours", "Mailvan".to_owned()),
        Tool::Service => ("ours", "Mailvan's service".to_owned()),
        Tool::Ceiling(_) => ("ceiling", "ceiling".to_owned()),
        other => ("peer", other.to_string()),
    };
    let (left, width) = (MARGIN + LABELS, (row.seconds * scale).max(1.5));
    let middle = y + BAR * 0.5 + 5.0;
    let mut value = format!("{:.1}", row.seconds);
    if let Some(delta) = delta {
        let _ = write!(value, " ({:.2})", delta.seconds);
    }
    if row.identical == Some(false) {
        value.push_str(" *");
    }
    let _ = writeln!(
        body,
        "<text x=\"{:.1}\" y=\"{middle:.1}\" text-anchor=\"end\">{name}</text>\
         <rect class=\"{class}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>\
         <text x=\"{:.1}\" y=\"{middle:.1}\">{value}</text>",
        left - 10.0,
        left + width + 8.0
    );
}
