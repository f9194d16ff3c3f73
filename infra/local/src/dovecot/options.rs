//! What a server shall be like: users, folder names, store, faults.

use std::path::PathBuf;
use std::sync::Arc;

use super::Authority;

/// A user name and its password.
#[derive(Clone)]
pub struct Login {
    /// The user name: letters, digits and `@ . _ + -`.
    pub user: String,
    /// The password: any text.
    pub password: String,
}

impl Login {
    /// A login of these two.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
        }
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What a folder is for (RFC 6154).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// `\Sent`
    Sent,
    /// `\Drafts`
    Drafts,
    /// `\Trash`
    Trash,
    /// `\Junk`
    Junk,
    /// `\Archive`
    Archive,
}

impl Purpose {
    /// The attribute as it is on the wire.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Sent => "\\Sent",
            Self::Drafts => "\\Drafts",
            Self::Trash => "\\Trash",
            Self::Junk => "\\Junk",
            Self::Archive => "\\Archive",
        }
    }
}

/// How a server names folders.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The hierarchy separator, `/` or `.`.
    pub separator: char,
    /// The namespace prefix with its separator: empty, or `INBOX.`.
    pub prefix: String,
    /// The special-use folders, without the prefix.
    pub special: Vec<(Purpose, String)>,
    /// Whether the special-use folders exist before anyone creates them.
    pub auto_create: bool,
}

impl Layout {
    /// `/`, no prefix, English special-use folders that exist from the start.
    pub fn english() -> Self {
        Self::new('/', "", ["Sent", "Drafts", "Trash", "Junk", "Archive"])
    }

    /// `/`, no prefix, German special-use folders that exist from the start.
    pub fn german() -> Self {
        Self::new('/', "", ["Gesendet", "Entwürfe", "Papierkorb", "Unerwünscht", "Ablage"])
    }

    /// The same names, under another separator and prefix.
    #[must_use]
    pub fn with_separator(mut self, separator: char, prefix: &str) -> Self {
        self.separator = separator;
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// The full name of the folder for `purpose`, if the server has one.
    pub fn special_name(&self, purpose: Purpose) -> Option<String> {
        let (_, name) = self.special.iter().find(|(of, _)| *of == purpose)?;
        Some(format!("{}{name}", self.prefix))
    }

    /// The full name of a folder given by its path; `["INBOX"]` is INBOX everywhere.
    pub fn name(&self, path: &[&str]) -> String {
        if path == ["INBOX"] {
            return "INBOX".to_owned();
        }
        format!("{}{}", self.prefix, path.join(&self.separator.to_string()))
    }

    fn new(separator: char, prefix: &str, names: [&str; 5]) -> Self {
        let purposes = [
            Purpose::Sent,
            Purpose::Drafts,
            Purpose::Trash,
            Purpose::Junk,
            Purpose::Archive,
        ];
        let special = purposes.into_iter().zip(names.map(str::to_owned)).collect();
        Self {
            separator,
            prefix: prefix.to_owned(),
            special,
            auto_create: true,
        }
    }
}

/// How mail is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Dovecot's own format: any folder name that the separator allows.
    Sdbox,
    /// Dovecot's own format with many messages in a file: a copy of a message within an account is an entry more.
    Mdbox,
    /// One file a message, the flags in its name.
    Maildir,
}

/// What a server shall be like. `..Options::new("source")` gives the rest.
#[derive(Clone, Debug)]
pub struct Options {
    /// A short word for messages and the directory's name.
    pub name: String,
    /// The mailboxes.
    pub users: Vec<Login>,
    /// Those that may log in as any user (SASL PLAIN with an authorisation identity).
    pub master_users: Vec<Login>,
    /// Folder names.
    pub layout: Layout,
    /// The store's format.
    pub store: Store,
    /// Where the mail is kept; a temporary directory when `None`, on tmpfs if that has room.
    pub mail_directory: Option<PathBuf>,
    /// Signs a certificate for `localhost`, 127.0.0.1 and 127.0.0.2: STARTTLS and an IMAPS port.
    pub authority: Option<Arc<Authority>>,
    /// Whether passwords are taken without TLS. Dovecot always takes them from its own address, so
    /// a server that shall not listens on 127.0.0.2, where clients come from 127.0.0.1.
    pub plaintext_login: bool,
    /// Capabilities the server does not announce, such as `MULTIAPPEND`. Their commands still work.
    pub hidden_capabilities: Vec<String>,
    /// The quota of each user, in KiB; none when `None`.
    pub quota_kib: Option<u64>,
    /// The largest message the server takes, in KiB; any when `None`. Needs a quota.
    pub largest_message_kib: Option<u64>,
    /// `mail_max_userip_connections`; Dovecot's own default is 10.
    pub connections_per_user: u32,
    /// Whether connections may be compressed (`COMPRESS=DEFLATE`).
    pub compression: bool,
    /// The key of access tokens (JWT, HS256, the user in `sub`) that are taken by OAUTHBEARER and
    /// XOAUTH2; neither is offered when `None`.
    pub token_key: Option<String>,
    /// Whether a message is on the disk before its APPEND is acknowledged.
    pub fsync: bool,
}

impl Options {
    /// A fast and capable server without users.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            users: Vec::new(),
            master_users: Vec::new(),
            layout: Layout::english(),
            store: Store::Sdbox,
            mail_directory: None,
            authority: None,
            plaintext_login: true,
            hidden_capabilities: Vec::new(),
            quota_kib: None,
            largest_message_kib: None,
            connections_per_user: 1000,
            compression: false,
            token_key: None,
            fsync: false,
        }
    }
}
