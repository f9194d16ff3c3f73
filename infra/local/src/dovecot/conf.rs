//! What a Dovecot 2.3 is told: its configuration and password files.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::unistd::{Group, Uid, User, chown};

use super::{Login, Options, Store};

/// What Dovecot 2.3.19 announces after a login, for taking something away from it.
const CAPABILITIES: &str = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY \
    THREAD=REFERENCES THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT \
    CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES \
    WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE \
    SAVEDATE LITERAL+ NOTIFY SPECIAL-USE QUOTA";

pub(super) fn file(directory: &Path) -> PathBuf {
    directory.join("dovecot.conf")
}

pub(super) fn log(directory: &Path) -> PathBuf {
    directory.join("log")
}

pub(super) fn run_directory(directory: &Path) -> PathBuf {
    directory.join("run")
}

/// Where the mail is: a directory a user.
pub(super) fn mail_directory(options: &Options, directory: &Path) -> PathBuf {
    options.mail_directory.clone().unwrap_or_else(|| directory.join("mail"))
}

/// Where a server listens.
pub(super) fn host(options: &Options) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, if options.plaintext_login { 1 } else { 2 })
}

/// The system users a server runs as.
struct Identity {
    internal: String,
    login: String,
    group: String,
    mail: User,
}

impl Identity {
    /// As root, the users of Debian's packages (mail must not belong to root); else this user alone.
    fn of_this_process() -> anyhow::Result<Self> {
        let this = Uid::effective();
        let by_name = |name: &str| User::from_name(name)?.with_context(|| format!("there is no system user {name}"));
        if this.is_root() {
            let mail = by_name("mail")?;
            let (internal, login) = (by_name("dovecot")?.name, by_name("dovenull")?.name);
            return Ok(Self {
                group: internal.clone(),
                internal,
                login,
                mail,
            });
        }
        let user = User::from_uid(this)?
            .with_context(|| format!("user {this} has no name, and Dovecot wants one: add it to /etc/passwd"))?;
        let group = Group::from_gid(user.gid)?.context("this user's group has no name")?;
        let name = user.name.clone();
        Ok(Self {
            internal: name.clone(),
            login: name,
            group: group.name,
            mail: user,
        })
    }
}

/// Writes everything a server needs into `directory`.
pub(super) fn write(options: &Options, directory: &Path, port: u16, tls_port: Option<u16>) -> anyhow::Result<()> {
    let identity = Identity::of_this_process()?;
    let mail = mail_directory(options, directory);
    fs::create_dir_all(&mail).with_context(|| format!("creating {}", mail.display()))?;
    if Uid::effective().is_root() {
        chown(&mail, Some(identity.mail.uid), Some(identity.mail.gid))?;
    }
    fs::create_dir_all(run_directory(directory))?;
    if let Some(authority) = &options.authority {
        authority.issue(directory)?;
    }
    if let Some(key) = &options.token_key {
        write_token_key(directory, key)?;
    }
    write_logins(options, directory)?;
    let text = render(options, directory, &mail, &identity, port, tls_port)?;
    fs::write(file(directory), text).context("writing dovecot.conf")
}

/// Writes what access tokens are checked with, where Dovecot looks for a key that a token does not name.
fn write_token_key(directory: &Path, key: &str) -> anyhow::Result<()> {
    let keys = directory.join("keys/default/HS256");
    fs::create_dir_all(&keys)?;
    fs::write(keys.join("default"), STANDARD.encode(key))?;
    let keys = directory.join("keys");
    let text = format!(
        "introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix={}/\nusername_attribute = sub\n",
        keys.display()
    );
    fs::write(directory.join("oauth2.conf"), text).context("writing oauth2.conf")
}

