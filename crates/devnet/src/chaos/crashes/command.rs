//! Commands of the command line that die.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tallystick_types::JobId;

use crate::chaos::death::Death;
use crate::chaos::points::Victim;
use crate::chaos::town::Town;
use crate::chaos::{ChaosError, Finding};

/// How long one command may take.
const COMMAND: Duration = Duration::from_secs(60);
/// The signal of a process that aborted.
const ABORTED: i32 = 6;

/// Runs a command that dies, and the same once more, which then must do its work.
pub(super) async fn dies(
    town: &Town,
    program: &Path,
    death: Death,
    job: Option<JobId>,
) -> Result<Option<Finding>, ChaosError> {
    let Death::Point { point, .. } = death else { return Ok(None) };
    let tally = program.with_file_name("tally");
    let folder = town.network.folder.join("tally").join(point);
    let makes_keys = point.starts_with("keys.");
    let mut words: Vec<OsString> = vec!["--config".into(), town.network.client_file().into()];
    if makes_keys {
        words.extend(["key", "new", "--keystore"].map(OsString::from));
    } else {
        let Some(job) = job else { return Ok(Some(Finding::Quiet)) };
        words.extend(["job", "result", &job.to_string(), "--output"].map(OsString::from));
    }
    words.push(folder.clone().into());
    let run = |setting: Option<String>| {
        let mut command = tokio::process::Command::new(&tally);
        command.args(&words).env("TALLY_PASSWORD_FILE", town.network.password_file());
        command.envs(setting.map(|setting| ("FAILPOINTS", setting)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let tally = &tally;
        async move {
            let ended = tokio::time::timeout(COMMAND, command.status()).await;
            let ended = ended.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
            ended.map_err(|source| ChaosError::files(tally, source))
        }
    };
    if run(Some(death.setting())).await?.signal() != Some(ABORTED) {
        let death = death.to_string();
        return Ok(Some(Finding::Unpassed { death, victim: Victim::Tally }));
    }
    let again = run(None).await?;
    let fetched = || ["output", "receipt.json"].iter().all(|name| folder.join(name).exists());
    let well = again.success() && (makes_keys || fetched());
    Ok((!well).then(|| Finding::Ended { name: format!("tally after {death}"), log: folder }))
}
