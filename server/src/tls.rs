//! The server's certificate: made at the first start under an authority of its own, or its owner's (`ssl_cert`,
//! `ssl_key`); and the authority that clients' certificates must be of (`ssl_ca`).

use crate::failure::Failure;
use crate::files::{self, Mode};
use crate::settings::Settings;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How long certificates made here hold.
const YEARS: i32 = 10;

/// The configuration for TLS with the certificate that `settings` name, or that in `dir`, which is made when there is
/// none. A client needs no certificate, but one that it shows must be of the authority.
///
/// # Errors
/// Files that cannot be read or written, or are no certificate and key that belong together.
pub fn server_config(dir: &Path, hostname: &str, settings: &Settings) -> Result<Arc<ServerConfig>, Failure> {
    // Paths begin where MySQL's do, in the folder of the files that are made.
    let given = |name: &str| settings.text(name).map(|path| dir.join(path));
    std::fs::create_dir_all(dir).map_err(|error| Failure::io("create", dir, &error))?;
    let (cert, key) = match (given("ssl_cert"), given("ssl_key")) {
        (Some(cert), Some(key)) => (cert, key),
        (None, None) => {
            let cert = dir.join("server-cert.pem");
            if !cert.exists() {
                make(dir, hostname)?;
            }
            (cert, dir.join("server-key.pem"))
        }
        _ => return Err(Failure::usage("ssl_cert and ssl_key belong together; set both or neither")),
    };
    let authority = given("ssl_ca").or_else(|| Some(dir.join("ca.pem")).filter(|path| path.exists()));
    let versions = versions(settings.text("tls_version").as_deref())?;
    let chain = read_chain(&cert)?;
    let key_der = read_key(&key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = verifier(authority.as_deref(), &provider)?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| Failure::usage(format!("tls_version: {error}")))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key_der)
        .map_err(|error| unusable(&cert, &error.to_string()))?;
    Ok(Arc::new(config))
}

/// Of `TLSv1.2,TLSv1.3`.
fn versions(text: Option<&str>) -> Result<Vec<&'static SupportedProtocolVersion>, Failure> {
    let text = text.unwrap_or("TLSv1.2,TLSv1.3");
    let version = |name: &str| match name.trim().to_ascii_lowercase().as_str() {
        "tlsv1.3" => Ok(&rustls::version::TLS13),
        "tlsv1.2" => Ok(&rustls::version::TLS12),
        _ => Err(Failure::usage(format!("tls_version cannot be `{text}`; it is of TLSv1.2 and TLSv1.3"))),
    };
    text.split(',').map(version).collect()
}

/// Verifies the certificates that clients show; it asks for none where nothing could verify it.
fn verifier(
    authority: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
    let Some(path) = authority else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let mut roots = RootCertStore::empty();
    for certificate in read_chain(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(|error| unusable(path, &error.to_string()))
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::runtime(format!(
        "{} is not usable: {why}; put a PEM certificate and its key there, or remove the folder to get a new one",
        path.display()
    ))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::io("read", path, &error))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let bytes = read(path)?;
    let chain: Result<Vec<_>, _> = rustls_pemfile::certs(&mut &bytes[..]).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) => Err(unusable(path, "it holds no certificate")),
        Err(error) => Err(unusable(path, &error.to_string())),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    let bytes = read(path)?;
    let key =
        rustls_pemfile::private_key(&mut &bytes[..]).map_err(|error| unusable(path, &error.to_string()))?;
    key.ok_or_else(|| unusable(path, "it holds no private key"))
}

/// Keys are written before certificates, the server's certificate last: it says that all is there.
fn make(dir: &Path, hostname: &str) -> Result<(), Failure> {
    let made = certificates(hostname)
        .map_err(|error| Failure::runtime(format!("cannot make a certificate: {error}")))?;
    files::write(&dir.join("ca-key.pem"), made.ca_key.as_bytes(), Mode::Owner)?;
    files::write(&dir.join("ca.pem"), made.ca.as_bytes(), Mode::Everybody)?;
    files::write(&dir.join("client-key.pem"), made.client_key.as_bytes(), Mode::Owner)?;
    files::write(&dir.join("client-cert.pem"), made.client.as_bytes(), Mode::Everybody)?;
    files::write(&dir.join("server-key.pem"), made.server_key.as_bytes(), Mode::Owner)?;
    files::write(&dir.join("server-cert.pem"), made.server.as_bytes(), Mode::Everybody)
}