/// Writes the password files; a running server reads them again by itself.
pub(super) fn write_logins(options: &Options, directory: &Path) -> anyhow::Result<()> {
    for (name, logins) in [("users", &options.users), ("masters", &options.master_users)] {
        let mut text = String::new();
        for Login { user, password } in logins {
            let plain = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
            ensure!(
                !user.is_empty() && user.chars().all(plain),
                "unusable user name {user:?}"
            );
            writeln!(text, "{user}:{{PLAIN.B64}}{}", STANDARD.encode(password))?;
        }
        // By renaming, since the server may be reading.
        let (path, new) = (directory.join(name), directory.join("logins.new"));
        fs::write(&new, text)?;
        fs::rename(&new, &path).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn render(
    options: &Options,
    directory: &Path,
    mail: &Path,
    identity: &Identity,
    port: u16,
    tls_port: Option<u16>,
) -> anyhow::Result<String> {
    let (Some(directory), Some(mail)) = (directory.to_str(), mail.to_str()) else {
        bail!("the paths of a Dovecot must be UTF-8");
    };
    let Identity {
        internal,
        login,
        group,
        mail: owner,
    } = identity;
    let (uid, gid) = (owner.uid, owner.gid);
    let location = match options.store {
        Store::Sdbox => "sdbox:~",
        Store::Mdbox => "mdbox:~",
        Store::Maildir => "maildir:~",
    };
    let host = host(options);
    let plain = if options.plaintext_login { "no" } else { "yes" };
    let fsync = if options.fsync { "optimized" } else { "never" };
    let connections = options.connections_per_user;
    let (mechanisms, tokens) = match &options.token_key {
        Some(_) => (
            "plain login oauthbearer xoauth2",
            format!(
                "passdb {{\n  driver = oauth2\n  mechanisms = oauthbearer xoauth2\n  args = {directory}/oauth2.conf\n}}\n"
            ),
        ),
        None => ("plain login", String::new()),
    };
    let mut text = format!(
        "base_dir = {directory}/run\nstate_dir = {directory}/run\nlog_path = {directory}/log\n\
         default_internal_user = {internal}\ndefault_login_user = {login}\n\
         default_internal_group = {group}\n\
         protocols = imap\nlisten = {host}\n\
         auth_mechanisms = {mechanisms}\nauth_failure_delay = 0\ndisable_plaintext_auth = {plain}\n\
         mail_location = {location}\nmail_uid = {uid}\nmail_gid = {gid}\n\
         first_valid_uid = 1\nfirst_valid_gid = 1\nmail_fsync = {fsync}\n\
         {tokens}passdb {{\n  driver = passwd-file\n  args = {directory}/masters\n  master = yes\n  pass = yes\n}}\n\
         passdb {{\n  driver = passwd-file\n  args = {directory}/users\n}}\n\
         userdb {{\n  driver = static\n  args = uid={uid} gid={gid} home={mail}/%u\n}}\n\
         service anvil {{\n  chroot =\n}}\nservice stats {{\n  chroot =\n}}\n\
         service imap {{\n  process_limit = 4096\n}}\n\
         service imap-login {{\n  chroot =\n  service_count = 0\n  process_min_avail = 1\n\
         \x20 inet_listener imap {{\n    address = {host}\n    port = {port}\n  }}\n\
         \x20 inet_listener imaps {{\n    address = {host}\n    port = {}\n    ssl = yes\n  }}\n}}\n",
        tls_port.unwrap_or(0),
    );
    if tls_port.is_some() {
        write!(
            text,
            "ssl = yes\nssl_cert = <{directory}/server.pem\nssl_key = <{directory}/server.key\n"
        )?;
    } else {
        text.push_str("ssl = no\n");
    }
    if let Some(kib) = options.quota_kib {
        let largest = options
            .largest_message_kib
            .map(|kib| format!("  quota_max_mail_size = {kib}K\n"))
            .unwrap_or_default();
        write!(
            text,
            "mail_plugins = quota\nplugin {{\n  quota = count:User quota\n  quota_vsizes = yes\n\
             \x20 quota_rule = *:storage={kib}K\n  quota_grace = 0\n{largest}}}\n"
        )?;
    }
    imap(&mut text, options, connections)?;
    namespace(&mut text, options)?;
    Ok(text)
}

fn imap(text: &mut String, options: &Options, connections: u32) -> anyhow::Result<()> {
    writeln!(text, "protocol imap {{\n  mail_max_userip_connections = {connections}")?;
    let quota = options.quota_kib.map(|_| "quota imap_quota");
    let compression = options.compression.then_some("imap_zlib");
    let plugins: Vec<_> = quota.into_iter().chain(compression).collect();
    if !plugins.is_empty() {
        writeln!(text, "  mail_plugins = {}", plugins.join(" "))?;
    }
    if !options.hidden_capabilities.is_empty() {
        let hidden = |word: &str| {
            options
                .hidden_capabilities
                .iter()
                .any(|name| name.eq_ignore_ascii_case(word))
                || (word == "QUOTA" && options.quota_kib.is_none())
        };
        let shown: Vec<_> = CAPABILITIES.split_whitespace().filter(|word| !hidden(word)).collect();
        writeln!(text, "  imap_capability = {}", shown.join(" "))?;
    }
    Ok(writeln!(text, "}}")?)
}

fn namespace(text: &mut String, options: &Options) -> anyhow::Result<()> {
    let layout = &options.layout;
    writeln!(
        text,
        "namespace inbox {{\n  inbox = yes\n  separator = {}\n  prefix = {}",
        layout.separator, layout.prefix
    )?;
    let auto = if layout.auto_create { "create" } else { "no" };
    for (purpose, name) in &layout.special {
        let attribute = purpose.attribute();
        ensure!(!name.contains(['"', '\n', '\\']), "unusable folder name {name:?}");
        writeln!(
            text,
            "  mailbox \"{name}\" {{\n    auto = {auto}\n    special_use = {attribute}\n  }}"
        )?;
    }
    Ok(writeln!(text, "}}")?)
}
