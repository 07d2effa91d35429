//! Whose certificates are believed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::provider;

/// Whose certificates are believed: the public authorities that Mozilla lists, which are part of
/// the program, and those of a file, for networks that have their own. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authorities(Arc<RootCertStore>);

/// Why a file names no authorities.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// The file cannot be read.
    #[error("{} cannot be read; name a file of certificates in PEM", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// There is no certificate in the file, or one that cannot be read.
    #[error("{} is no list of certificates in PEM; give that of the authority", path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
}

impl Default for Authorities {
    /// The public ones.
    fn default() -> Self {
        Self(Arc::new(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()))
    }
}

impl Authorities {
    /// The public ones, and those of a file with one or more certificates in PEM.
    ///
    /// # Errors
    ///
    /// [`AuthoritiesError`].
    pub fn with_file(path: &Path) -> Result<Self, AuthoritiesError> {
        let read = |source| AuthoritiesError::Read { path: path.to_owned(), source };
        let form = || AuthoritiesError::Form { path: path.to_owned() };
        let text = fs::read(path).map_err(read)?;
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| form())?;
        if certificates.is_empty() {
            return Err(form());
        }
        let mut roots = RootCertStore::clone(&Self::default().0);
        for certificate in certificates {
            roots.add(certificate).map_err(|_| form())?;
        }
        Ok(Self(Arc::new(roots)))
    }

    /// The certificates themselves.
    pub fn roots(&self) -> &RootCertStore {
        &self.0
    }

    /// How a client speaks TLS: it believes these, and shows no certificate of its own.
    #[expect(clippy::missing_panics_doc, reason = "the provider is a constant of this program")]
    pub fn client_config(&self) -> ClientConfig {
        ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider has cipher suites for both versions")
            .with_root_certificates(Arc::clone(&self.0))
            .with_no_client_auth()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_adds_to_the_public_authorities() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let public = Authorities::default().roots().len();
        assert!(public > 50);
        assert!(matches!(Authorities::with_file(&path), Err(AuthoritiesError::Read { .. })));
        for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"] {
            fs::write(&path, text).unwrap();
            let refused = Authorities::with_file(&path);
            assert!(matches!(refused, Err(AuthoritiesError::Form { .. })), "{text}");
        }
        let two = [(); 2].map(|()| {
            fs::read_to_string(crate::SampleAuthority::new().write(folder.path())).unwrap()
        });
        fs::write(&path, two.concat()).unwrap();
        assert_eq!(Authorities::with_file(&path).unwrap().roots().len(), public + 2);
    }
}
