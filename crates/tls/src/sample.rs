//! An authority of a test, and what it certifies.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::{Authorities, provider};

/// An authority that nobody believes but who is told to.
#[derive(Debug)]
pub struct SampleAuthority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct SamplePair {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

#[expect(clippy::missing_panics_doc, reason = "for tests")]
impl SamplePair {
    /// How a server speaks TLS with it.
    pub fn server_config(&self) -> ServerConfig {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes());
        ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has cipher suites for both versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.expect("PEM")], key.expect("PEM"))
            .expect("they were made for each other")
    }
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Now.
    Present,
    /// Until the end of the year 2020.
    Past,
}

#[expect(clippy::missing_panics_doc, clippy::new_without_default, reason = "for tests")]
impl SampleAuthority {
    /// Another one each time.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no name is no bad name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("ring makes keys");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority signs itself"))
    }

    /// Certifies a key of a name, which may be a host or an IP address.
    pub fn pair(&self, name: &str, validity: Validity) -> SamplePair {
        let key = KeyPair::generate().expect("ring makes keys");
        let mut params = CertificateParams::new([name.to_owned()]).expect("tests name hosts");
        if validity == Validity::Past {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 12, 31);
        }
        let certificate = params.signed_by(&key, &self.0).expect("an authority signs");
        SamplePair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Whoever believes this authority as well, by a file `ca.pem` in the folder.
    pub fn believed(&self, folder: &Path) -> Authorities {
        Authorities::with_file(&self.write(folder)).expect("it was just written")
    }

    /// Writes the file `ca.pem` into a folder.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("ca.pem");
        std::fs::write(&path, self.0.pem()).expect("tests write into their folders");
        path
    }
}
