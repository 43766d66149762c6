//! A small disk of a test's own: a tmpfs in a mount namespace that a helper process keeps, so that
//! it is gone with the test however that ends. Works as root and, where the system lets users have
//! namespaces, as anybody; where neither works the test says so.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::sandbox::Sandbox;

/// A disk and who keeps it.
pub struct Room {
    keeper: Child,
    folder: PathBuf,
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n")
}

/// Permission bits that bind even root: the words to put before a program.
pub fn bound_by_bits() -> Vec<&'static str> {
    if is_root() {
        vec!["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    } else {
        vec!["env"]
    }
}

impl Room {
    /// A disk of so many KiB at `disk` in the sandbox; `None` where there can be none.
    pub fn of(sandbox: &Sandbox, kib: u32) -> Option<Self> {
        Self::mounted(
            sandbox,
            &format!("mount -t tmpfs -o size={kib}k,mode=700 rushes-test \"$0\""),
        )
    }

    /// The sandbox's folder `disk` as it is, to be read only.
    pub fn read_only(sandbox: &Sandbox) -> Option<Self> {
        Self::mounted(sandbox, "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\"")
    }

    fn mounted(sandbox: &Sandbox, mount: &str) -> Option<Self> {
        let folder = sandbox.path("disk");
        std::fs::create_dir_all(&folder).unwrap();
        let flags = if is_root() { "-m" } else { "-rm" };
        let script = format!("{mount} && echo ready && exec cat");
        let mut command = Command::new("unshare");
        command.args([flags, "sh", "-c", &script]).arg(&folder);
        let keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(keeper) = keeper else {
            return Self::unable("there is no unshare");
        };
        let mut room = Self { keeper, folder };
        let mut said = String::new();
        BufReader::new(room.keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        if said == "ready\n" { Some(room) } else { Self::unable("nothing can be mounted") }
    }

    fn unable(why: &str) -> Option<Self> {
        // Where it must be possible, it is no excuse.
        assert!(std::env::var_os("CI").is_none(), "a disk of its own cannot be had: {why}");
        let mut stderr = std::io::stderr();
        let _ = writeln!(stderr, "NOT TESTED: this needs a disk of its own, and {why} here");
        None
    }

    /// The same path, as the test sees it.
    pub fn seen(&self, path: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(self.folder.strip_prefix("/").unwrap()).join(path)
    }

    /// The program of a sandbox, started where the disk is, with the campaign folder on it.
    pub fn command(&self, sandbox: &Sandbox, words: &[&str]) -> Command {
        let ours = sandbox.command(words);
        let mut command = Command::new("nsenter");
        let id = self.keeper.id().to_string();
        command.args(["-t", &id, "-m"]);
        if !is_root() {
            command.args(["-U", "--preserve-credentials"]);
        }
        command.args(["sh", "-c", "cd \"$0\" && exec \"$@\""]).arg(sandbox.path(""));
        command.arg(ours.get_program()).args(ours.get_args()).args(["--out", "disk/night"]);
        command.env_clear().envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null());
        command
    }

    /// Fills the disk to the last byte but `left` KiB.
    pub fn fill(&self, left: usize) {
        let mut ballast = std::fs::File::create(self.seen("ballast")).unwrap();
        while ballast.write_all(&[7; 4096]).is_ok() {}
        let length = ballast.metadata().unwrap().len();
        ballast.set_len(length.saturating_sub(left as u64 * 1024)).unwrap();
    }

    /// Makes room again.
    pub fn empty(&self) {
        std::fs::remove_file(self.seen("ballast")).unwrap();
    }

    /// The files below a folder of the disk, by their names.
    pub fn names(&self, folder: &str) -> Vec<String> {
        names(&self.seen(folder))
    }
}

/// The names in a folder; none when it is not there.
pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
