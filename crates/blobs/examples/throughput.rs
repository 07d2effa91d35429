//! Prints how fast blobs are put and got, beside copying a file and hashing alone.
//!
//! `cargo run --release --package tallystick-blobs --example throughput [folder]`

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tallystick_blobs::{BlobStore, PutOptions, StoreConfig};
use tallystick_types::WallTime;

const MIB: usize = 1 << 20;
const LARGE: usize = 256 * MIB;
const SMALL: usize = 4 * 1024;
const SMALL_COUNT: usize = 500;
const ROUNDS: usize = 5;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let above = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(above)?;
    let mut out = io::stdout().lock();
    let content: Vec<u8> = (0..LARGE).map(|at| (at / 7 + at % 251) as u8).collect();
    let source = folder.path().join("source");
    std::fs::write(&source, &content)?;
    let mut config = StoreConfig::new(folder.path().join("store"), 4 << 30);
    config.memory_bytes = LARGE as u64;
    let (store, _) = BlobStore::open(config)?;

    writeln!(out, "one blob of {} MiB, best of {ROUNDS}:", LARGE / MIB)?;
    let copy = folder.path().join("copy");
    let copied = best(|| {
        io::copy(&mut std::fs::File::open(&source)?, &mut std::fs::File::create(&copy)?)?;
        Ok(std::fs::File::open(&copy)?.sync_all()?)
    })?;
    row(&mut out, "copy a file and sync it", copied)?;
    row(&mut out, "read a file", best(|| Ok(std::fs::read(&source).map(drop)?))?)?;
    row(
        &mut out,
        "SHA-256 alone",
        best(|| {
            std::hint::black_box(Sha256::digest(&content));
            Ok(())
        })?,
    )?;
    let mut digest = None;
    let put = best(|| {
        store.collect(WallTime::new(0), 0)?;
        let options = PutOptions { size: Some(LARGE as u64), ..PutOptions::default() };
        digest = Some(store.put_with(std::fs::File::open(&source)?, options)?.digest);
        Ok(())
    })?;
    row(&mut out, "put from a file", put)?;
    let digest = digest.ok_or("nothing was put")?;
    row(&mut out, "get, compared whole", best(|| Ok(store.get(digest).map(drop)?))?)?;
    let read = best(|| {
        io::copy(&mut store.reader(digest)?, &mut io::sink())?;
        Ok(())
    })?;
    row(&mut out, "reader, compared by chunk", read)?;
    let small = |number: usize| content.get(number * 7..number * 7 + SMALL).unwrap_or_default();
    let (_, took) =
        timed(|| Ok((0..SMALL_COUNT).try_for_each(|number| store.put(small(number)).map(drop))?))?;
    let each = took.as_secs_f64() * 1e3 / SMALL_COUNT as f64;
    writeln!(out, "{SMALL_COUNT} blobs of 4 KiB, synced one by one: {each:.2} ms each")?;
    Ok(())
}

fn row(out: &mut impl Write, what: &str, took: Duration) -> io::Result<()> {
    let speed = LARGE as f64 / 1e6 / took.as_secs_f64();
    writeln!(out, "  {what:<28}{speed:>8.0} MB/s")
}

fn best(mut work: impl FnMut() -> Outcome<()>) -> Outcome<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        best = best.min(timed(&mut work)?.1);
    }
    Ok(best)
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Duration)> {
    let start = std::time::Instant::now();
    let result = work()?;
    Ok((result, start.elapsed()))
}
