//! What came out: medians, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use mailvan_local::compare::{AccountView, Difference};
use serde::Serialize;

use super::measure::{Taken, summary};
use super::tool::{Pass, Tool};

/// One measurement.
#[derive(Clone, Debug)]
pub struct Run {
    /// Of what.
    pub tool: Tool,
    /// With which account.
    pub account: &'static str,
    /// Over lines with this round trip; 0 without lines.
    pub rtt_ms: u32,
    /// Which pass.
    pub pass: Pass,
    /// What it took.
    pub taken: Taken,
    /// Whether the copy was identical; nothing where there is none.
    pub identical: Option<bool>,
    /// What was not.
    pub note: String,
    /// The account's messages.
    pub messages: usize,
    /// Their bytes in the store.
    pub bytes: u64,
}

impl Run {
    /// A measurement of something that left no copy of `source` to be compared.
    pub fn new(tool: Tool, account: &'static str, rtt_ms: u32, pass: Pass, taken: Taken, source: &AccountView) -> Self {
        let messages = || source.folders.values().flatten();
        Self {
            tool,
            account,
            rtt_ms,
            pass,
            taken,
            identical: None,
            note: String::new(),
            messages: messages().count(),
            bytes: messages().map(|message| message.size_bytes).sum(),
        }
    }

    /// The same, with a copy that differs in this.
    pub fn compared(self, differences: &[Difference]) -> Self {
        Self {
            identical: Some(differences.is_empty()),
            note: summary(differences),
            ..self
        }
    }
}

/// The median of a tool's measurements of one kind, as it stands in `bench.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The tool.
    pub tool: String,
    /// The account.
    pub account: &'static str,
    /// The round trip.
    pub rtt_ms: u32,
    /// `first` or `delta`.
    pub pass: String,
    /// Median.
    pub seconds: f64,
    /// Median.
    pub cpu_seconds: f64,
    /// The greatest; nothing for a ceiling that keeps the account in memory.
    pub peak_rss_mb: Option<f64>,
    /// Whether all copies were identical.
    pub identical: Option<bool>,
    #[serde(skip)]
    pub(super) kind: (Tool, Pass),
    #[serde(skip)]
    note: String,
    #[serde(skip)]
    messages: usize,
    #[serde(skip)]
    bytes: u64,
}

/// The medians, in the order in which the kinds first came up.
pub fn rows(runs: &[Run]) -> Vec<Row> {
    let mut kinds: BTreeMap<_, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        let account = runs.iter().position(|other| other.account == run.account);
        kinds
            .entry((account, run.rtt_ms, run.pass, run.tool))
            .or_default()
            .push(run);
    }
    kinds.into_values().filter_map(|runs| row(&runs)).collect()
}

