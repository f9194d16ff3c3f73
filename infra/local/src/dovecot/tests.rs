use std::sync::Arc;

use super::*;
use crate::imap_client::{Append, ImapClient};

fn login() -> Login {
    Login::new("test@harbour.example", "p:w \"ä\\")
}

fn start(change: impl FnOnce(&mut Options)) -> Dovecot {
    let mut options = Options {
        users: vec![login()],
        ..Options::new("test")
    };
    change(&mut options);
    Dovecot::start(options).unwrap()
}

fn connect(server: &Dovecot) -> ImapClient {
    ImapClient::connect(server.address(), &login()).unwrap()
}

fn capabilities(server: &Dovecot) -> String {
    let lines = connect(server).command("CAPABILITY").unwrap();
    String::from_utf8(lines.concat()).unwrap()
}

fn message() -> Append {
    let internal_date = "01-Feb-2019 10:11:12 +0530".to_owned();
    Append {
        flags: Vec::new(),
        internal_date,
        bytes: b"Subject: x\r\n\r\n\r\n".to_vec(),
    }
}

fn found(server: &Dovecot) -> usize {
    let mut client = connect(server);
    client.select("INBOX").unwrap();
    client.search("ALL").unwrap().len()
}

#[test]
fn mail_and_port_outlive_a_kill() {
    let mut server = start(|_| ());
    connect(&server).append("INBOX", &[message()]).unwrap();
    let mut before = connect(&server);
    let port = server.port();
    server.kill().unwrap();
    assert!(before.command("NOOP").is_err());
    assert!(ImapClient::connect(server.address(), &login()).is_err());
    assert!(server.kill().is_err());
    server.restart().unwrap();
    assert_eq!((server.port(), found(&server)), (port, 1));
}

#[test]
fn a_paused_server_is_silent_until_it_is_resumed() {
    let server = start(|_| ());
    let mut client = connect(&server);
    server.pause().unwrap();
    assert!(!std::thread::scope(|scope| {
        let silent = scope.spawn(|| client.command("NOOP").unwrap());
        std::thread::sleep(Duration::from_millis(200));
        let answered = silent.is_finished();
        server.resume().unwrap();
        silent.join().unwrap();
        answered
    }));
}

#[test]
fn capabilities_can_be_hidden() {
    let server = start(|options| {
        options.hidden_capabilities = ["MULTIAPPEND", "LITERAL+", "UIDPLUS"].map(Into::into).into();
    });
    let poor = capabilities(&server);
    assert!(poor.contains("CONDSTORE"), "{poor}");
    let rich = capabilities(&start(|_| ()));
    for word in ["MULTIAPPEND", "LITERAL+", "UIDPLUS"] {
        assert!(rich.contains(word) && !poor.contains(word), "{rich}\n{poor}");
    }
    let hides = |word: &str| !poor.contains(word);
    assert!(
        rich.split(' ').filter(|word| hides(word)).count() == 3,
        "{rich}\n{poor}"
    );
}

#[test]
fn a_master_user_acts_for_another() {
    let server = start(|options| options.master_users = vec![Login::new("migration", "master, pw")]);
    let plain = |user: &str, password: &str| {
        let token = STANDARD.encode(format!("{user}\0migration\0{password}"));
        connect_raw(&server, &format!("a AUTHENTICATE PLAIN {token}\r\n"))
    };
    assert!(plain("test@harbour.example", "master, pw").starts_with("a OK"));
    assert!(plain("test@harbour.example", "wrong").starts_with("a NO"));
    assert!(plain("nobody@harbour.example", "master, pw").starts_with("a NO"));
}

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The answer to one command before a login.
fn connect_raw(server: &Dovecot, command: &str) -> String {
    use std::io::Write as _;
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(command.as_bytes()).unwrap();
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.into_iter().find(|line| line.starts_with("a ")).unwrap()
}

#[test]
fn a_wrong_password_is_refused_and_can_be_made_right() {
    let mut server = start(|_| ());
    let other = Login::new("test@harbour.example", "another");
    assert!(ImapClient::connect(server.address(), &other).is_err());
    let new = Login::new("new@harbour.example", "fresh");
    server.set_user(new.clone()).unwrap();
    ImapClient::connect(server.address(), &new).unwrap();
}

#[test]
fn a_full_mailbox_refuses_mail() {
    let server = start(|options| options.quota_kib = Some(1));
    let mut large = message();
    large.bytes.extend([b'x'; 5000]);
    let error = connect(&server).append("INBOX", &[large]).unwrap_err();
    assert!(format!("{error:#}").contains("[OVERQUOTA]"), "{error:#}");
    assert!(capabilities(&server).contains("QUOTA"));
}

#[test]
fn special_use_folders_have_the_given_names() {
    for store in [Store::Sdbox, Store::Maildir] {
        let server = start(|options| {
            options.layout = Layout::german().with_separator('.', "INBOX.");
            options.store = store;
        });
        let lines = connect(&server).command("LIST \"\" \"*\"").unwrap();
        let text = String::from_utf8(lines.join(&b'\n')).unwrap();
        assert!(text.contains("\\Drafts) \".\" INBOX.Entw&APw-rfe"), "{text}");
        assert_eq!(server.layout().special_name(Purpose::Drafts).unwrap(), "INBOX.Entwürfe");
    }
}

#[test]
fn passwords_go_in_tls_with_a_certificate_of_the_authority() {
    let authority = Arc::new(Authority::create().unwrap());
    let server = start(|options| {
        options.authority = Some(Arc::clone(&authority));
        options.plaintext_login = false;
    });
    let ca = std::env::temp_dir().join(format!("mailvan-ca-{}.pem", std::process::id()));
    fs::write(&ca, authority.pem()).unwrap();
    let connections = [
        format!("127.0.0.2:{}", server.tls_port().unwrap()),
        format!("{} -starttls imap", server.address()),
    ];
    for connection in connections {
        let output = Command::new("openssl")
            .args("s_client -verify_return_error -verify_hostname localhost -CAfile".split(' '))
            .arg(&ca)
            .arg("-connect")
            .args(connection.split(' '))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
    }
    fs::remove_file(ca).unwrap();
    let plain = connect_raw(&server, "a LOGIN test@harbour.example x\r\n");
    assert!(plain.contains("[PRIVACYREQUIRED]"), "{plain}");
}

#[test]
fn nothing_is_left_behind() {
    let server = start(|_| ());
    let path = server.directory.path().to_owned();
    let pid = server.child.as_ref().unwrap().id();
    assert!(path.exists());
    drop(server);
    assert!(!path.exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}
