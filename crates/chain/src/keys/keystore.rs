//! Encrypted keys in a folder, in the ecosystem's format (version 3).

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alloy::signers::local::{LocalSignerError, PrivateKeySigner};
use alloy_primitives::{Address, hex};
use k256::elliptic_curve::rand_core::OsRng;
use serde::Deserialize;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::file;
use super::signer::{EvmSigner, LocalKey};

/// Bytes that are made from a password.
const KEY_BYTES: u8 = 32;

/// Hexadecimal digits of where the cipher begins.
const IV_DIGITS: usize = 32;

/// Most memory of scrypt, in blocks of 128 bytes: 512 MiB, twice what programs ask for.
const MOST_BLOCKS: u64 = 1 << 22;

/// Most work of scrypt, in blocks that are mixed: four times what programs ask for.
const MOST_WORK: u64 = 1 << 23;

/// Most rounds of PBKDF2: about the time of that work.
const MOST_ROUNDS: u32 = 1 << 23;

/// A password; wiped from memory when it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// A folder of encrypted keys, each in a file `<address>.json`.
#[derive(Clone, Debug)]
pub struct Keystores {
    folder: PathBuf,
}

/// An encrypted key that lies in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its account, as far as file or name say it.
    pub address: Option<Address>,
    /// Its file.
    pub path: PathBuf,
}

/// Why a key cannot be kept or unlocked.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The password is another one.
    #[error(
        "the password does not open {}; give the right one, nobody can recover a lost one",
        path.display()
    )]
    WrongPassword {
        /// The file.
        path: PathBuf,
    },
    /// Without a password a file is not safe.
    #[error("the password is empty; choose one")]
    EmptyPassword,
    /// What was given is no key.
    #[error("this is no key: give 64 hexadecimal digits, with or without 0x")]
    NotAKey,
    /// There is one already.
    #[error("{} exists; this key is imported already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// No file for this account.
    #[error("{} has no key of {address}; create or import it first", folder.display())]
    Missing {
        /// The account.
        address: Address,
        /// The folder.
        folder: PathBuf,
    },
    /// The file is no encrypted key of version 3.
    #[error("{} is no encrypted key of version 3; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Opening the file would cost more than any program asks for.
    #[error("{} asks for more time or memory than a key may cost; encrypt it anew", path.display())]
    TooDear {
        /// The file.
        path: PathBuf,
    },
    /// The file holds another key than its name says.
    #[error("{} holds the key of {actual}; name it after that account", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
        /// Whose key it is.
        actual: Address,
    },
    /// The folder cannot be used.
    #[error("{} cannot be used; look at its folder and its owner", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// What a file says of itself without a password.
#[derive(Deserialize)]
struct Outside {
    version: u8,
    address: Option<String>,
    crypto: serde_json::Map<String, serde_json::Value>,
}

/// What a file says that costs something, or that the library relies on.
#[derive(Deserialize)]
struct Inside {
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipherparams: Cipher,
    kdfparams: Derivation,
}

#[derive(Deserialize)]
struct Cipher {
    iv: String,
}

/// How the key is made from the password: PBKDF2 has `c`, scrypt the three others. One struct,
/// because numbers of an untagged enum are lost where `serde_json` keeps them as text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Derivation {
    dklen: u8,
    c: Option<u32>,
    n: Option<u32>,
    r: Option<u32>,
    p: Option<u32>,
    #[serde(rename = "prf")]
    _prf: Option<IgnoredAny>,
    #[serde(rename = "salt")]
    _salt: IgnoredAny,
}

/// What a file asks for.
enum Cost {
    /// As much as programs ask for.
    Usual,
    TooDear,
    /// Nothing that a library can do.
    Senseless,
}

impl Inside {
    /// Whether it can be opened, and what that costs.
    fn cost(&self) -> Cost {
        let Crypto { cipherparams, kdfparams } = &self.crypto;
        if kdfparams.dklen != KEY_BYTES || cipherparams.iv.len() != IV_DIGITS {
            return Cost::Senseless;
        }
        let usual = match (kdfparams.c, kdfparams.n, kdfparams.r, kdfparams.p) {
            (Some(rounds), None, None, None) => rounds <= MOST_ROUNDS,
            (None, Some(n), Some(r), Some(p)) if n.is_power_of_two() => {
                let [n, r, p] = [n, r, p].map(u64::from);
                let (blocks, lanes) = (n.saturating_mul(r), r.saturating_mul(p));
                blocks.max(lanes) <= MOST_BLOCKS && blocks.saturating_mul(p) <= MOST_WORK
            }
            _ => return Cost::Senseless,
        };
        if usual { Cost::Usual } else { Cost::TooDear }
    }
}

