//! Which collection a component goes to.

use std::collections::hash_map::Entry;

use super::{Import, Journal, Place, Progress};
use crate::dav::Kind;
use crate::dav::server::DavError;

impl<J: Journal> Import<'_, J> {
    /// Where a component of a wanted collection goes. The server is asked once a run for what it has.
    pub(super) async fn place(
        &mut self,
        wanted: usize,
        component: &'static str,
        progress: &mut Progress,
    ) -> Result<Place, DavError> {
        if let Some(place) = self.places.get(&(wanted, component)) {
            return Ok(place.clone());
        }
        let Some(asked) = self.wanted.get(wanted) else {
            return Ok(Place::Nowhere("it belongs to no collection".to_owned()));
        };
        let home = match self.homes.entry(asked.kind) {
            Entry::Occupied(home) => home.into_mut(),
            Entry::Vacant(home) => home.insert(self.session.collections(asked.kind).await?),
        };
        let place = match self.session.collection_for(home, asked, component).await {
            Ok(chosen) => {
                if chosen.instead {
                    let kind = match asked.kind {
                        Kind::Contacts => "address book",
                        Kind::Calendar => "calendar",
                    };
                    let (wanted, other) = (asked.name.as_deref(), chosen.collection.name.as_deref());
                    progress.tell_once(&format!(
                        "the new provider made no {kind} {}; what belongs there was put into {}",
                        wanted.unwrap_or("of its own"),
                        other.unwrap_or("the one that is there")
                    ));
                }
                progress.of_collection(&chosen.collection, chosen.made);
                Place::Collection(chosen.collection)
            }
            Err(error @ (DavError::Refused { .. } | DavError::NoSuchHome("collection"))) => {
                Place::Nowhere(format!("the new provider has no place for a {component}: {error}"))
            }
            Err(error) => return Err(error),
        };
        self.places.insert((wanted, component), place.clone());
        Ok(place)
    }
}