fn row(runs: &[&Run]) -> Option<Row> {
    let run = *runs.first()?;
    let median = |of: fn(&Taken) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(|run| of(&run.taken)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let peak = runs.iter().map(|run| run.taken.peak_rss_mb).fold(0.0, f64::max);
    let holds_account = matches!(run.tool, Tool::Append(_) | Tool::Ceiling(_));
    Some(Row {
        tool: run.tool.to_string(),
        account: run.account,
        rtt_ms: run.rtt_ms,
        pass: run.pass.to_string(),
        seconds: rounded(median(|taken| taken.seconds), 1_000.0),
        cpu_seconds: rounded(median(|taken| taken.cpu_seconds), 1_000.0),
        peak_rss_mb: (!holds_account).then(|| rounded(peak, 10.0)),
        identical: run
            .identical
            .map(|_| runs.iter().all(|run| run.identical == Some(true))),
        kind: (run.tool, run.pass),
        note: runs.iter().map(|run| run.note.clone()).max().unwrap_or_default(),
        messages: run.messages,
        bytes: run.bytes,
    })
}

impl Row {
    /// How much there was to copy.
    pub fn extent(&self) -> String {
        format!("{} messages, {:.0} MB", self.messages, megabytes(self.bytes))
    }
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

/// The table, in Markdown.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut group = None;
    for row in rows {
        if group != Some((row.account, row.rtt_ms, row.kind.1)) {
            group = Some((row.account, row.rtt_ms, row.kind.1));
            text.push_str(&heading(row));
        }
        let mailvan = rows.iter().find(|other| {
            other.kind.0 == Tool::Mailvan
                && (other.account, other.rtt_ms, other.kind.1) == (row.account, row.rtt_ms, row.kind.1)
        });
        text.push_str(&line(row, mailvan));
    }
    text
}

fn heading(row: &Row) -> String {
    format!(
        "\n**{}, {} pass, {} ms**: {}\n\n\
         | tool | seconds | messages/s | MB/s | CPU s | peak RSS MB | ratio to Mailvan | identical |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n",
        row.account,
        row.pass,
        row.rtt_ms,
        row.extent()
    )
}

fn line(row: &Row, mailvan: Option<&Row>) -> String {
    let all = row.kind.1 == Pass::First;
    let rate = |amount: f64, digits: usize| {
        if all {
            format!("{:.digits$}", amount / row.seconds)
        } else {
            "-".to_owned()
        }
    };
    let messages = u32::try_from(row.messages).map_or(0.0, f64::from);
    let ratio = mailvan.map_or("-".to_owned(), |mailvan| {
        format!("{:.2}", row.seconds / mailvan.seconds)
    });
    let peak = row.peak_rss_mb.map_or("-".to_owned(), |peak| format!("{peak:.0}"));
    let identical = match row.identical {
        None => "-".to_owned(),
        Some(true) => "yes".to_owned(),
        Some(false) => format!("no: {}", row.note),
    };
    format!(
        "| {} | {:.2} | {} | {} | {:.2} | {peak} | {ratio} | {identical} |\n",
        row.tool,
        row.seconds,
        rate(messages, 0),
        rate(megabytes(row.bytes), 1),
        row.cpu_seconds
    )
}

fn megabytes(bytes: u64) -> f64 {
    u32::try_from(bytes / 1_000).map_or(f64::INFINITY, f64::from) / 1_000.0
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Taken {
            seconds,
            cpu_seconds,
            peak_rss_mb,
        } = self.taken;
        write!(
            f,
            "{:<16} {:<8} {:>2} ms {:<5} {seconds:8.2} s {cpu_seconds:7.2} s CPU {peak_rss_mb:6.0} MB",
            self.tool, self.account, self.rtt_ms, self.pass
        )?;
        match self.identical {
            Some(true) => f.write_str("  identical"),
            Some(false) => write!(f, "  not identical: {}", self.note),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(tool: Tool, seconds: f64, identical: bool) -> Run {
        Run {
            tool,
            account: "mixed",
            rtt_ms: 0,
            pass: Pass::First,
            taken: Taken {
                seconds,
                cpu_seconds: seconds / 2.0,
                peak_rss_mb: 10.0 * seconds,
            },
            identical: Some(identical),
            note: if identical { "" } else { "1 missing" }.to_owned(),
            messages: 1_000,
            bytes: 42_000_000,
        }
    }

    #[test]
    fn a_row_is_the_median_and_identical_only_when_every_run_was() {
        let runs = [
            run(Tool::Mbsync, 9.0, true),
            run(Tool::Mailvan, 2.0, true),
            run(Tool::Mbsync, 3.0, false),
            run(Tool::Mbsync, 4.0, true),
        ];
        let rows = rows(&runs);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[1].seconds, rows[1].peak_rss_mb), (4.0, Some(90.0)));
        assert_eq!((rows[0].identical, rows[1].identical), (Some(true), Some(false)));
        let table = table(&rows);
        assert!(
            table.contains("| mailvan | 2.00 | 500 | 21.0 | 1.00 | 20 | 1.00 | yes |"),
            "{table}"
        );
        assert!(
            table.contains("| mbsync | 4.00 | 250 | 10.5 | 2.00 | 90 | 2.00 | no: 1 missing |"),
            "{table}"
        );
    }
}
