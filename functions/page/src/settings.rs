//! What the page has to know of the provider. All of it is public.

use jiff::Timestamp;
use mailvan::domain::{Language, earliest_start};
use mailvan::profile::{DestinationAuth, Profile};
use serde_json::{Value, json};

use crate::{Deps, assets};

/// What the page reads first.
pub fn document(deps: &Deps, now: Timestamp) -> Value {
    let profile = &deps.profile;
    let zone = &profile.provider.time_zone;
    let clients = &profile.clients;
    json!({
        "version": assets::VERSION,
        "languages": languages(profile),
        "provider": { "name": profile.provider.name, "time_zone": zone.name(), "support": profile.notices.support },
        // What is entered into mail programs.
        "imap": clients.imap,
        "smtp": clients.smtp,
        "help": clients.help,
        "apple_profiles": clients.smtp.is_some(),
        // Else nobody but the customer can open the new mailbox.
        "needs_destination_password": profile.imap.auth == DestinationAuth::Password,
        // Else the provider's link is needed to order.
        "needs_permit": profile.orders.permit_secret.is_some(),
        "contacts_and_calendars": profile.dav.is_some(),
        "earliest_start": earliest_start(now, profile.provider.workdays(), deps.lead_times).to_string(),
    })
}

/// The languages of the page, first the one for visitors who have none of the others: those that the provider names, or
/// else all that there is a file for.
fn languages(profile: &Profile) -> Vec<&'static str> {
    if let Some(named) = &profile.provider.languages {
        return named.iter().map(|language| language.tag()).collect();
    }
    let first = Language::default().tag();
    let others = assets::languages().into_iter().filter(|name| *name != first);
    std::iter::once(first).chain(others).collect()
}

/// The provider's colour, as a style sheet; empty where the profile names none.
pub fn brand(profile: &Profile) -> String {
    let accent = profile.provider.accent;
    accent.map_or_else(String::new, |accent| format!(":root {{ --brand: {accent}; }}\n"))
}
