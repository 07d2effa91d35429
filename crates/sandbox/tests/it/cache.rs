//! The cache of compiled modules.

use tallystick_sandbox::wasm::{CacheConfig, Cancellation, Sandbox, SandboxConfig};

use crate::guests::job;

fn sandbox(folder: &std::path::Path, key: u8, cached_modules: usize) -> Sandbox {
    bounded(folder, key, cached_modules, 1 << 30)
}

fn bounded(folder: &std::path::Path, key: u8, cached_modules: usize, most_bytes: u64) -> Sandbox {
    let folder = folder.to_owned();
    let disk_cache = Some(CacheConfig { folder, most_bytes, key: [key; 32] });
    Sandbox::new(SandboxConfig { disk_cache, cached_modules, ..SandboxConfig::default() })
        .expect("a supported machine")
}

fn echo() -> Vec<u8> {
    wat::parse_str(include_str!("../guests/echo.wat")).expect("valid text")
}

fn run(sandbox: &Sandbox) {
    let outcome = sandbox.run(&echo(), &job(b"x"), &Cancellation::default());
    let success = outcome.expect("echo succeeds");
    assert_eq!(success.stdout, b"x");
}

#[test]
fn a_module_is_compiled_once_and_found_in_memory_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = sandbox(folder.path(), 1, 4);
    run(&first);
    run(&first);
    let counts = first.cache_counts();
    assert_eq!((counts.compiled, counts.memory_hits, counts.disk_hits), (1, 1, 0));
    let second = sandbox(folder.path(), 1, 4);
    run(&second);
    let counts = second.cache_counts();
    assert_eq!((counts.compiled, counts.memory_hits, counts.disk_hits), (0, 0, 1));
}

#[test]
fn a_file_that_was_changed_or_made_with_another_key_is_removed_and_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    run(&sandbox(folder.path(), 1, 4));
    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    for key in [1, 2, 1] {
        let next = sandbox(folder.path(), key, 4);
        run(&next);
        let counts = next.cache_counts();
        assert_eq!((counts.compiled, counts.rejected), (1, 1), "key {key}");
    }
    std::fs::write(&file, b"tally").unwrap();
    let next = sandbox(folder.path(), 1, 4);
    run(&next);
    assert_eq!(next.cache_counts().rejected, 1);
}

#[test]
fn the_cache_in_memory_is_bounded() {
    let sandbox =
        Sandbox::new(SandboxConfig { cached_modules: 1, ..SandboxConfig::default() }).unwrap();
    let other = wat::parse_str("(module (func (export \"_start\")))").unwrap();
    run(&sandbox);
    sandbox.warm(&other, &Cancellation::default()).unwrap();
    run(&sandbox);
    assert_eq!(sandbox.cache_counts().compiled, 3);
}

/// A module that is of its own number and otherwise like its siblings.
fn numbered(number: u32) -> Vec<u8> {
    wat::parse_str(format!("(module (func (export \"_start\") (drop (i32.const {number}))))"))
        .expect("valid text")
}

#[test]
fn the_folder_is_bounded_and_the_longest_unused_file_leaves_first() {
    let folder = tempfile::tempdir().unwrap();
    let total = || -> u64 {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
    };
    let free = Cancellation::default();
    bounded(folder.path(), 1, 4, 1 << 30).warm(&numbered(0), &free).unwrap();
    let one = total();
    let most = 3 * one + one / 2;
    let disk_hits = |sandbox: &Sandbox, number| {
        sandbox.warm(&numbered(number), &free).unwrap();
        sandbox.cache_counts().disk_hits
    };
    let filling = bounded(folder.path(), 1, 4, most);
    assert_eq!(disk_hits(&filling, 1), 0);
    assert_eq!(disk_hits(&filling, 2), 0);
    // The first is used again, so that the second is the oldest when a fourth comes.
    assert_eq!(disk_hits(&filling, 0), 1);
    assert_eq!(disk_hits(&filling, 3), 1);
    assert!(total() <= most, "{} of {most}", total());
    let later = bounded(folder.path(), 1, 4, most);
    assert_eq!(disk_hits(&later, 0), 1);
    assert_eq!(disk_hits(&later, 2), 2);
    assert_eq!(disk_hits(&later, 3), 3);
    assert_eq!(disk_hits(&later, 1), 3, "it had left");
    drop(bounded(folder.path(), 1, 4, one));
    assert!(total() <= one, "a smaller bound holds from the start");
}

#[test]
fn a_module_larger_than_the_bound_runs_and_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    run(&bounded(folder.path(), 1, 4, 100));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
