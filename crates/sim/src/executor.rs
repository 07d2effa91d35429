//! What simulated machines compute: the output of a slice follows from program, input and seed
//! alone, unless the machine is to get it wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use tallystick_ports::{Cancellation, ExecutionError, Executor, Ran, Run, RunUsage};

use crate::lies::Character;
use crate::random::Dice;

/// First byte of a program that fails on every machine.
pub const TRAP: u8 = b't';
/// First byte of a program that takes long on every machine.
pub const LONG: u8 = b'l';

/// A machine.
#[derive(Debug)]
pub struct Computer {
    character: Character,
    /// Slices that it computed: what makes a machine that errs err anew each time.
    computed: AtomicU64,
    salt: u64,
}

impl Computer {
    /// The machine of a node.
    pub const fn of(character: Character, salt: u64) -> Self {
        Self { character, computed: AtomicU64::new(0), salt }
    }

    /// Milliseconds that a task of a program takes.
    pub fn time(&self, program: &[u8], dice: &mut Dice) -> u64 {
        if program.first() == Some(&LONG) {
            dice.between(30_000, 500_000)
        } else if self.character.is_slow() {
            dice.between(4_000, 15_000)
        } else {
            dice.between(200, 4_000)
        }
    }
}

/// The right output of a slice.
pub fn right(program: &[u8], input: &[u8], seed: [u8; 32]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(program);
    hasher.update(input);
    hasher.update(seed);
    hasher.finalize().to_vec()
}

impl Executor for Computer {
    fn run(&self, run: &Run<'_>, _: &Cancellation) -> Result<Ran, ExecutionError> {
        if run.program.first() == Some(&TRAP) {
            let reason = "the program always fails".to_owned();
            return Err(ExecutionError::Failed { reason });
        }
        let mut output = right(run.program, run.input, run.seed);
        let computed = self.computed.fetch_add(1, Ordering::Relaxed);
        match self.character {
            Character::WrongOutput { group } => {
                output = right(run.program, &output, [group; 32]);
            }
            Character::Errs => {
                let salt = self.salt.wrapping_add(computed).to_le_bytes();
                output = right(&salt, &output, run.seed);
            }
            _ => {}
        }
        let usage = RunUsage { units: 1, memory_bytes: 1 << 16 };
        Ok(Ran { output, usage })
    }

    fn profile(&self) -> &str {
        "simulated/1"
    }
}
