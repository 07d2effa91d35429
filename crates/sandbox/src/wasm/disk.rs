//! The files of the cache.
//!
//! A file is `magic | HMAC-SHA256 | artifact`; the code covers the name, which holds the digests of
//! the module, of the profile and of the engine's settings. Whoever cannot compute the code cannot
//! make this process run their code. What does not verify is removed and compiled again.
//! The time of change of a file is that of its last use. Several processes may share a folder.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::artifact::Artifact;
use super::cache::CacheConfig;

const MAGIC: &[u8; 8] = b"tallycw1";
const CODE_BYTES: usize = 32;

/// What is found under a name.
pub(super) enum Stored {
    Absent,
    /// Something that did not verify. It is removed.
    Rejected,
    Genuine(Artifact),
}

/// The files.
#[derive(Debug)]
pub(super) struct Disk {
    config: CacheConfig,
}

impl Disk {
    pub(super) fn open(config: CacheConfig) -> std::io::Result<Self> {
        fs::create_dir_all(&config.folder)?;
        let disk = Self { config };
        disk.shrink()?;
        Ok(disk)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.config.folder.join(name)
    }

    fn code(&self, name: &str, artifact: &[u8]) -> Hmac<Sha256> {
        let mut code = Hmac::<Sha256>::new_from_slice(&self.config.key)
            .expect("HMAC takes keys of every length");
        code.update(name.as_bytes());
        code.update(&[0]);
        code.update(artifact);
        code
    }

    /// The artifact of a name, if there is one and its code is right.
    pub(super) fn get(&self, name: &str) -> Stored {
        let path = self.path(name);
        let Ok(mut bytes) = fs::read(&path) else { return Stored::Absent };
        let head = MAGIC.len() + CODE_BYTES;
        let genuine = bytes.len() > head && bytes.starts_with(MAGIC) && {
            let code = self.code(name, &bytes[head..]);
            code.verify_slice(&bytes[MAGIC.len()..head]).is_ok()
        };
        if !genuine {
            // A file that cannot be removed is refused again next time.
            let _ = fs::remove_file(&path);
            return Stored::Rejected;
        }
        // A file whose use cannot be noted leaves earlier, which costs time and no more.
        let _ = fs::File::options().write(true).open(&path).and_then(|file| used_now(&file));
        Stored::Genuine(Artifact::authenticated(bytes.split_off(head)))
    }

    /// Writes beside and renames, so that a crash leaves no half file under the name.
    pub(super) fn put(&self, name: &str, artifact: &Artifact) -> std::io::Result<()> {
        static UNIQUE: AtomicU64 = AtomicU64::new(0);
        let unique = UNIQUE.fetch_add(1, Ordering::Relaxed);
        let length = (MAGIC.len() + CODE_BYTES + artifact.bytes().len()) as u64;
        if length > self.config.most_bytes {
            return Ok(());
        }
        let draft = self.path(&format!("{name}.{}.{unique}.draft", std::process::id()));
        let written = self.write(&draft, name, artifact);
        let moved = written.and_then(|()| fs::rename(&draft, self.path(name)));
        if moved.is_err() {
            let _ = fs::remove_file(&draft);
        }
        moved?;
        self.shrink()
    }

    /// Removes files, the longest unused first, until the rest is within the bound. The drafts of
    /// a crash are among them.
    fn shrink(&self) -> std::io::Result<()> {
        let mut files = Vec::new();
        let mut total: u64 = 0;
        for entry in fs::read_dir(&self.config.folder)? {
            let entry = entry?;
            // Another process may have removed it since.
            let Ok(facts) = entry.metadata() else { continue };
            if facts.is_file() {
                total = total.saturating_add(facts.len());
                files.push((facts.modified()?, entry.path(), facts.len()));
            }
        }
        files.sort();
        for (_, path, length) in files {
            if total <= self.config.most_bytes {
                break;
            }
            match fs::remove_file(path) {
                // Another process was faster.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed?,
            }
            total = total.saturating_sub(length);
        }
        Ok(())
    }

    fn write(&self, draft: &Path, name: &str, artifact: &Artifact) -> std::io::Result<()> {
        let mut file = fs::File::create(draft)?;
        file.write_all(MAGIC)?;
        file.write_all(&self.code(name, artifact.bytes()).finalize().into_bytes())?;
        file.write_all(artifact.bytes())?;
        used_now(&file)
    }
}

#[expect(clippy::disallowed_methods, reason = "orders files by use; no result holds it")]
fn used_now(file: &fs::File) -> std::io::Result<()> {
    file.set_modified(SystemTime::now())
}
