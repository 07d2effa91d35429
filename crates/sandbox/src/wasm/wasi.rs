//! WASI preview 1 over the closed world: three streams, arguments, environment, a virtual clock and
//! seeded randomness. There are no files and no network; their functions answer with an error code.

use wasmparser::{FuncType, ValType};

use super::cost;
use super::world::{Stop, World};

/// The module name of the functions.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

const SUCCESS: u32 = 0;
const BAD_DESCRIPTOR: u32 = 8;
const FAULT: u32 = 21;
const INVALID: u32 = 28;
const NOT_SUPPORTED: u32 = 58;
const NO_SEEK: u32 = 70;

/// A call that failed: with a code for the program, or with the end of the run.
enum Halt {
    Code(u32),
    Stop(Stop),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

type Answer = Result<u32, Halt>;

/// One function of the standard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Its name.
    pub(super) name: &'static str,
    /// Parameters: `i` for 32 bits, `I` for 64.
    pub(super) params: &'static str,
}

const fn call(name: &'static str, params: &'static str) -> Call {
    Call { name, params }
}

/// All functions of preview 1, in the order of their names.
pub(super) const CALLS: &[Call] = &[
    call("args_get", "ii"),
    call("args_sizes_get", "ii"),
    call("clock_res_get", "ii"),
    call("clock_time_get", "iIi"),
    call("environ_get", "ii"),
    call("environ_sizes_get", "ii"),
    call("fd_advise", "iIIi"),
    call("fd_allocate", "iII"),
    call("fd_close", "i"),
    call("fd_datasync", "i"),
    call("fd_fdstat_get", "ii"),
    call("fd_fdstat_set_flags", "ii"),
    call("fd_fdstat_set_rights", "iII"),
    call("fd_filestat_get", "ii"),
    call("fd_filestat_set_size", "iI"),
    call("fd_filestat_set_times", "iIIi"),
    call("fd_pread", "iiiIi"),
    call("fd_prestat_dir_name", "iii"),
    call("fd_prestat_get", "ii"),
    call("fd_pwrite", "iiiIi"),
    call("fd_read", "iiii"),
    call("fd_readdir", "iiiIi"),
    call("fd_renumber", "ii"),
    call("fd_seek", "iIii"),
    call("fd_sync", "i"),
    call("fd_tell", "ii"),
    call("fd_write", "iiii"),
    call("path_create_directory", "iii"),
    call("path_filestat_get", "iiiii"),
    call("path_filestat_set_times", "iiiiIIi"),
    call("path_link", "iiiiiii"),
    call("path_open", "iiiiiIIii"),
    call("path_readlink", "iiiiii"),
    call("path_remove_directory", "iii"),
    call("path_rename", "iiiiii"),
    call("path_symlink", "iiiii"),
    call("path_unlink_file", "iii"),
    call("poll_oneoff", "iiii"),
    call("proc_exit", "i"),
    call("proc_raise", "i"),
    call("random_get", "ii"),
    call("sched_yield", ""),
    call("sock_accept", "iii"),
    call("sock_recv", "iiiiii"),
    call("sock_send", "iiiii"),
    call("sock_shutdown", "ii"),
];

