//! The child's side: takes limits upon itself, then one module.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::super::artifact::Artifact;
use super::super::compiled;
use super::super::instrument::prepare;
use super::super::profile::Profile;
use super::talk::{
    ANSWER_HEAD, ARTIFACT, ENGINE_REFUSED, MAGIC, OTHER_PROFILE, OUT_OF_MEMORY, REFUSED,
    REQUEST_HEAD, Request,
};

/// Compiles the one module that a sandbox sends over standard input, and returns.
///
/// The program named in [`super::CompilerProcess`] calls it first thing, before it starts threads,
/// and exits with its code. Called by hand it fails at once: standard input is no socket.
#[must_use]
pub fn compiler_main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> io::Result<()> {
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.peer_addr()?;
    let mut head = [0; REQUEST_HEAD];
    socket.read_exact(&mut head)?;
    let request = Request::read(&head).ok_or(io::ErrorKind::InvalidData)?;
    if request.profile != Profile::digest() {
        return answer(&mut socket, OTHER_PROFILE, &[]);
    }
    limit(&request)?;
    let mut module = Vec::new();
    (&mut socket).take(request.module_bytes).read_to_end(&mut module)?;
    let program = match prepare(&module) {
        Ok(program) => program,
        Err(refusal) => {
            let refusal = postcard::to_stdvec(&refusal).map_err(io::Error::other)?;
            return answer(&mut socket, REFUSED, &refusal);
        }
    };
    let engine = compiled::engine_of_compiler().map_err(io::Error::other)?;
    match Artifact::compile(&engine, program.instrumented()) {
        Ok(artifact) => answer(&mut socket, ARTIFACT, artifact.bytes()),
        Err(error) if error.is::<wasmtime::error::OutOfMemory>() => {
            answer(&mut socket, OUT_OF_MEMORY, &[])
        }
        Err(_) => answer(&mut socket, ENGINE_REFUSED, &[]),
    }
}

/// No memory and time beyond the request, no dump of what was in memory, no files.
fn limit(request: &Request) -> io::Result<()> {
    // The signal of the lower limit tells the host why; the upper one kills.
    let seconds = request.cpu_seconds;
    let limits = [
        (Resource::As, request.address_bytes, request.address_bytes),
        (Resource::Cpu, seconds, seconds.saturating_add(1)),
        (Resource::Core, 0, 0),
        (Resource::Fsize, 0, 0),
    ];
    for (resource, current, maximum) in limits {
        // Nobody may raise a limit that was set from outside.
        let outside = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let (current, maximum) = (current.min(outside), maximum.min(outside));
        setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })?;
    }
    Ok(())
}

fn answer(socket: &mut UnixStream, kind: u8, payload: &[u8]) -> io::Result<()> {
    let mut head = Vec::with_capacity(ANSWER_HEAD);
    head.extend_from_slice(&MAGIC);
    head.push(kind);
    head.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    socket.write_all(&head)?;
    socket.write_all(payload)
}
