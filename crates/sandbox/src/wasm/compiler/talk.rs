//! What host and child say to each other, and the host's patience.
//!
//! Request: magic, digest of the profile, seconds of processor time, bytes of address space,
//! length, module. Answer: magic, kind, length, payload. Numbers are 8 bytes, low byte first.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::super::profile::{Digest, Profile};
use super::super::validate::Refusal;
use super::super::watchdog::{Cancellation, TICK_MS};
use super::CompilerLimits;

pub(super) const MAGIC: [u8; 8] = *b"tallycc1";
/// Magic, digest and three numbers.
pub(super) const REQUEST_HEAD: usize = 8 + 32 + 3 * 8;
/// Magic, kind and length.
pub(super) const ANSWER_HEAD: usize = 8 + 1 + 8;
/// Longest refusal in bytes; names in a module may be long.
const REFUSAL_BYTES: u64 = 1 << 20;
const CHUNK: usize = 1 << 16;

pub(super) const ARTIFACT: u8 = 0;
pub(super) const REFUSED: u8 = 1;
pub(super) const OUT_OF_MEMORY: u8 = 2;
pub(super) const ENGINE_REFUSED: u8 = 3;
pub(super) const OTHER_PROFILE: u8 = 4;

/// What the child said.
pub(super) enum Answer {
    Artifact(Vec<u8>),
    Refused(Refusal),
    OutOfMemory,
    EngineRefused,
    OtherProfile,
}

/// Why the child said nothing.
pub(super) enum Silence {
    /// Time ran out, or the answer is larger than it may be.
    Limit,
    Cancelled,
    /// It closed the socket, which it does by ending.
    Ended,
    Nonsense,
}

/// The head of a request.
pub(super) struct Request {
    pub(super) profile: Digest,
    pub(super) cpu_seconds: u64,
    pub(super) address_bytes: u64,
    pub(super) module_bytes: u64,
}

impl Request {
    fn head(&self) -> Vec<u8> {
        let mut head = [&MAGIC[..], &self.profile].concat();
        for number in [self.cpu_seconds, self.address_bytes, self.module_bytes] {
            head.extend_from_slice(&number.to_le_bytes());
        }
        head
    }

    pub(super) fn read(head: &[u8; REQUEST_HEAD]) -> Option<Self> {
        let (magic, rest) = head.split_first_chunk()?;
        let (profile, rest) = rest.split_first_chunk()?;
        let (cpu, rest) = rest.split_first_chunk()?;
        let (address, rest) = rest.split_first_chunk()?;
        (*magic == MAGIC).then_some(Self {
            profile: *profile,
            cpu_seconds: u64::from_le_bytes(*cpu),
            address_bytes: u64::from_le_bytes(*address),
            module_bytes: u64::from_le_bytes(*rest.first_chunk()?),
        })
    }
}

/// One request and its answer, against a deadline.
pub(super) struct Conversation<'c> {
    socket: UnixStream,
    limits: &'c CompilerLimits,
    cancellation: &'c Cancellation,
    start: Instant,
}

impl<'c> Conversation<'c> {
    #[expect(clippy::disallowed_methods, reason = "a limit of real time, which no result holds")]
    pub(super) fn begin(
        socket: UnixStream,
        limits: &'c CompilerLimits,
        cancellation: &'c Cancellation,
    ) -> Result<Self, Silence> {
        let tick = Some(Duration::from_millis(TICK_MS));
        socket.set_read_timeout(tick).map_err(|_| Silence::Nonsense)?;
        socket.set_write_timeout(tick).map_err(|_| Silence::Nonsense)?;
        Ok(Self { socket, limits, cancellation, start: Instant::now() })
    }

    pub(super) fn hold(&mut self, module: &[u8]) -> Result<Answer, Silence> {
        let request = Request {
            profile: Profile::digest(),
            cpu_seconds: self.limits.cpu_seconds,
            address_bytes: self.limits.address_bytes,
            module_bytes: module.len() as u64,
        };
        self.say(&request.head())?;
        self.say(module)?;
        // A program that reads to the end and knows nothing of this ends now, not at the limit.
        let _ = self.socket.shutdown(Shutdown::Write);
        let head = self.hear(ANSWER_HEAD)?;
        let Some((&MAGIC, [kind, length @ ..])) = head.split_first_chunk() else {
            return Err(Silence::Nonsense);
        };
        let length = length.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let most = if *kind == ARTIFACT { self.limits.artifact_bytes } else { REFUSAL_BYTES };
        if length > most {
            return Err(Silence::Limit);
        }
        let payload = self.hear(usize::try_from(length).map_err(|_| Silence::Limit)?)?;
        match *kind {
            ARTIFACT => Ok(Answer::Artifact(payload)),
            REFUSED => {
                postcard::from_bytes(&payload).map(Answer::Refused).map_err(|_| Silence::Nonsense)
            }
            OUT_OF_MEMORY => Ok(Answer::OutOfMemory),
            ENGINE_REFUSED => Ok(Answer::EngineRefused),
            OTHER_PROFILE => Ok(Answer::OtherProfile),
            _ => Err(Silence::Nonsense),
        }
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), Silence> {
        let mut left = bytes;
        while !left.is_empty() {
            self.patience()?;
            match self.socket.write(&left[..left.len().min(CHUNK)]) {
                Ok(written) => left = &left[written..],
                Err(error) => pause(&error)?,
            }
        }
        Ok(())
    }

    fn hear(&mut self, length: usize) -> Result<Vec<u8>, Silence> {
        let mut heard = Vec::new();
        let mut chunk = [0; CHUNK];
        while heard.len() < length {
            self.patience()?;
            match self.socket.read(&mut chunk[..CHUNK.min(length - heard.len())]) {
                Ok(0) => return Err(Silence::Ended),
                Ok(read) => heard.extend_from_slice(&chunk[..read]),
                Err(error) => pause(&error)?,
            }
        }
        Ok(heard)
    }

    fn patience(&self) -> Result<(), Silence> {
        if self.cancellation.is_cancelled() {
            return Err(Silence::Cancelled);
        }
        if self.start.elapsed() >= Duration::from_millis(self.limits.wall_ms) {
            return Err(Silence::Limit);
        }
        Ok(())
    }
}

/// Passes over the end of a tick; anything else is the end of the child.
fn pause(error: &std::io::Error) -> Result<(), Silence> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
        _ => Err(Silence::Ended),
    }
}
