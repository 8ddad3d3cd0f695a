//! Certificates: the operator's own, or a self-signed one for development.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::StartError;
use crate::data_folder::write_private;

/// Reads a certificate chain and its key.
pub(crate) fn load(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, StartError> {
    let bad =
        |path: &Path, error: &dyn std::fmt::Display| StartError::Tls(format!("{}: {error}", path.display()));
    let chain = CertificateDer::pem_file_iter(cert)
        .map_err(|error| bad(cert, &error))?
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(cert, &error))?;
    let private_key = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StartError::Tls(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private_key)
        .map_err(|error| StartError::Tls(format!("{} and {}: {error}", cert.display(), key.display())))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What clients of TURN and STUN may ask for in the handshake (RFC 7443); most ask for nothing.
pub(crate) const TURN_PROTOCOLS: [&[u8]; 2] = [b"stun.turn", b"stun.nat-discovery"];

/// The same for a door that takes TURN beside HTTP.
pub(crate) fn speaking_turn_too(config: &ServerConfig) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.alpn_protocols.extend(TURN_PROTOCOLS.map(<[u8]>::to_vec));
    Arc::new(config)
}

/// A self-signed certificate for `host`, kept in `folder`, so that a phone which accepted it once goes on to.
pub(crate) fn self_signed(folder: &Path, host: &str) -> Result<(PathBuf, PathBuf), StartError> {
    let name: String = host.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let (cert, key) =
        (folder.join(format!("dev-{name}.cert.pem")), folder.join(format!("dev-{name}.key.pem")));
    if cert.exists() && key.exists() {
        return Ok((cert, key));
    }
    let failed =
        |error: &dyn std::fmt::Display| StartError::Tls(format!("cannot make a self-signed one: {error}"));
    let names = vec![host.trim_matches(['[', ']']).to_owned(), "localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| failed(&error))?;
    fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let _ = fs::remove_file(&key);
    write_private(&key, made.signing_key.serialize_pem().as_bytes()).map_err(|error| failed(&error))?;
    fs::write(&cert, made.cert.pem()).map_err(|error| failed(&error))?;
    Ok((cert, key))
}
