//! A real `PostgreSQL` server of a test's own: in a temporary folder, on a socket, never the system's.
//! It ends with the test, however that ends.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a server may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The settings of a server that can have replicas.
pub const REPLICATED: [&str; 2] = ["wal_level=replica", "max_wal_senders=4"];

/// A server that runs.
pub struct PostgresServer {
    folder: TempDir,
    bin: PathBuf,
    child: Option<Child>,
    /// What its socket is called by; only with TLS it listens there, too.
    port: u16,
}

/// A certificate that is its own authority.
pub struct Certificate {
    /// Its file.
    pub certificate: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
}

impl Certificate {
    /// Makes one for `host`, in a folder of its own.
    pub fn make(folder: &Path, host: &str) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let (certificate, key) = (folder.join("crt.pem"), folder.join("key.pem"));
        let wanted = folder.join("wanted");
        let text = format!(
            "[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = more\n\
             [name]\nCN = rushes-test\n\
             [more]\nsubjectAltName = DNS:{host}\nbasicConstraints = critical, CA:FALSE\n"
        );
        std::fs::write(&wanted, text).unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        openssl.args(["-nodes", "-days", "2", "-config"]).arg(&wanted).arg("-keyout").arg(&key);
        run(openssl.arg("-out").arg(&certificate));
        Self { certificate, key }
    }
}

impl PostgresServer {
    /// Starts one with an empty database `ledger`.
    pub fn start() -> Self {
        let bin = programs();
        let folder = tempfile::Builder::new().prefix("rushes-pg-").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        fresh_cluster(&bin, &folder.path().join("data"));
        let mut server = Self { folder, bin, child: None, port: 5432 };
        server.begin();
        server
    }

