//! An HTTPS server that gives out files, as openssl has one.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::dovecot::Authority;
use crate::dovecot::directory::Directory;

const START_WITHIN: Duration = Duration::from_secs(15);

/// A running server; dropping it ends it.
#[derive(Debug)]
pub struct WebServer {
    child: Child,
    port: u16,
    _directory: Directory,
}

impl WebServer {
    /// Starts a server on 127.0.0.1 with a certificate of this authority. Files are given by their paths, without a
    /// slash before them.
    ///
    /// # Errors
    /// If openssl is missing, or does not listen.
    pub fn start(authority: &Authority, files: &[(&str, &str)]) -> Result<Self> {
        let directory = Directory::create("web")?;
        authority.issue(directory.path())?;
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().context("a file has a directory")?)?;
            fs::write(path, text)?;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let child = Command::new("openssl")
            .args([
                "s_server",
                "-quiet",
                "-WWW",
                "-cert",
                "server.pem",
                "-key",
                "server.key",
            ])
            .args(["-accept", &format!("127.0.0.1:{port}")])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start openssl")?;
        let mut server = Self {
            child,
            port,
            _directory: directory,
        };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if begun.elapsed() > START_WITHIN || server.child.try_wait()?.is_some() {
                bail!("openssl does not listen on port {port}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
