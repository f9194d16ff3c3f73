//! What is measured: Mailvan, its peers, and the ceilings of the servers.

use std::fmt;

/// How many connections to each side Mailvan has by default.
pub const LANES: usize = 3;

/// Something that moves mail, or a part of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// Mailvan's engine alone, without the service around it.
    Mailvan,
    /// Mailvan as it is deployed: functions, queues, table.
    Service,
    /// interimap.
    Interimap,
    /// mbsync of isync.
    Mbsync,
    /// `doveadm backup -R`: reads by IMAP and writes the destination's files itself.
    Doveadm,
    /// Reading only, with so many connections.
    Drain(usize),
    /// Writing what is in memory only, with so many connections.
    Append(usize),
    /// Both of them at the same time, with so many connections to each side.
    Ceiling(usize),
}

/// What is done with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pass {
    /// It is looked through, and nothing copied yet.
    Plan,
    /// All of it is copied into an empty mailbox.
    First,
    /// It is copied once more a little later: a few messages are new, a few flags changed.
    Delta,
}

impl Tool {
    /// Those of a quick run.
    pub const FEW: &[Self] = &[Self::Mailvan, Self::Interimap, Self::Ceiling(1), Self::Ceiling(LANES)];

    /// All but the service, which is measured by itself.
    pub const ALL: &[Self] = &[
        Self::Mailvan,
        Self::Interimap,
        Self::Mbsync,
        Self::Doveadm,
        Self::Drain(1),
        Self::Drain(LANES),
        Self::Append(1),
        Self::Append(LANES),
        Self::Ceiling(1),
        Self::Ceiling(LANES),
    ];

    /// Whether it leaves a copy, which a delta can follow.
    pub fn copies(self) -> bool {
        !matches!(self, Self::Drain(_) | Self::Append(_) | Self::Ceiling(_))
    }

    /// The subcommand of `mailvan-bench`, of a ceiling.
    pub fn ceiling(self) -> Option<(&'static str, usize)> {
        match self {
            Self::Drain(connections) => Some(("drain", connections)),
            Self::Append(connections) => Some(("append", connections)),
            Self::Ceiling(connections) => Some(("ceiling", connections)),
            _ => None,
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailvan => f.pad("mailvan"),
            Self::Service => f.pad("mailvan-service"),
            Self::Interimap => f.pad("interimap"),
            Self::Mbsync => f.pad("mbsync"),
            Self::Doveadm => f.pad("doveadm"),
            Self::Drain(connections) => f.pad(&format!("drain-{connections}")),
            Self::Append(connections) => f.pad(&format!("append-{connections}")),
            Self::Ceiling(connections) => f.pad(&format!("ceiling-{connections}")),
        }
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Plan => "plan",
            Self::First => "first",
            Self::Delta => "delta",
        })
    }
}
