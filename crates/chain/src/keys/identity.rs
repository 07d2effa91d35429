//! The key by which a node signs its receipts.

use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::hex;
use ed25519_dalek::SigningKey;
use k256::elliptic_curve::rand_core::{OsRng, RngCore};
use tallystick_types::IdentityKey;
use zeroize::Zeroizing;

use super::file;

/// The file of a node's identity key: its 32 bytes in hexadecimal digits.
#[derive(Clone, Debug)]
pub struct IdentityFile(PathBuf);

/// Why a node has no identity key.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is one already.
    #[error("{} exists; move it away to give the node a new one", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("{} cannot be used; look at its folder and its owner", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} is no identity key of 64 digits; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner can read the file.
    #[error("{} can be read by others; run chmod 600 on it, or replace the key", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
}

impl IdentityFile {
    /// Names the file; nothing is read.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Makes a new key. An existing one stays, with an error.
    pub fn create(&self) -> Result<SigningKey, IdentityError> {
        let mut seed = Zeroizing::new([0_u8; 32]);
        OsRng.fill_bytes(&mut *seed);
        let text = Zeroizing::new(hex::encode(seed.as_slice()));
        match file::write_new(&self.0, text.as_bytes()) {
            Ok(()) => Ok(SigningKey::from_bytes(&seed)),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                Err(IdentityError::Exists { path: self.0.clone() })
            }
            Err(source) => Err(IdentityError::File { path: self.0.clone(), source }),
        }
    }

    /// Reads the key.
    pub fn load(&self) -> Result<SigningKey, IdentityError> {
        let path = || self.0.clone();
        let failed = |source| IdentityError::File { path: path(), source };
        if is_open(&self.0).map_err(failed)? {
            return Err(IdentityError::Open { path: path() });
        }
        let text = Zeroizing::new(std::fs::read_to_string(&self.0).map_err(failed)?);
        let mut seed = Zeroizing::new([0_u8; 32]);
        hex::decode_to_slice(text.trim(), &mut *seed)
            .map_err(|_| IdentityError::Damaged { path: path() })?;
        Ok(SigningKey::from_bytes(&seed))
    }

    /// The public half.
    pub fn public(key: &SigningKey) -> IdentityKey {
        IdentityKey::new(key.verifying_key().to_bytes())
    }
}

/// Whether others than the owner can read a file.
fn is_open(path: &Path) -> io::Result<bool> {
    let metadata = std::fs::metadata(path)?;
    #[cfg(unix)]
    let open = std::os::unix::fs::MetadataExt::mode(&metadata) & 0o077 != 0;
    #[cfg(not(unix))]
    let open = !metadata.is_file();
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = IdentityFile::at(folder.path().join("node/identity"));
        let made = file.create().unwrap();
        assert_eq!(IdentityFile::public(&file.load().unwrap()), IdentityFile::public(&made));
        assert!(matches!(file.create(), Err(IdentityError::Exists { .. })));
    }

    #[test]
    fn a_missing_a_damaged_and_an_open_file_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity");
        let file = IdentityFile::at(&path);
        assert!(matches!(file.load(), Err(IdentityError::File { .. })));
        file::write_new(&path, b"not a key").unwrap();
        assert!(matches!(file.load(), Err(IdentityError::Damaged { .. })));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(matches!(file.load(), Err(IdentityError::Open { .. })));
        }
    }
}
