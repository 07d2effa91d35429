//! The corpus: guests, their jobs, and what must come of them.

use tallystick_sandbox::wasm::{FailureKind, Job, Limits, TrapKind};

/// What must come of a guest.
pub(crate) enum Expected {
    /// Standard output equals these bytes.
    Output(Vec<u8>),
    /// Success, and the output is checked only for being equal on both engines.
    Success,
    /// This failure.
    Fails(FailureKind),
    /// Refused as outside of the profile; the message contains this.
    Refused(&'static str),
}

/// One line of the table.
pub(crate) struct Guest {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) stdin: &'static [u8],
    pub(crate) expected: Expected,
}

macro_rules! guest {
    ($name:literal, $stdin:expr, $expected:expr) => {
        Guest {
            name: $name,
            source: include_str!(concat!("../guests/", $name, ".wat")),
            stdin: $stdin,
            expected: $expected,
        }
    };
}

/// The limits of the corpus: small, so that hostile guests end soon on the interpreter as well.
pub(crate) fn job(stdin: &[u8]) -> Job {
    Job {
        stdin: stdin.to_vec(),
        args: vec!["guest".to_owned(), "one".to_owned()],
        environment: vec![("REGION".to_owned(), "eu".to_owned())],
        seed: [7; 32],
        clock_start_ns: 1_700_000_000_000_000_000,
        limits: Limits {
            units: 50_000_000,
            pages: 256,
            output_bytes: 1 << 20,
            wall_ms: 60_000,
            ..Limits::default()
        },
    }
}

/// What `nan_producer` writes when every NaN is canonical.
fn canonical_nans() -> Vec<u8> {
    let (short, long) = (0x7fc0_0000_u32.to_le_bytes(), 0x7ff8_0000_0000_0000_u64.to_le_bytes());
    let mut bytes = Vec::new();
    for part in [&short[..], &[0; 4], &long, &short, &[0; 4], &long, &long, &[0; 8]] {
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(&short.repeat(4));
    bytes.extend_from_slice(&long.repeat(2));
    bytes
}

/// The whole table.
pub(crate) fn all() -> Vec<Guest> {
    use Expected::{Fails, Output, Refused, Success};
    use FailureKind as F;
    vec![
        guest!("echo", b"a tally", Output(b"a tally".to_vec())),
        guest!("word_count", b"one two  three\nfour ", Output(4_u32.to_le_bytes().to_vec())),
        guest!("sort", b"tallystick", Output(b"acikllstty".to_vec())),
        guest!("mandelbrot", b"", Success),
        guest!("matrix", b"", Success),
        guest!("nan_producer", b"", Output(canonical_nans())),
        guest!("clock_and_random", b"", Success),
        guest!("arguments", b"", Success),
        guest!("memory_probe", b"", Output(Vec::new())),
        guest!("deep_recursion", b"", Output(Vec::new())),
        guest!("infinite_loop", b"", Fails(F::OutOfUnits)),
        guest!("start_loop", b"", Fails(F::OutOfUnits)),
        guest!("huge_fill", b"", Fails(F::OutOfUnits)),
        guest!("memory_bomb", b"", Fails(F::MemoryLimit)),
        guest!("stack_bomb", b"", Fails(F::StackLimit)),
        guest!("output_bomb", b"", Fails(F::OutputLimit)),
        guest!("exit_seven", b"", Fails(F::Exit(7))),
        guest!("division", b"", Fails(F::Trap(TrapKind::DivisionByZero))),
        guest!("empty_entry", b"", Fails(F::Trap(TrapKind::IndirectCallToNull))),
        guest!("convert_nan", b"", Fails(F::Trap(TrapKind::BadConversion))),
        guest!("load_out_of_bounds", b"", Fails(F::Trap(TrapKind::MemoryOutOfBounds))),
        guest!("data_out_of_bounds", b"", Fails(F::Trap(TrapKind::MemoryOutOfBounds))),
        guest!("unknown_import", b"", Refused("unknown import env.fork")),
        guest!("wrong_import", b"", Refused("proc_exit has another type")),
        guest!("shared_memory", b"", Refused("threads")),
        guest!("library", b"", Refused("_start")),
    ]
}