impl Call {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        CALLS.iter().find(|call| call.name == name)
    }

    /// Every function but `proc_exit` answers with an error code.
    pub(super) fn answers(&self) -> bool {
        self.name != "proc_exit"
    }

    pub(super) fn has_type(&self, function: &FuncType) -> bool {
        let params = self.params.chars().map(|letter| match letter {
            'I' => ValType::I64,
            _ => ValType::I32,
        });
        let results: &[ValType] = if self.answers() { &[ValType::I32] } else { &[] };
        params.eq(function.params().iter().copied()) && function.results() == results
    }

    /// Performs the call. An `Err` ends the run.
    pub(super) fn perform(
        &self,
        args: &[u64],
        memory: &mut [u8],
        world: &mut World,
    ) -> Result<u32, Stop> {
        world.charge(cost::WORLD_CALL)?;
        match self.route(args, memory, world) {
            Ok(code) | Err(Halt::Code(code)) => Ok(code),
            Err(Halt::Stop(stop)) => Err(stop),
        }
    }

    fn route(&self, args: &[u64], memory: &mut [u8], world: &mut World) -> Answer {
        let at = |index: usize| args.get(index).map_or(0, |value| *value as u32);
        match self.name {
            "args_get" => strings(&world.args.clone(), at(0), at(1), memory, world),
            "args_sizes_get" => sizes(&world.args, at(0), at(1), memory),
            "environ_get" => strings(&world.environment.clone(), at(0), at(1), memory, world),
            "environ_sizes_get" => sizes(&world.environment, at(0), at(1), memory),
            "clock_res_get" => clock_resolution(at(0), at(1), memory),
            "clock_time_get" => clock_time(at(0), at(2), memory, world),
            "fd_write" => write(at(0), at(1), at(2), at(3), memory, world),
            "fd_read" => read(at(0), at(1), at(2), at(3), memory, world),
            "fd_fdstat_get" => descriptor(at(0), at(1), memory),
            "fd_filestat_get" => file(at(0), at(1), memory),
            "fd_seek" | "fd_tell" | "fd_pread" | "fd_pwrite" => stream(at(0), NO_SEEK),
            "fd_close" | "fd_datasync" | "fd_sync" | "fd_fdstat_set_flags" => {
                stream(at(0), SUCCESS)
            }
            "poll_oneoff" => poll(at(0), at(1), at(2), at(3), memory, world),
            "proc_exit" => Err(Stop::Exit(at(0)).into()),
            "random_get" => random(at(0), at(1), memory, world),
            "sched_yield" => Ok(SUCCESS),
            "proc_raise" => Err(Halt::Code(NOT_SUPPORTED)),
            _ => Err(Halt::Code(BAD_DESCRIPTOR)),
        }
    }
}

fn slice(memory: &mut [u8], at: u32, length: u32) -> Result<&mut [u8], Halt> {
    let start = at as usize;
    start
        .checked_add(length as usize)
        .and_then(|end| memory.get_mut(start..end))
        .ok_or(Halt::Code(FAULT))
}

