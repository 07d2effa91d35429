//! Compiled modules, kept in memory with a bound and on disk under a key.
//!
//! A file is `magic | HMAC-SHA256 | artifact`; the code covers the name, which holds the digest
//! of the
//! module, of the profile and of the engine's settings. Whoever cannot compute the code cannot
//! make this
//! process run their code. What does not verify is removed and compiled again.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::artifact::Artifact;
use super::profile::Digest;

const MAGIC: &[u8; 8] = b"tallycw1";
const CODE_BYTES: usize = 32;

/// Where compiled modules are kept between runs of the process.
#[derive(Clone)]
pub struct CacheConfig {
    /// The folder; it is created. Nothing else should live there.
    pub folder: PathBuf,
    /// Secret of this node, 32 bytes; without it nobody can place code in the folder.
    pub key: [u8; 32],
}

impl std::fmt::Debug for CacheConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CacheConfig").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What the cache did since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Found in memory.
    pub memory_hits: u64,
    /// Found on disk and verified.
    pub disk_hits: u64,
    /// Compiled.
    pub compiled: u64,
    /// Files that did not verify and were removed.
    pub rejected: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    memory_hits: AtomicU64,
    disk_hits: AtomicU64,
    compiled: AtomicU64,
    rejected: AtomicU64,
}

/// The files.
#[derive(Debug)]
pub(super) struct Disk {
    config: CacheConfig,
}

impl Disk {
    pub(super) fn open(config: CacheConfig) -> std::io::Result<Self> {
        fs::create_dir_all(&config.folder)?;
        Ok(Self { config })
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
    fn get(&self, name: &str, counters: &Counters) -> Option<Artifact> {
        let path = self.path(name);
        let mut bytes = fs::read(&path).ok()?;
        let head = MAGIC.len() + CODE_BYTES;
        let genuine = bytes.len() > head && bytes.starts_with(MAGIC) && {
            let code = self.code(name, &bytes[head..]);
            code.verify_slice(&bytes[MAGIC.len()..head]).is_ok()
        };
        if !genuine {
            counters.rejected.fetch_add(1, Ordering::Relaxed);
            // A file that cannot be removed is refused again next time.
            let _ = fs::remove_file(&path);
            return None;
        }
        Some(Artifact::authenticated(bytes.split_off(head)))
    }

    /// Writes beside and renames, so that a crash leaves no half file under the name.
    fn put(&self, name: &str, artifact: &Artifact) -> std::io::Result<()> {
        static UNIQUE: AtomicU64 = AtomicU64::new(0);
        let unique = UNIQUE.fetch_add(1, Ordering::Relaxed);
        let draft = self.path(&format!("{name}.{}.{unique}.draft", std::process::id()));
        let written = self.write(&draft, name, artifact);
        let moved = written.and_then(|()| fs::rename(&draft, self.path(name)));
        if moved.is_err() {
            let _ = fs::remove_file(&draft);
        }
        moved
    }

    fn write(&self, draft: &Path, name: &str, artifact: &Artifact) -> std::io::Result<()> {
        let mut file = fs::File::create(draft)?;
        file.write_all(MAGIC)?;
        file.write_all(&self.code(name, artifact.bytes()).finalize().into_bytes())?;
        file.write_all(artifact.bytes())
    }
}

/// Compiled modules of type `M` by digest of the original module; the oldest use leaves first.
#[derive(Debug)]
pub(super) struct Cache<M> {
    kept: Mutex<Kept<M>>,
    bound: usize,
    disk: Option<Disk>,
    /// Profile and engine settings, in the name of every file.
    suffix: String,
    counters: Counters,
}

#[derive(Debug)]
struct Kept<M> {
    modules: HashMap<Digest, (M, u64)>,
    clock: u64,
}

impl<M: Clone> Cache<M> {
    pub(super) fn new(bound: usize, disk: Option<Disk>, suffix: String) -> Self {
        let kept = Mutex::new(Kept { modules: HashMap::new(), clock: 0 });
        Self { kept, bound: bound.max(1), disk, suffix, counters: Counters::default() }
    }

    pub(super) fn counts(&self) -> CacheCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheCounts {
            memory_hits: read(&self.counters.memory_hits),
            disk_hits: read(&self.counters.disk_hits),
            compiled: read(&self.counters.compiled),
            rejected: read(&self.counters.rejected),
        }
    }

    /// From memory, else from disk, else compiled. Two threads may compile the same module at once.
    pub(super) fn get<E>(
        &self,
        digest: Digest,
        compile: impl FnOnce() -> Result<Artifact, E>,
        load: impl Fn(&Artifact) -> Result<M, E>,
    ) -> Result<M, E> {
        if let Some(found) = self.recall(digest) {
            self.counters.memory_hits.fetch_add(1, Ordering::Relaxed);
            return Ok(found);
        }
        let name = self.name(digest);
        let stored = self.disk.as_ref().and_then(|disk| disk.get(&name, &self.counters));
        if let Some(module) = stored.and_then(|artifact| load(&artifact).ok()) {
            self.counters.disk_hits.fetch_add(1, Ordering::Relaxed);
            self.keep(digest, &module);
            return Ok(module);
        }
        let artifact = compile()?;
        self.counters.compiled.fetch_add(1, Ordering::Relaxed);
        let module = load(&artifact)?;
        if let Some(disk) = &self.disk {
            // A full disk costs time at the next start, never a run.
            let _ = disk.put(&name, &artifact);
        }
        self.keep(digest, &module);
        Ok(module)
    }

    fn name(&self, digest: Digest) -> String {
        use std::fmt::Write as _;
        let mut name = String::new();
        for byte in digest {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        format!("{name}-{}", self.suffix)
    }

    fn recall(&self, digest: Digest) -> Option<M> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        kept.modules.get_mut(&digest).map(|(module, used)| {
            *used = now;
            module.clone()
        })
    }

    fn keep(&self, digest: Digest, module: &M) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        kept.modules.insert(digest, (module.clone(), now));
        while kept.modules.len() > self.bound {
            let oldest = kept.modules.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(digest, _)| *digest) else { return };
            kept.modules.remove(&oldest);
        }
    }
}