    /// Starts one that takes encrypted connections, and no others, on a port of this machine.
    pub fn start_with_tls(own: &Certificate) -> (Self, u16) {
        let mut server = Self::start();
        server.kill();
        let data = server.data();
        for (file, name) in [(&own.certificate, "server.crt"), (&own.key, "server.key")] {
            let copy = data.join(name);
            std::fs::copy(file, &copy).unwrap();
            std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).unwrap();
            if rustix::process::geteuid().is_root() {
                run(Command::new("chown").arg("postgres:postgres").arg(&copy));
            }
        }
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n\
             hostssl all all ::1/128 trust\n";
        std::fs::write(data.join("pg_hba.conf"), rules).unwrap();
        // A port that is free now: the server cannot take one by itself.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        server.port = port;
        server.begin_with(&[
            "listen_addresses=localhost",
            &format!("port={port}"),
            "ssl=on",
            "log_connections=on",
        ]);
        (server, port)
    }

    /// What it logs.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The database's address, with the tables in `schema`.
    pub fn address(&self, schema: &str) -> String {
        let host = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{host}/postgres?schema={schema}")
    }

    /// The file of its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    /// A copy of its data, while it does not run.
    pub fn copy(&self) -> PathBuf {
        let copy = self.folder.path().join("copy");
        run(Command::new("cp").arg("-a").arg(self.data()).arg(&copy));
        copy
    }

    /// A replica of it as of now, that does not follow it any further. It must have been started with
    /// [`REPLICATED`].
    pub fn replica(&self) -> PathBuf {
        let copy = self.folder.path().join("replica");
        let mut backup = as_postgres(&self.bin.join("pg_basebackup"));
        backup.arg("-D").arg(&copy).arg("-h").arg(self.folder.path());
        run(backup.args(["-U", "postgres", "-R", "-c", "fast", "--no-sync"]));
        copy
    }

    /// A replica takes over, with what it had heard of its primary, which is gone.
    pub fn promote(&mut self, replica: PathBuf) {
        self.kill();
        self.restore(replica);
        self.begin_with(&REPLICATED);
        self.psql("public", "SELECT pg_promote()");
    }

    /// Puts a copy in the place of its data, while it does not run.
    pub fn restore(&self, copy: PathBuf) {
        std::fs::remove_dir_all(self.data()).unwrap();
        std::fs::rename(copy, self.data()).unwrap();
    }

    /// Starts it again.
    pub fn begin(&mut self) {
        self.begin_with(&[]);
    }

    /// Starts it again, with further settings.
    pub fn begin_with(&mut self, settings: &[&str]) {
        let data = self.data();
        drop(std::fs::remove_file(data.join("postmaster.pid")));
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = as_postgres(&self.bin.join("postgres"));
        command.arg("-D").arg(&data).arg("-k").arg(self.folder.path());
        for setting in [
            "listen_addresses=",
            "shared_buffers=16MB",
            "max_connections=50",
            "wal_level=minimal",
            "max_wal_senders=0",
        ]
        .iter()
        .chain(settings)
        {
            command.args(["-c", setting]);
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.child = Some(child);
        let began = Instant::now();
        let is_ready = || {
            let pid = std::fs::read_to_string(data.join("postmaster.pid"));
            pid.is_ok_and(|text| {
                text.lines().nth(7).is_some_and(|line| ["ready", "standby"].contains(&line.trim()))
            })
        };
        while !is_ready() {
            let log =
                || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "PostgreSQL does not begin: {}", log());
            if let Some(ended) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("PostgreSQL ended with {ended}: {}", log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it as a power cut would: nothing is written that was not.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let pid = Pid::from_child(&child);
        // Its own processes end by themselves when it is gone; each first, so that none writes on.
        for child in children(child.id()) {
            let _ = kill_process(child, Signal::KILL);
        }
        let _ = kill_process(pid, Signal::KILL);
        child.wait().unwrap();
        let began = Instant::now();
        while self.is_in_use() {
            assert!(began.elapsed() < PATIENCE, "PostgreSQL's processes do not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether a process of it still holds its shared memory.
    fn is_in_use(&self) -> bool {
        let data = self.data().canonicalize().unwrap();
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let works_there = |process: std::fs::DirEntry| {
            std::fs::read_link(process.path().join("cwd")).is_ok_and(|folder| folder == data)
        };
        processes.into_iter().any(works_there)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What a statement answers, by `psql`.
    pub fn psql(&self, schema: &str, sql: &str) -> String {
        self.try_psql(schema, sql).unwrap()
    }

    /// Begins a transaction that holds what `sql` locks, until it is dropped.
    pub fn holding(&self, schema: &str, sql: &str) -> Held<'_> {
        let mut psql = self.psql_command(schema);
        // A process of its own: what it waits for must not end with the test.
        let child = psql
            .args(["-c", &format!("{sql}; SELECT pg_sleep(60) /* held */")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let held = Held { server: self, child };
        self.wait_until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
        held
    }

    /// Waits until a statement answers this.
    pub fn wait_until(&self, sql: &str, answer: &str) {
        let began = Instant::now();
        while self.psql("public", sql) != answer {
            assert!(began.elapsed() < PATIENCE, "{sql} never answered {answer}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The same, or what is wrong with it.
    pub fn try_psql(&self, schema: &str, sql: &str) -> Result<String, String> {
        let output = self.psql_command(schema).args(["-c", sql]).output().unwrap();
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn psql_command(&self, schema: &str) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command
            .args([
                "-X",
                "-A",
                "-t",
                "-q",
                "-U",
                "postgres",
                "-d",
                "postgres",
                "-v",
                "ON_ERROR_STOP=1",
            ])
            .arg("-h")
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string()])
            .arg("-c")
            .arg(format!("SET search_path = {schema}"));
        command
    }
}

/// A transaction that holds its locks.
pub struct Held<'s> {
    server: &'s PostgresServer,
    child: Child,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let end =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        drop(self.server.try_psql("public", end));
        drop(self.child.wait());
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The folder with the programs of the newest version here.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            let bin = version.path().join("bin");
            bin.join("postgres").exists().then_some((number, bin))
        })
        .collect();
    found.sort();
    found.pop().expect("PostgreSQL must be installed: apt-get install postgresql").1
}

/// A program as another user than root, which the server refuses; it ends when the test's thread does.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.arg("--pdeathsig=KILL").arg("--").arg(program);
    command
}

/// Copies an empty cluster, which is made once for all tests of a build.
fn fresh_cluster(bin: &Path, data: &Path) {
    let version = bin.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("postgres-{version}"));
    if !kept.exists() {
        let made = tempfile::Builder::new().prefix("rushes-pg-").tempdir().unwrap();
        std::fs::set_permissions(made.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let folder = made.path().join("data");
        let mut initdb = as_postgres(&bin.join("initdb"));
        initdb.args(["--no-sync", "--username=postgres", "--auth=trust", "--encoding=UTF8"]);
        initdb.args(["--locale=C", "--wal-segsize=1", "-D"]).arg(&folder);
        let output = initdb.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mine = kept.with_extension(std::process::id().to_string());
        run(Command::new("cp").arg("-a").arg(&folder).arg(&mine));
        // Another test may have been faster.
        if std::fs::rename(&mine, &kept).is_err() {
            drop(std::fs::remove_dir_all(&mine));
        }
    }
    run(Command::new("cp").arg("-a").arg(&kept).arg(data));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn children(of: u32) -> Vec<Pid> {
    let list = format!("/proc/{of}/task/{of}/children");
    let text = std::fs::read_to_string(list).unwrap_or_default();
    text.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect()
}
