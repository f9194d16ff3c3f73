//! A short temporary directory with an owner.
//!
//! Short, because the paths of Unix sockets are limited to about 100 bytes. The owner holds a lock
//! on a file in it, which the kernel lets go of however the owner ends, so that a later run finds
//! and removes what a killed run left behind, its Dovecot included.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, killpg};
use nix::sys::statvfs::statvfs;
use nix::unistd::Pid;

const PREFIX: &str = "mailvan-dc-";
const LOCK: &str = "owner";
/// tmpfs is only used with this much room: a container's /dev/shm often has but 64 MB.
const ROOM_BYTES: u64 = 2 << 30;

/// The directory; removed on drop.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    pub(crate) fn create(name: &str) -> anyhow::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let parent = parent();
        sweep(parent);
        let pid = std::process::id();
        for _ in 0..10_000 {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("{PREFIX}{name:.10}-{pid}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Self::own(path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("creating {}", path.display()));
                }
            }
        }
        bail!("no free directory name in {}", parent.display())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn own(path: PathBuf) -> anyhow::Result<Self> {
        // Locked before it bears its name: a sweep never sees it unlocked.
        let early = path.join("owner.new");
        let lock = File::create(&early)?;
        lock.lock().with_context(|| format!("locking {}", early.display()))?;
        fs::rename(&early, path.join(LOCK))?;
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn parent() -> &'static Path {
    let memory = Path::new("/dev/shm");
    match statvfs(memory) {
        Ok(state) if state.blocks_available() * state.fragment_size() >= ROOM_BYTES => memory,
        _ => Path::new("/tmp"),
    }
}

/// Removes the directories whose owner is gone.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let ours = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        if !ours {
            continue;
        }
        let Ok(lock) = File::open(path.join(LOCK)) else {
            continue;
        };
        if lock.try_lock().is_ok() {
            end_orphan(&path);
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Ends the server of an abandoned directory, if the process is still that server.
fn end_orphan(path: &Path) {
    let Ok(pid) = fs::read_to_string(path.join("run/master.pid")) else {
        return;
    };
    let Ok(pid) = pid.trim().parse::<i32>() else { return };
    let Ok(arguments) = fs::read(format!("/proc/{pid}/cmdline")) else {
        return;
    };
    if String::from_utf8_lossy(&arguments).contains(&*path.to_string_lossy()) {
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
}
