//! The server's certificate: made at the first start under an authority of its own, or put there by its owner.

use crate::failure::Failure;
use crate::files::{self, Mode};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How long certificates made here hold.
const YEARS: i32 = 10;

/// The configuration for TLS 1.2 and 1.3 with the certificate in `dir`, which is made when there is none.
///
/// # Errors
/// Files that cannot be read or written, or are no certificate and key that belong together.
pub fn server_config(dir: &Path, hostname: &str) -> Result<Arc<ServerConfig>, Failure> {
    let (cert, key) = (dir.join("server-cert.pem"), dir.join("server-key.pem"));
    std::fs::create_dir_all(dir).map_err(|error| Failure::io("create", dir, &error))?;
    if !cert.exists() {
        make(dir, hostname)?;
    }
    let chain = read_chain(&cert)?;
    let key_der = read_key(&key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key_der))
        .map_err(|error| unusable(&cert, &error.to_string()))?;
    Ok(Arc::new(config))
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
    files::write(&dir.join("server-key.pem"), made.server_key.as_bytes(), Mode::Owner)?;
    files::write(&dir.join("server-cert.pem"), made.server.as_bytes(), Mode::Everybody)
}

struct Made {
    ca: String,
    ca_key: String,
    server: String,
    server_key: String,
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
    let server = server_params.signed_by(&server_key, &Issuer::new(ca_params, ca_key))?.pem();
    Ok(Made { ca: ca_pem, ca_key: ca_key_pem, server, server_key: server_key.serialize_pem() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_certificate_is_made_once_and_its_keys_are_private() {
        let dir = tempfile::tempdir().expect("a folder");
        server_config(dir.path(), "db_1").expect("made");
        let before = std::fs::read(dir.path().join("server-cert.pem")).expect("there");
        server_config(dir.path(), "db").expect("read");
        assert_eq!(before, std::fs::read(dir.path().join("server-cert.pem")).expect("there"));
        for key in ["ca-key.pem", "server-key.pem"] {
            let mode = std::fs::metadata(dir.path().join(key)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_is_no_certificate_is_told_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        server_config(dir.path(), "db").expect("made");
        std::fs::write(dir.path().join("server-key.pem"), "nothing").expect("written");
        let failure = server_config(dir.path(), "db").expect_err("refused");
        assert!(failure.message.contains("server-key.pem is not usable: it holds no private key"));
    }
}
