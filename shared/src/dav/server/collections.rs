//! Address books and calendars: which there are, what they take, and new ones.

use std::collections::BTreeSet;

use libdav::caldav::{CalendarComponent, CreateCalendar};
use libdav::carddav::CreateAddressBook;
use libdav::dav::Propfind;
use libdav::names::{
    ADDRESSBOOK, CALENDAR, COMP, DISPLAY_NAME, RESOURCETYPE, RESPONSE, SUPPORTED_CALENDAR_COMPONENT_SET,
};
use libdav::{Depth, PropertyName};

use super::{DavError, DavSession, path_of};
use crate::dav::objects::Wanted;
use crate::dav::{Kind, hex, print_of};

const MAX_CALENDAR_BYTES: PropertyName<'_, '_> =
    PropertyName::new("urn:ietf:params:xml:ns:caldav", "max-resource-size");
const MAX_CARD_BYTES: PropertyName<'_, '_> = PropertyName::new("urn:ietf:params:xml:ns:carddav", "max-resource-size");

/// A collection of the mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its path.
    pub href: String,
    /// Its name.
    pub name: Option<String>,
    /// What it holds.
    pub kind: Kind,
    /// The components it takes; none where the server does not say.
    pub components: Option<BTreeSet<String>>,
    /// The largest object it takes; none where the server does not say.
    pub max_bytes: Option<u64>,
}

impl Collection {
    /// Whether it takes a component.
    pub fn takes(&self, component: &str) -> bool {
        self.components
            .as_ref()
            .is_none_or(|components| components.contains(component))
    }
}

impl DavSession {
    /// The collections of a kind in a home.
    pub(super) async fn collections_in(&self, home: &str, kind: Kind) -> Result<Vec<Collection>, DavError> {
        let (own, max) = match kind {
            Kind::Contacts => (&ADDRESSBOOK, &MAX_CARD_BYTES),
            Kind::Calendar => (&CALENDAR, &MAX_CALENDAR_BYTES),
        };
        let asked = Propfind::new(home)
            .with_properties(&[&RESOURCETYPE, &DISPLAY_NAME, &SUPPORTED_CALENDAR_COMPONENT_SET, max])
            .with_depth(Depth::One);
        let what = "the list of collections";
        let answer = self.client.request(asked).await.map_err(DavError::of(what))?;
        let document = answer.xml_tree().map_err(|error| DavError::Unreadable {
            what,
            why: error.to_string(),
        })?;
        let responses = document.descendants().filter(|node| node.tag_name() == RESPONSE);
        let mut found = Vec::new();
        for response in responses {
            let property = |name: &PropertyName<'_, '_>| response.descendants().find(|node| node.tag_name() == *name);
            let is_own =
                property(&RESOURCETYPE).is_some_and(|kinds| kinds.children().any(|node| node.tag_name() == *own));
            let href = response
                .children()
                .find(|node| node.tag_name().name() == "href")
                .and_then(|node| node.text());
            let Some(href) = href.filter(|_| is_own) else { continue };
            let path = path_of(href);
            let text = |name: &PropertyName<'_, '_>| property(name).and_then(|node| node.text()).map(str::trim);
            let components: BTreeSet<String> = response
                .descendants()
                .filter(|node| node.tag_name() == COMP)
                .filter_map(|node| node.attribute("name").map(str::to_uppercase))
                .collect();
            found.push(Collection {
                href: if path.ends_with('/') { path } else { format!("{path}/") },
                name: text(&DISPLAY_NAME).filter(|name| !name.is_empty()).map(str::to_owned),
                kind,
                components: (!components.is_empty()).then_some(components),
                max_bytes: text(max)
                    .and_then(|bytes| bytes.parse().ok())
                    .filter(|bytes| *bytes > 0),
            });
        }
        Ok(found)
    }

    /// The collection for a component of what is wanted: one of this name, or the first where no name is wanted; else a
    /// new one. The second value tells whether it was made. Made twice it is the same one.
    ///
    /// # Errors
    /// [`DavError`].
    pub async fn collection_for(&self, wanted: &Wanted, component: &str) -> Result<(Collection, bool), DavError> {
        let (home, found) = self.collections(wanted.kind).await?;
        let same = |name: &str| {
            wanted
                .name
                .as_ref()
                .is_none_or(|wanted| wanted.to_lowercase() == name.trim().to_lowercase())
        };
        let is_it = |collection: &&Collection| {
            collection.takes(component) && same(collection.name.as_deref().unwrap_or_default())
        };
        if let Some(collection) = found.iter().find(is_it) {
            return Ok((collection.clone(), false));
        }
        let name = wanted.name.clone().unwrap_or_else(|| "Imported".to_owned());
        let all: Vec<&str> = wanted.components.iter().map(|component| component.as_str()).collect();
        let mut last = DavError::NoSuchHome("collection");
        for components in [all, vec![component]] {
            let print = print_of(&[name.to_lowercase().as_bytes(), components.join(",").as_bytes()]);
            let href = format!("{home}mailvan-{}/", hex(print.get(..8).unwrap_or_default()));
            match self.make(wanted, &name, &components, &href).await {
                // Made by a run that was cut off before it could say so, or by another import.
                Ok(()) | Err(DavError::Refused { status: 405, .. }) => {
                    let made = self.collections_in(&home, wanted.kind).await?.into_iter();
                    let collection = made.into_iter().find(|collection| collection.href == href);
                    let collection = collection.unwrap_or_else(|| Collection {
                        href,
                        name: Some(name.clone()),
                        kind: wanted.kind,
                        components: None,
                        max_bytes: None,
                    });
                    return Ok((collection, true));
                }
                Err(error @ DavError::Refused { .. }) => last = error,
                Err(error) => return Err(error),
            }
        }
        // Where none may be made, what is there has to do.
        match found.into_iter().find(|collection| collection.takes(component)) {
            Some(collection) => Ok((collection, false)),
            None => Err(last),
        }
    }

    async fn make(&self, wanted: &Wanted, name: &str, components: &[&str], href: &str) -> Result<(), DavError> {
        let what = "the wish for a new collection";
        match wanted.kind {
            Kind::Contacts => {
                let make = CreateAddressBook::new(href).with_display_name(name);
                self.client.request(make).await.map_err(DavError::of(what))?;
            }
            Kind::Calendar => {
                let components: Vec<CalendarComponent> = components
                    .iter()
                    .map(|component| match *component {
                        "VTODO" => CalendarComponent::VTodo,
                        "VJOURNAL" => CalendarComponent::VJournal,
                        _ => CalendarComponent::VEvent,
                    })
                    .collect();
                let mut make = CreateCalendar::new(href)
                    .with_display_name(name)
                    .with_components(&components);
                if let Some(colour) = &wanted.colour {
                    make = make.with_colour(colour);
                }
                self.client.request(make).await.map_err(DavError::of(what))?;
            }
        }
        Ok(())
    }
}
