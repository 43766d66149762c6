//! Connects to the database: encryption, the settings that our promises need, and the server's own
//! that would break them.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::ServerAddress;
use super::error::{ServerError, Trouble};

/// How long a connection to one of its machines may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may take until the server lets us in, over all its machines.
const LET_IN: Duration = Duration::from_secs(10);
/// How long sent bytes may stay without an acknowledgement.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// Between questions whether a silent machine is still there, and how many may stay unanswered.
const KEEPALIVES: (Duration, u32) = (Duration::from_secs(10), 3);
/// What a database or a user may have set otherwise. A join that sees an older moment than its lock
/// would not see the worker before it. A commit that is canceled while it waits for a replica counts as
/// confirmed, so that no statement has a time of its own. A transaction that waits for us is broken off,
/// so that it holds no lock: each of ours is quick, but for reading a whole manifest.
const SETTINGS: &str = "SET default_transaction_isolation = 'read committed'; \
     SET synchronous_commit = on; SET statement_timeout = 0; SET lock_timeout = '30s'; \
     SET idle_session_timeout = 0; SET idle_in_transaction_session_timeout = '60s'; \
     SET client_min_messages = warning;";

/// A connection to `address`, with its settings.
pub(super) async fn connect(address: &ServerAddress) -> Result<Client, Trouble> {
    let late = |_| Trouble::Lost(format!("no answer for {} s", LET_IN.as_secs()));
    tokio::time::timeout(LET_IN, let_in(address)).await.map_err(late)?
}

async fn let_in(address: &ServerAddress) -> Result<Client, Trouble> {
    let mut config = address.config.clone();
    config.connect_timeout(CONNECT);
    config.tcp_user_timeout(UNACKNOWLEDGED);
    config.keepalives_idle(KEEPALIVES.0);
    config.keepalives_interval(KEEPALIVES.0);
    config.keepalives_retries(KEEPALIVES.1);
    config.application_name("rushes");
    let refused = |error: tokio_postgres::Error| refused(address.shown(), &error);
    let client = if config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
        tokio::spawn(connection);
        client
    } else {
        let tls = MakeRustlsConnect::new(tls(address).map_err(Trouble::Given)?);
        let (client, connection) = config.connect(tls).await.map_err(refused)?;
        tokio::spawn(connection);
        client
    };
    let settings = format!("{SETTINGS} SET search_path = {}", address.schema);
    let lost = |error: tokio_postgres::Error| Trouble::of(address.shown(), &error);
    client.batch_execute(&settings).await.map_err(lost)?;
    Ok(client)
}

/// A connection that was not made: an answer of the server is its word, everything else may pass.
fn refused(server: &str, error: &tokio_postgres::Error) -> Trouble {
    match Trouble::of(server, error) {
        Trouble::Given(
            ServerError::Failed(server, cause) | ServerError::Damaged(server, cause),
        ) => Trouble::Given(ServerError::Refused(server, cause)),
        other => other,
    }
}

fn tls(address: &ServerAddress) -> Result<ClientConfig, ServerError> {
    let refused = |cause: String| ServerError::Refused(address.shown().to_owned(), cause);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(error.to_string()))?;
    let Some(file) = &address.roots else {
        let verified =
            builder.with_platform_verifier().map_err(|error| refused(error.to_string()))?;
        return Ok(verified.with_no_client_auth());
    };
    let unread = |error: &dyn std::fmt::Display| refused(format!("{}: {error}", file.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unread(&error))? {
        roots.add(certificate.map_err(|error| unread(&error))?).map_err(|error| unread(&error))?;
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Whether what the server confirms survives a power cut, as far as it says.
pub(super) async fn is_safe(client: &Client, address: &ServerAddress) -> Result<(), Trouble> {
    let server = || address.shown().to_owned();
    let sql = "SELECT current_setting('server_version_num')::int / 10000, \
         current_setting('server_version'), current_setting('fsync') = 'on', \
         current_setting('full_page_writes') = 'on', pg_is_in_recovery()";
    let row = client.query_one(sql, &[]).await;
    let row = row.map_err(|error| Trouble::of(address.shown(), &error))?;
    let unsafe_ = |setting, fix| ServerError::Unsafe { server: server(), setting, fix };
    let (version, name): (i32, String) = (row.get(0), row.get(1));
    Err(Trouble::Given(if version < 14 {
        ServerError::Old(server(), name)
    } else if !row.get::<_, bool>(2) {
        unsafe_("fsync = off", "fsync = on")
    } else if !row.get::<_, bool>(3) {
        unsafe_("full_page_writes = off", "full_page_writes = on")
    } else if row.get(4) {
        ServerError::Standby(server())
    } else {
        return Ok(());
    }))
}

/// What an error at the first connection means to the user.
pub(super) fn unreachable(address: &ServerAddress, trouble: Trouble) -> ServerError {
    match trouble {
        Trouble::Lost(cause) => ServerError::Unreachable(address.shown().to_owned(), cause),
        Trouble::Given(error) => error,
    }
}