struct Made {
    ca: String,
    ca_key: String,
    server: String,
    server_key: String,
    /// For accounts that are to show a certificate (REQUIRE X509).
    client: String,
    client_key: String,
}

fn certificates(hostname: &str) -> Result<Made, rcgen::Error> {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let year = 1970 + i32::try_from(now_s / 31_556_952).unwrap_or(100);
    let params = |names: Vec<String>, common_name: &str| -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::new(names)?;
        params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
        params.not_after = rcgen::date_time_ymd(year + YEARS, 12, 31);
        params.distinguished_name.push(DnType::CommonName, common_name);
        Ok(params)
    };
    let ca_key = KeyPair::generate()?;
    let mut ca_params = params(Vec::new(), "AuroraDB certificate authority")?;
    ca_params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca_params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca = ca_params.self_signed(&ca_key)?.pem();

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if !hostname.is_empty() && hostname.bytes().all(is_name) && hostname != "localhost" {
        names.push(hostname.to_owned());
    }
    let server_key = KeyPair::generate()?;
    let mut server_params = params(names, "AuroraDB server")?;
    server_params.use_authority_key_identifier_extension = true;
    server_params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let (ca_pem, ca_key_pem) = (ca, ca_key.serialize_pem());
    let issuer = Issuer::new(ca_params, ca_key);
    let server = server_params.signed_by(&server_key, &issuer)?.pem();
    let client_key = KeyPair::generate()?;
    let mut client_params = params(Vec::new(), "AuroraDB client")?;
    client_params.use_authority_key_identifier_extension = true;
    client_params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let client = client_params.signed_by(&client_key, &issuer)?.pem();
    Ok(Made {
        ca: ca_pem,
        ca_key: ca_key_pem,
        server,
        server_key: server_key.serialize_pem(),
        client,
        client_key: client_key.serialize_pem(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config(dir: &Path, hostname: &str, set: &[(&str, &str)]) -> Result<Arc<ServerConfig>, Failure> {
        let mut settings = Settings::default();
        for (name, value) in set {
            settings.variables.push(crate::variables::assignment(name, value).expect("a variable"));
        }
        server_config(dir, hostname, &settings)
    }

    #[test]
    fn files_and_versions_may_be_others() {
        let (dir, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        config(other.path(), "db", &[]).expect("made");
        let path = |name: &str| other.path().join(name).to_str().expect("UTF-8").to_owned();
        let (cert, key, ca) = (path("server-cert.pem"), path("server-key.pem"), path("ca.pem"));
        let own = [("ssl_cert", &cert[..]), ("ssl_key", &key), ("ssl_ca", &ca), ("tls_version", "TLSv1.3")];
        config(dir.path(), "db", &own).expect("read");
        assert!(!dir.path().join("server-cert.pem").exists(), "nothing is made beside them");
        let said = |set: &[(&str, &str)]| config(dir.path(), "db", set).expect_err("refused").message;
        assert!(said(&own[..1]).contains("belong together"));
        assert!(said(&[("tls_version", "TLSv1.1")]).contains("TLSv1.2"));
        assert!(said(&[("ssl_ca", "no-such.pem")]).contains("no-such.pem"));
    }

    #[test]
    fn a_certificate_is_made_once_and_its_keys_are_private() {
        let dir = tempfile::tempdir().expect("a folder");
        config(dir.path(), "db_1", &[]).expect("made");
        let before = std::fs::read(dir.path().join("server-cert.pem")).expect("there");
        config(dir.path(), "db", &[]).expect("read");
        assert_eq!(before, std::fs::read(dir.path().join("server-cert.pem")).expect("there"));
        for key in ["ca-key.pem", "server-key.pem", "client-key.pem"] {
            let mode = std::fs::metadata(dir.path().join(key)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_is_no_certificate_is_told_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        config(dir.path(), "db", &[]).expect("made");
        std::fs::write(dir.path().join("server-key.pem"), "nothing").expect("written");
        let failure = config(dir.path(), "db", &[]).expect_err("refused");
        assert!(failure.message.contains("server-key.pem is not usable: it holds no private key"));
    }
}
