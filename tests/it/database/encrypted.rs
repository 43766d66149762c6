//! A database that speaks TLS, with certificates of the test's own.

use crate::sandbox::Sandbox;
use crate::support::postgres::{Certificate, PostgresServer};

const MANIFEST: &str = "campaign: night\nshots: [{id: a, model: kling-v2-6, prompt: Rain}]\n";

struct Stage {
    server: PostgresServer,
    port: u16,
    sandbox: Sandbox,
    own: Certificate,
}

impl Stage {
    /// A server whose certificate names `host`.
    fn of(host: &str) -> Self {
        let sandbox = Sandbox::new().manifest(MANIFEST);
        let own = Certificate::make(&sandbox.path("own"), host);
        let (server, port) = PostgresServer::start_with_tls(&own);
        Self { server, port, sandbox, own }
    }

    fn check(&self, address: &str) -> crate::sandbox::Done {
        self.sandbox.run(["status", "shots.yaml", "--ledger", address])
    }
}

#[test]
fn a_certificate_that_is_trusted_lets_in_and_the_connection_is_encrypted() {
    let stage = Stage::of("localhost");
    let roots = stage.own.certificate.display().to_string();
    let port = stage.port;
    let address = format!(
        "postgres://postgres:s3cr3t@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={roots}"
    );
    // The server takes no other connections than encrypted ones here.
    stage.check(&address).exits(2).warns("nothing was run yet");
    let plain = address.replace("sslmode=verify-full", "sslmode=disable");
    let told = stage.check(&plain).exits(2).warns("refuses the connection").stderr();
    assert!(!told.contains("s3cr3t"), "{told}");
    let run = ["run", "shots.yaml", "--ledger", &address, "--api-base", "http://127.0.0.1:1"];
    let mut run = stage.sandbox.command(&run);
    let ran = run.env("KLING_API_KEY", "k").args(["--deadline", "1ms"]).output().unwrap();
    assert_eq!(ran.status.code(), Some(3), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(stage.server.psql("rushes", "SELECT count(*) FROM workers"), "1");
}

#[test]
fn a_certificate_of_another_host_or_another_authority_is_refused_and_nothing_is_said_to_it() {
    let stage = Stage::of("db.example");
    let (port, roots) = (stage.port, stage.own.certificate.display().to_string());
    let other = Certificate::make(&stage.sandbox.path("other"), "localhost");
    let others = other.certificate.display().to_string();
    let address = |roots: &str| {
        format!("postgres://postgres:s3cr3t@localhost:{port}/postgres?sslmode=require{roots}")
    };
    for (roots, said) in [
        // It is trusted, but names another host.
        (format!("&sslrootcert={roots}"), "certificate"),
        // Another authority is trusted.
        (format!("&sslrootcert={others}"), "certificate"),
        // The system's are.
        (String::new(), "certificate"),
        ("&sslrootcert=/no/such/file".to_owned(), "/no/such/file"),
        (format!("&sslrootcert={}", other.key.display()), "certificate"),
    ] {
        let told = stage.check(&address(&roots)).exits(2).warns(said).stderr();
        assert!(!told.contains("s3cr3t"), "{told}");
    }
    let log = std::fs::read_to_string(stage.server.log()).unwrap();
    assert!(log.contains("ready to accept connections"), "{log}");
    assert!(!log.contains("host=127.0.0.1") || !log.contains("connection authorized"), "{log}");
}