impl Password {
    /// Takes a password.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Keystores {
    /// Names the folder; it is made with the first key.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Makes a new key.
    pub fn create(&self, password: &Password) -> Result<LocalKey, KeystoreError> {
        self.keep(PrivateKeySigner::random(), password)
    }

    /// Takes a key that was made elsewhere, in hexadecimal digits.
    pub fn import(&self, key: &str, password: &Password) -> Result<LocalKey, KeystoreError> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        let digits = key.trim();
        hex::decode_to_slice(digits, &mut *bytes).map_err(|_| KeystoreError::NotAKey)?;
        let signer = PrivateKeySigner::from_slice(&*bytes).map_err(|_| KeystoreError::NotAKey)?;
        self.keep(signer, password)
    }

    /// Opens the key of an account.
    pub fn unlock(&self, address: Address, password: &Password) -> Result<LocalKey, KeystoreError> {
        let found = self.list()?.into_iter().find(|listed| listed.address == Some(address));
        let path = found
            .map(|listed| listed.path)
            .ok_or_else(|| KeystoreError::Missing { address, folder: self.folder.clone() })?;
        let key = open(&path, password)?;
        let actual = key.address();
        if actual == address { Ok(key) } else { Err(KeystoreError::OtherKey { path, actual }) }
    }

    /// The keys of the folder, in the order of their files' names. Other files are passed by.
    pub fn list(&self) -> Result<Vec<Listed>, KeystoreError> {
        let failed = |source| KeystoreError::File { path: self.folder.clone(), source };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(failed(source)),
        };
        let mut listed = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let outside = fs::read(&path).ok().and_then(|bytes| outside(&bytes));
            if let Some(outside) = outside {
                let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
                let address = outside.address.or(stem).and_then(|text| text.parse().ok());
                listed.push(Listed { address, path });
            }
        }
        listed.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(listed)
    }

    fn keep(
        &self,
        signer: PrivateKeySigner,
        password: &Password,
    ) -> Result<LocalKey, KeystoreError> {
        if password.0.is_empty() {
            return Err(KeystoreError::EmptyPassword);
        }
        let path = self.folder.join(format!("{:#x}.json", signer.address()));
        let bytes = encrypted(&signer, password, &self.folder)?;
        match file::write_new(&path, &bytes) {
            Ok(()) => Ok(LocalKey::new(&signer)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(KeystoreError::Exists { path })
            }
            Err(source) => Err(KeystoreError::File { path, source }),
        }
    }
}

/// The bytes of an encrypted key. The library writes files only, so it gets a folder that nobody
/// else can enter.
fn encrypted(
    signer: &PrivateKeySigner,
    password: &Password,
    folder: &Path,
) -> Result<Vec<u8>, KeystoreError> {
    let failed = |source| KeystoreError::File { path: folder.to_owned(), source };
    let private = folder.join(format!(".{:#x}.{}", signer.address(), std::process::id()));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&private).map_err(failed)?;
    let bytes = Zeroizing::new(signer.to_bytes().0);
    let text = password.0.as_bytes();
    let kept = PrivateKeySigner::encrypt_keystore(
        &private,
        &mut OsRng,
        bytes.as_slice(),
        text,
        Some("key"),
    );
    let read = kept
        .map_err(|_| KeystoreError::Damaged { path: private.clone() })
        .and_then(|_| fs::read(private.join("key")).map_err(failed));
    fs::remove_dir_all(&private).map_err(failed)?;
    read
}

/// The library takes what the file says for granted, so the file is looked at before.
fn open(path: &Path, password: &Password) -> Result<LocalKey, KeystoreError> {
    let bytes =
        fs::read(path).map_err(|source| KeystoreError::File { path: path.to_owned(), source })?;
    let inside: Result<Inside, _> = serde_json::from_slice(&bytes);
    match inside.map_or(Cost::Senseless, |inside| inside.cost()) {
        Cost::Usual => {}
        Cost::TooDear => return Err(KeystoreError::TooDear { path: path.to_owned() }),
        Cost::Senseless => return Err(KeystoreError::Damaged { path: path.to_owned() }),
    }
    match PrivateKeySigner::decrypt_keystore(path, password.0.as_bytes()) {
        Ok(signer) => Ok(LocalKey::new(&signer)),
        Err(LocalSignerError::EthKeystoreError(error)) if error.to_string().contains("Mac") => {
            Err(KeystoreError::WrongPassword { path: path.to_owned() })
        }
        Err(_) => Err(KeystoreError::Damaged { path: path.to_owned() }),
    }
}

