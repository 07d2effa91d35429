//! What an operator writes for a node.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use tallystick_node::{Config, ConfigError, Override};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a folder for configurations can be made"));

/// Reads one input: the file, then behind a NUL each a setting, `name=value`. A configuration that
/// is taken is written and taken again as the same.
pub fn read(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut parts = text.split('\0');
    let file = parts.next().unwrap_or_default();
    let flags: Vec<Override> = parts
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| Override { name: name.to_owned(), value: value.to_owned() })
        .collect();
    match load(file, &flags) {
        Ok(config) => {
            if let Err(refusal) = config.check() {
                assert!(!refusal.to_string().is_empty());
            }
            // A number above those of TOML is read from text and cannot be written.
            let Ok(written) = toml::to_string(&config) else { return };
            assert_eq!(load(&written, &[]).ok(), Some(config));
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

fn load(file: &str, flags: &[Override]) -> Result<Config, ConfigError> {
    let path: PathBuf = FOLDER.path().join("node.toml");
    fs::write(&path, file).expect("the folder takes a file");
    Config::load(Some(&path), [], flags)
}
