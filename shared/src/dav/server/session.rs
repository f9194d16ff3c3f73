//! A login at a server, and what is found from there: the principal, and its homes (RFC 6764, section 6).

use http::Uri;
use libdav::dav::{FindPropertyHrefs, WebDavClient};
use libdav::names::{ADDRESSBOOK_HOME_SET, CALENDAR_HOME_SET, CURRENT_USER_PRINCIPAL};
use libdav::sd::DiscoverableService;

use super::http::{Http, Login};
use super::{DavError, Home, path_of};
use crate::dav::Kind;
use crate::imap::Connector;

/// A server that has been logged in to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DavSession {
    pub(super) client: WebDavClient<Http>,
}

impl DavSession {
    /// Makes a session with the server at `url`; nothing is sent yet.
    ///
    /// # Errors
    /// [`DavError::Address`].
    pub fn new(connector: Connector, url: &str, login: &Login) -> Result<Self, DavError> {
        let url: Uri = url.parse().map_err(|_| DavError::Address)?;
        let is_whole = url.host().is_some() && matches!(url.scheme_str(), Some("http" | "https"));
        if !is_whole {
            return Err(DavError::Address);
        }
        let http = Http::new(connector, url.clone(), login)?;
        Ok(Self {
            client: WebDavClient::new(url, http),
        })
    }

    /// The collections of a kind that the mailbox has, with the home that new ones go into.
    ///
    /// # Errors
    /// [`DavError`].
    pub async fn collections(&self, kind: Kind) -> Result<Home, DavError> {
        let home = self.home(kind).await?;
        self.collections_in(&home, kind).await
    }

    async fn home(&self, kind: Kind) -> Result<String, DavError> {
        let (property, name) = match kind {
            Kind::Contacts => (&ADDRESSBOOK_HOME_SET, "address book"),
            Kind::Calendar => (&CALENDAR_HOME_SET, "calendar"),
        };
        let principal = self.principal(kind).await?;
        let asked = self.client.request(FindPropertyHrefs::new(&principal, property)).await;
        let homes = asked.map_err(DavError::of("the search for collections"))?.hrefs;
        let home = homes
            .first()
            .map(|uri| path_of(&uri.to_string()))
            .ok_or(DavError::NoSuchHome(name))?;
        Ok(if home.ends_with('/') { home } else { format!("{home}/") })
    }

    /// The principal's path: asked of the address itself, of where the well-known address leads, and of the root.
    async fn principal(&self, kind: Kind) -> Result<String, DavError> {
        let mut last = DavError::NoSuchHome("principal");
        for step in 0..3 {
            let path = match step {
                0 => Some(self.client.base_url.path().to_owned()),
                1 => self.well_known(kind).await?,
                _ => Some("/".to_owned()),
            };
            let Some(path) = path else { continue };
            match self
                .client
                .request(FindPropertyHrefs::new(&path, &CURRENT_USER_PRINCIPAL))
                .await
            {
                Ok(found) => {
                    if let Some(principal) = found.hrefs.first() {
                        return Ok(path_of(&principal.to_string()));
                    }
                }
                Err(error) => match DavError::of("the search for the principal")(error) {
                    error @ (DavError::Refused { .. } | DavError::Unreadable { .. }) => last = error,
                    error => return Err(error),
                },
            }
        }
        Err(last)
    }

    async fn well_known(&self, kind: Kind) -> Result<Option<String>, DavError> {
        let url = &self.client.base_url;
        let is_tls = url.scheme_str() == Some("https");
        let service = match (kind, is_tls) {
            (Kind::Contacts, true) => DiscoverableService::CardDavs,
            (Kind::Contacts, false) => DiscoverableService::CardDav,
            (Kind::Calendar, true) => DiscoverableService::CalDavs,
            (Kind::Calendar, false) => DiscoverableService::CalDav,
        };
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let host = url.host().unwrap_or_default();
        match self.client.find_context_path(service, host, port).await {
            Ok(found) => Ok(found.map(|uri| uri.path().to_owned())),
            Err(libdav::dav::ResolveContextPathError::Request(error)) => {
                match DavError::of_request("the well-known address")(error) {
                    DavError::Address => Ok(None),
                    error => Err(error),
                }
            }
            Err(_) => Ok(None),
        }
    }
}
