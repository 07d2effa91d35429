//! `tally blob`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use tallystick_sdk::blob::silent;
use tallystick_sdk::specify::Source;
use tallystick_types::BlobDigest;

use crate::failure::Failure;
use crate::output::Output;
use crate::progress;
use crate::session::Session;

/// Largest blob that is fetched, in bytes.
const MOST_BYTES: u64 = 64 << 30;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stores a file with the coordinator and prints its address.
    Put {
        /// The file.
        file: PathBuf,
    },
    /// Fetches a blob and verifies it; to standard output unless a file is named.
    Get {
        /// The address, SHA-256 of the bytes.
        digest: BlobDigest,
        /// Where to write it; the file appears once all of it is verified.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &Session, output: &Output) -> Result<(), Failure> {
        match self {
            Self::Put { file } => {
                let needed = Source::File(file).needed()?;
                let client = session.reader().await?;
                let (bar, report) = progress::bar("upload", needed.size);
                client.upload(std::slice::from_ref(&needed), &report).await?;
                bar.finish_and_clear();
                output.record(&json!({ "blob": needed.digest, "bytes": needed.size }))?;
            }
            Self::Get { digest, output: Some(path) } => {
                let client = session.reader().await?;
                let partial = path.with_added_extension("partial");
                let mut file = BufWriter::new(File::create(&partial)?);
                let bytes = client.download(digest, MOST_BYTES, &mut file, &silent()).await;
                let bytes = match bytes {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        // What is left is not the blob; that it stays would only mislead.
                        let _ = fs::remove_file(&partial);
                        return Err(error.into());
                    }
                };
                file.flush()?;
                fs::rename(&partial, &path)?;
                output.record(&json!({ "blob": digest, "bytes": bytes, "file": path }))?;
            }
            Self::Get { digest, output: None } => {
                let bytes = session.reader().await?.blob(digest, MOST_BYTES).await?;
                io::stdout().lock().write_all(&bytes)?;
            }
        }
        Ok(())
    }
}