fn outside(bytes: &[u8]) -> Option<Outside> {
    let outside: Outside = serde_json::from_slice(bytes).ok()?;
    (outside.version == 3 && !outside.crypto.is_empty()).then_some(outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[test]
    fn an_imported_key_opens_with_its_password_only_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keystores::at(folder.path().join("keys"));
        assert_eq!(keys.list().unwrap(), []);
        let address = keys.import(KEY, &password("open sesame")).unwrap().address();
        assert_eq!(address.to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        let listed = keys.list().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].address, Some(address));

        let opened = keys.unlock(address, &password("open sesame")).unwrap();
        assert_eq!(opened.address(), address);
        let wrong = keys.unlock(address, &password("wrong")).unwrap_err();
        assert!(matches!(wrong, KeystoreError::WrongPassword { .. }), "{wrong:?}");
        let said = format!("{wrong} {wrong:?} {:?} {opened:?}", password("open sesame"));
        assert!(!said.contains("open sesame") && !said.contains(&KEY[2..]), "{said}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&listed[0].path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let left = fs::read_dir(folder.path().join("keys")).unwrap().count();
        assert_eq!(left, 1, "nothing but the key stays");
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keystores::at(folder.path());
        for bad in ["", "0x12", &"0".repeat(64)] {
            let refused = keys.import(bad, &password("right")).unwrap_err();
            assert!(matches!(refused, KeystoreError::NotAKey), "{refused:?}");
        }
        let empty = keys.create(&password("")).unwrap_err();
        assert!(matches!(empty, KeystoreError::EmptyPassword));
        keys.import(KEY, &password("right")).unwrap();
        let twice = keys.import(KEY, &password("other")).unwrap_err();
        assert!(matches!(twice, KeystoreError::Exists { .. }));
        let missing = keys.unlock(Address::ZERO, &password("right")).unwrap_err();
        assert!(matches!(missing, KeystoreError::Missing { .. }));
    }

    /// A file that the library would work on for hours, with gigabytes, or panic over.
    fn refused(change: impl Fn(&mut serde_json::Value)) -> KeystoreError {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keystores::at(folder.path());
        let address = keys.import(KEY, &password("right")).unwrap().address();
        let path = keys.list().unwrap()[0].path.clone();
        let mut file = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut file);
        fs::write(path, file.to_string()).unwrap();
        keys.unlock(address, &password("right")).unwrap_err()
    }

    #[test]
    fn a_file_that_asks_for_gigabytes_or_hours_is_refused_at_once() {
        for (name, value) in [("n", 1_u32 << 30), ("n", 1 << 31), ("r", 1 << 20), ("p", 1 << 20)] {
            let refused = refused(|file| file["crypto"]["kdfparams"][name] = value.into());
            assert!(matches!(refused, KeystoreError::TooDear { .. }), "{name} {refused:?}");
        }
        let rounds = serde_json::json!(
            { "c": u32::MAX, "dklen": 32, "prf": "hmac-sha256", "salt": "00" }
        );
        let refused = refused(|file| file["crypto"]["kdfparams"] = rounds.clone());
        assert!(matches!(refused, KeystoreError::TooDear { .. }), "{refused:?}");
    }

    #[test]
    fn a_file_that_is_not_whole_is_damaged() {
        for (name, value) in [("dklen", 0_u32), ("dklen", 16), ("n", 0), ("n", 3), ("more", 1)] {
            let refused = refused(|file| file["crypto"]["kdfparams"][name] = value.into());
            assert!(matches!(refused, KeystoreError::Damaged { .. }), "{name} {refused:?}");
        }
        let refused = refused(|file| file["crypto"]["cipherparams"]["iv"] = "00".into());
        assert!(matches!(refused, KeystoreError::Damaged { .. }), "{refused:?}");
    }

    #[test]
    fn a_key_under_the_name_of_another_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keystores::at(folder.path());
        let address = keys.create(&password("right")).unwrap().address();
        let other = Address::repeat_byte(7);
        let path = keys.list().unwrap()[0].path.clone();
        fs::rename(path, folder.path().join(format!("{other:#x}.json"))).unwrap();
        let refused = keys.unlock(other, &password("right")).unwrap_err();
        assert!(matches!(refused, KeystoreError::OtherKey { actual, .. } if actual == address));
    }
}
