//! Fetching a result: receipt first, then what it covers, then the files.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};
use tallystick_protocol::specification::{Input, MOST_BYTES, Specification};
use tallystick_sdk::Client;
use tallystick_sdk::output::TaskRoots;
use tallystick_sdk::picture::Picture;
use tallystick_sdk::specify::TileGrid;
use tallystick_sdk::verify::{Expected, verify};
use tallystick_types::JobId;

use crate::failure::Failure;
use crate::{progress, words};

/// What is known of the job whose result is fetched.
pub(super) struct Wanted {
    /// What was ordered, where this program ordered it.
    pub(super) specification: Option<Specification>,
    /// Attestations that the receipt needs.
    pub(super) quorum: u8,
    /// Names of the input's files, one per slice.
    pub(super) names: Vec<String>,
    /// Roots of tasks, as events told them.
    pub(super) roots: TaskRoots,
}

/// Where the output of slices goes until all of it is verified.
struct Files<'a> {
    folder: &'a Path,
    names: &'a [String],
    each: bool,
    whole: BufWriter<File>,
    picture: Option<Picture>,
    refused: Option<String>,
}

impl Wanted {
    /// Nothing but the job's id.
    pub(super) const fn unknown() -> Self {
        Self { specification: None, quorum: 1, names: Vec::new(), roots: TaskRoots::new() }
    }
}

/// Fetches and verifies the result of a job into a folder, and says what is there. Files appear
/// under their names once everything is verified.
pub(super) async fn fetch(
    client: &Client,
    job: JobId,
    wanted: &Wanted,
    folder: &Path,
) -> Result<Value, Failure> {
    let verified = verify(&client.receipt(job).await?)?;
    let domain = client.job_domain();
    let specification = wanted.specification.as_ref().map(Specification::digest);
    verified.answers(&Expected { job, domain, specification, quorum: wanted.quorum })?;
    let receipt = &verified.signed().receipt;
    let specification = match &wanted.specification {
        Some(specification) => Some(specification.clone()),
        None => specified(client, receipt.specification.into()).await,
    };
    fs::create_dir_all(folder)?;
    let partial = folder.join("output.partial");
    let slices = folder.join("slices.partial");
    let each = matches!(specification.as_ref().map(|it| &it.input), Some(Input::Blobs(_)));
    if each {
        fs::create_dir_all(&slices)?;
    }
    let mut files = Files {
        folder: &slices,
        names: &wanted.names,
        each,
        whole: BufWriter::new(File::create(&partial)?),
        picture: specification.and_then(|it| grid(&it.input)).map(Picture::new).transpose()?,
        refused: None,
    };
    let bytes = client.parts(job).await?.iter().map(|part| part.size).sum();
    let (bar, report) = progress::bar("result", bytes);
    let mut sink = |slice: u64, bytes: &[u8]| files.take(slice, bytes);
    let fetched = client.output(receipt, &wanted.roots, &mut sink, &report).await;
    bar.finish_and_clear();
    if let Err(error) = fetched {
        // Unverified bytes are not left lying about.
        let _ = fs::remove_file(&partial);
        let _ = fs::remove_dir_all(&slices);
        return Err(error.into());
    }
    files.whole.flush()?;
    let picture = files.picture.filter(|_| files.refused.is_none());
    fail::fail_point!("tally.output.written");
    fs::rename(&partial, folder.join("output"))?;
    fail::fail_point!("tally.output.renamed");
    if each {
        let place = folder.join("slices");
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::rename(&slices, place)?;
    }
    fs::write(folder.join("receipt.json"), verified.to_json())?;
    fail::fail_point!("tally.receipt.written");
    if let Some(picture) = &picture {
        picture.write_png(BufWriter::new(File::create(folder.join("result.png"))?))?;
    }
    let signers = receipt.attestations.as_slice().iter().map(|one| words::seat(one.seat()));
    Ok(json!({
        "job": job,
        "verified": true,
        "output": folder.join("output"),
        "receipt": folder.join("receipt.json"),
        "picture": picture.map(|_| folder.join("result.png")),
        "no_picture_because": files.refused,
        "sha256": receipt.output,
        "cost": receipt.cost,
        "attested_by": signers.collect::<Vec<_>>(),
    }))
}

/// The specification as a blob, for the sake of pictures and names only: without it the result is
/// the same.
async fn specified(client: &Client, digest: tallystick_types::BlobDigest) -> Option<Specification> {
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let bytes = client.blob(digest, most).await.ok()?;
    Specification::from_bytes(&bytes).ok()
}

const fn grid(input: &Input) -> Option<TileGrid> {
    match *input {
        Input::Tiles { width, height, across, down } => {
            Some(TileGrid { width, height, across, down })
        }
        Input::Blob { .. } | Input::Blobs(_) => None,
    }
}

impl Files<'_> {
    fn take(&mut self, slice: u64, bytes: &[u8]) -> io::Result<()> {
        self.whole.write_all(bytes)?;
        if self.each {
            let index = usize::try_from(slice).ok();
            let name = index.and_then(|index| self.names.get(index).cloned());
            fs::write(self.folder.join(name.unwrap_or_else(|| format!("{slice:06}"))), bytes)?;
        }
        // An output that is no picture is a result all the same.
        if let Some(picture) = &mut self.picture
            && let Err(error) = picture.place(slice, bytes)
        {
            self.refused.get_or_insert_with(|| error.to_string());
        }
        Ok(())
    }
}
