//! Files that only their owner reads.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes a new file that only its owner reads, whole or not at all. An existing one stays.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}", std::process::id()));
    let written = write_private(&draft, bytes).and_then(|()| {
        fail::fail_point!("keys.file.synced");
        fs::hard_link(&draft, path)
    });
    fail::fail_point!("keys.file.linked");
    let removed = fs::remove_file(&draft);
    written?;
    removed?;
    // The name of a new file is on the disk only once its folder is.
    File::open(folder)?.sync_all()
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