fn load(memory: &mut [u8], at: u32) -> Result<u32, Halt> {
    let bytes = slice(memory, at, 4)?;
    Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn load_long(memory: &mut [u8], at: u32) -> Result<u64, Halt> {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(slice(memory, at, 8)?);
    Ok(u64::from_le_bytes(bytes))
}

fn store(memory: &mut [u8], at: u32, bytes: &[u8]) -> Result<(), Halt> {
    slice(memory, at, bytes.len() as u32)?.copy_from_slice(bytes);
    Ok(())
}

/// An answer of every function on one of the three streams.
const fn stream(descriptor: u32, code: u32) -> Answer {
    if descriptor > 2 { Err(Halt::Code(BAD_DESCRIPTOR)) } else { Ok(code) }
}

fn sizes(list: &[Vec<u8>], count_at: u32, bytes_at: u32, memory: &mut [u8]) -> Answer {
    let bytes: usize = list.iter().map(Vec::len).sum();
    store(memory, count_at, &(list.len() as u32).to_le_bytes())?;
    store(memory, bytes_at, &(bytes as u32).to_le_bytes())?;
    Ok(SUCCESS)
}

fn strings(
    list: &[Vec<u8>],
    pointers_at: u32,
    bytes_at: u32,
    memory: &mut [u8],
    world: &mut World,
) -> Answer {
    let (mut pointer, mut at) = (pointers_at, bytes_at);
    for text in list {
        world.charge_bytes(text.len() as u32)?;
        store(memory, pointer, &at.to_le_bytes())?;
        store(memory, at, text)?;
        pointer = pointer.wrapping_add(4);
        at = at.wrapping_add(text.len() as u32);
    }
    Ok(SUCCESS)
}

fn clock_resolution(clock: u32, at: u32, memory: &mut [u8]) -> Answer {
    if clock > 3 {
        return Err(Halt::Code(INVALID));
    }
    store(memory, at, &1_u64.to_le_bytes())?;
    Ok(SUCCESS)
}

/// Clock 0 tells the virtual time, the others the virtual time since the start.
fn clock_time(clock: u32, at: u32, memory: &mut [u8], world: &World) -> Answer {
    let now = match clock {
        0 => world.now_ns(),
        1..=3 => world.elapsed_ns(),
        _ => return Err(Halt::Code(INVALID)),
    };
    store(memory, at, &now.to_le_bytes())?;
    Ok(SUCCESS)
}

fn write(
    descriptor: u32,
    vectors_at: u32,
    count: u32,
    written_at: u32,
    memory: &mut [u8],
    world: &mut World,
) -> Answer {
    if descriptor != 1 && descriptor != 2 {
        return Err(Halt::Code(BAD_DESCRIPTOR));
    }
    let mut written: u32 = 0;
    for index in 0..count {
        world.charge(cost::VECTOR)?;
        let vector = vectors_at.wrapping_add(index.wrapping_mul(8));
        let (start, length) = (load(memory, vector)?, load(memory, vector.wrapping_add(4))?);
        world.charge_bytes(length)?;
        let bytes = slice(memory, start, length)?;
        world.write(descriptor == 2, bytes)?;
        written = written.wrapping_add(length);
    }
    store(memory, written_at, &written.to_le_bytes())?;
    Ok(SUCCESS)
}

fn read(
    descriptor: u32,
    vectors_at: u32,
    count: u32,
    read_at: u32,
    memory: &mut [u8],
    world: &mut World,
) -> Answer {
    if descriptor != 0 {
        return Err(Halt::Code(BAD_DESCRIPTOR));
    }
    let mut total: u32 = 0;
    for index in 0..count {
        world.charge(cost::VECTOR)?;
        let vector = vectors_at.wrapping_add(index.wrapping_mul(8));
        let (start, length) = (load(memory, vector)?, load(memory, vector.wrapping_add(4))?);
        let left = world.stdin.len() - world.stdin_at;
        let taken = left.min(length as usize);
        world.charge_bytes(taken as u32)?;
        let from = world.stdin_at;
        slice(memory, start, taken as u32)?.copy_from_slice(&world.stdin[from..from + taken]);
        world.stdin_at += taken;
        total = total.wrapping_add(taken as u32);
        if taken < length as usize {
            break;
        }
    }
    store(memory, read_at, &total.to_le_bytes())?;
    Ok(SUCCESS)
}

/// A stream of no named kind, with the rights to read or to write. It is no terminal, so that C
/// collects lines before it writes.
fn descriptor(descriptor: u32, at: u32, memory: &mut [u8]) -> Answer {
    stream(descriptor, SUCCESS)?;
    let mut answer = [0; 24];
    answer[8] = if descriptor == 0 { 1 << 1 } else { 1 << 6 };
    store(memory, at, &answer)?;
    Ok(SUCCESS)
}

fn file(descriptor: u32, at: u32, memory: &mut [u8]) -> Answer {
    stream(descriptor, SUCCESS)?;
    store(memory, at, &[0; 64])?;
    Ok(SUCCESS)
}

fn random(at: u32, length: u32, memory: &mut [u8], world: &mut World) -> Answer {
    world.charge(i64::from(length) * cost::RANDOM_BYTE)?;
    world.draw(slice(memory, at, length)?);
    Ok(SUCCESS)
}

/// Waits for clocks without waiting: the virtual clock jumps to the earliest of them. Streams are
/// always ready.
fn poll(
    subscriptions_at: u32,
    events_at: u32,
    count: u32,
    fired_at: u32,
    memory: &mut [u8],
    world: &mut World,
) -> Answer {
    if count == 0 {
        return Err(Halt::Code(INVALID));
    }
    let mut earliest: Option<u64> = None;
    let mut ready = false;
    for index in 0..count {
        world.charge(cost::SUBSCRIPTION)?;
        let at = subscriptions_at.wrapping_add(index.wrapping_mul(48));
        let kind = slice(memory, at.wrapping_add(8), 1)?[0];
        if kind != 0 {
            ready = true;
            continue;
        }
        let clock = load(memory, at.wrapping_add(16))?;
        let timeout = load_long(memory, at.wrapping_add(24))?;
        let absolute = load(memory, at.wrapping_add(40))? & 1 == 1;
        let now = if clock == 0 { world.now_ns() } else { world.elapsed_ns() };
        let wait = if absolute { timeout.saturating_sub(now) } else { timeout };
        earliest = Some(earliest.map_or(wait, |other| other.min(wait)));
    }
    if !ready {
        world.sleep(earliest.unwrap_or(0));
    }
    let mut fired: u32 = 0;
    for index in 0..count {
        let at = subscriptions_at.wrapping_add(index.wrapping_mul(48));
        let user = load_long(memory, at)?;
        let kind = slice(memory, at.wrapping_add(8), 1)?[0];
        if (kind != 0) != ready {
            continue;
        }
        let mut event = [0; 32];
        event[..8].copy_from_slice(&user.to_le_bytes());
        event[10] = kind;
        store(memory, events_at.wrapping_add(fired.wrapping_mul(32)), &event)?;
        fired += 1;
    }
    store(memory, fired_at, &fired.to_le_bytes())?;
    Ok(SUCCESS)
}
