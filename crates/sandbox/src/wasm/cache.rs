//! Compiled modules, kept in memory and on disk, both with a bound.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::artifact::Artifact;
use super::disk::{Disk, Stored};
use super::failure::LocalFault;
use super::profile::Digest;
use super::watchdog::{Cancellation, TICK_MS};

/// Where compiled modules are kept between runs of the process.
#[derive(Clone)]
pub struct CacheConfig {
    /// The folder; it is created. Nothing else should live there.
    pub folder: PathBuf,
    /// Most bytes of all files together. The file whose last use is longest ago leaves first; one
    /// that is larger alone is not kept.
    pub most_bytes: u64,
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
struct Counters {
    memory_hits: AtomicU64,
    disk_hits: AtomicU64,
    compiled: AtomicU64,
    rejected: AtomicU64,
}

/// Compiled modules of type `M` by digest of the original module; the oldest use leaves first.
#[derive(Debug)]
pub(super) struct Cache<M> {
    kept: Mutex<Kept<M>>,
    fetched: Condvar,
    bound: usize,
    disk: Option<Disk>,
    /// Profile and engine settings, in the name of every file.
    suffix: String,
    counters: Counters,
}

#[derive(Debug)]
struct Kept<M> {
    modules: HashMap<Digest, (M, u64)>,
    fetching: HashSet<Digest>,
    clock: u64,
}

enum Recalled<'c, M> {
    Module(M),
    Nothing(Fetch<'c, M>),
}

/// The duty to fetch a module; dropping it lets others look again.
struct Fetch<'c, M> {
    cache: &'c Cache<M>,
    digest: Digest,
}

impl<M> Drop for Fetch<'_, M> {
    fn drop(&mut self) {
        let mut kept = self.cache.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.fetching.remove(&self.digest);
        self.cache.fetched.notify_all();
    }
}

impl<M: Clone> Cache<M> {
    pub(super) fn new(bound: usize, disk: Option<Disk>, suffix: String) -> Self {
        let kept = Mutex::new(Kept { modules: HashMap::new(), fetching: HashSet::new(), clock: 0 });
        Self {
            kept,
            fetched: Condvar::new(),
            bound: bound.max(1),
            disk,
            suffix,
            counters: Counters::default(),
        }
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

    /// From memory, else from disk, else compiled. Who asks for a module that another thread is
    /// already fetching waits for it.
    pub(super) fn get<E: From<LocalFault>>(
        &self,
        digest: Digest,
        cancellation: &Cancellation,
        compile: impl FnOnce() -> Result<Artifact, E>,
        load: impl Fn(&Artifact) -> Result<M, E>,
    ) -> Result<M, E> {
        let _fetch = match self.recall(digest, cancellation)? {
            Recalled::Module(found) => {
                self.counters.memory_hits.fetch_add(1, Ordering::Relaxed);
                return Ok(found);
            }
            Recalled::Nothing(fetch) => fetch,
        };
        let name = self.name(digest);
        let stored = self.disk.as_ref().and_then(|disk| self.stored(disk, &name));
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

    fn stored(&self, disk: &Disk, name: &str) -> Option<Artifact> {
        let found = disk.get(name);
        if matches!(found, Stored::Rejected) {
            self.counters.rejected.fetch_add(1, Ordering::Relaxed);
        }
        match found {
            Stored::Genuine(artifact) => Some(artifact),
            Stored::Rejected | Stored::Absent => None,
        }
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

    fn recall(
        &self,
        digest: Digest,
        cancellation: &Cancellation,
    ) -> Result<Recalled<'_, M>, LocalFault> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            kept.clock += 1;
            let now = kept.clock;
            if let Some((module, used)) = kept.modules.get_mut(&digest) {
                *used = now;
                return Ok(Recalled::Module(module.clone()));
            }
            if kept.fetching.insert(digest) {
                return Ok(Recalled::Nothing(Fetch { cache: self, digest }));
            }
            if cancellation.is_cancelled() {
                return Err(LocalFault::Cancelled);
            }
            let tick = Duration::from_millis(TICK_MS);
            (kept, _) =
                self.fetched.wait_timeout(kept, tick).unwrap_or_else(PoisonError::into_inner);
        }
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
