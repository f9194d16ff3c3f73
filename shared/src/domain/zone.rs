//! Time zones by name.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A time zone of the IANA database, such as `Europe/Berlin`, from the copy built into the program:
/// it reads nothing from the machine.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// A text that names no zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a time zone: write its name in the IANA database, such as Europe/Berlin or America/New_York")]
pub struct UnknownZone;

impl Zone {
    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Its rules.
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        match TimeZone::get(text.trim()) {
            Ok(zone) if !zone.is_unknown() && zone.iana_name().is_some() => Ok(Self(zone)),
            Ok(_) | Err(_) => Err(UnknownZone),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(text: String) -> Result<Self, UnknownZone> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_database_are_zones_and_nothing_else_is() {
        for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"] {
            assert_eq!(name.parse::<Zone>().unwrap().name(), name);
        }
        for name in [
            "",
            "Berlin",
            "CEST",
            "+01:00",
            "Europe/Berlin\0",
            "../etc/passwd",
            "Etc/Unknown",
        ] {
            assert_eq!(name.parse::<Zone>().map(String::from), Err(UnknownZone), "{name}");
        }
    }
}
