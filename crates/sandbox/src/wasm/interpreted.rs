//! The second engine: an interpreter that runs the same instrumented module, for cross-checks.

use std::sync::OnceLock;

use wasmi::{
    Caller, Config, Engine, Extern, ExternType, Func, FuncType, Global, Instance, Linker, Memory,
    Module, Store, TrapCode, Val, ValType,
};
use wasmparser::{Operator, Parser, Payload};

use super::failure::{Failure, FailureKind, LocalFault, TrapKind};
use super::instrument::{PAGES, Program, REFUSED, STACK, START, UNITS};
use super::job::Job;
use super::outcome::{Counters, End, Success, conclude};
use super::sandbox::admit;
use super::wasi;
use super::world::World;

/// What a store of this engine owns.
struct Room {
    world: World,
    memory: Option<Memory>,
    units: Option<Global>,
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut config = Config::default();
        // Far above what the instrumentation allows, so that its limit is always the first.
        config.set_max_recursion_depth(1 << 20).set_max_stack_height(256 << 20);
        config.wasm_tail_call(false).wasm_relaxed_simd(false);
        Engine::new(&config)
    })
}

/// Runs a job on the interpreter. It is slow and knows neither the backstop of real time nor
/// cancellation; units, limits and outcome are those of the sandbox.
///
/// # Errors
///
/// A [`Failure`], equal to that of the sandbox unless its reach is local.
pub fn interpret(program: &Program, job: &Job) -> Result<Success, Failure> {
    admit(program, job)?;
    if meets_defect(program.instrumented()).unwrap_or(true) {
        return Err(LocalFault::SecondEngine.into());
    }
    let broken = |_| Failure::before_start(LocalFault::Engine.into());
    let module = Module::new(engine(), program.instrumented()).map_err(broken)?;
    let linker = linker(&module).map_err(broken)?;
    let room = Room { world: World::new(job), memory: None, units: None };
    let mut store = Store::new(engine(), room);
    let end = start(&mut store, &linker, &module, job);
    let (counters, end) = match end {
        Ok((instance, end)) => (counters(&store, &instance), end),
        Err(error) => {
            let left = job.limits.units as i64;
            let pages = program.initial_pages;
            (Counters { units: left, stack: 0, refused: 0, pages }, trapped(&error))
        }
    };
    conclude(job.limits.units, store.into_data().world, counters, end)
}

/// Whether a module holds what wasmi 2.0.0 translates into an instruction that it cannot decode:
/// `v128.store8_lane` or `v128.store16_lane` with an offset of 2^16 or more. Its process aborts.
fn meets_defect(module: &[u8]) -> wasmparser::Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CodeSectionEntry(body) = payload? else { continue };
        for operator in body.get_operators_reader()? {
            if let Operator::V128Store8Lane { memarg, .. }
            | Operator::V128Store16Lane { memarg, .. } = operator?
                && memarg.offset > u64::from(u16::MAX)
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn linker(module: &Module) -> Result<Linker<Room>, wasmi::Error> {
    let mut linker = Linker::new(engine());
    for call in wasi::CALLS {
        let wanted = module
            .imports()
            .any(|import| import.name() == call.name && matches!(import.ty(), ExternType::Func(_)));
        if !wanted {
            continue;
        }
        let params = call.params.bytes().map(|letter| match letter {
            b'I' => ValType::I64,
            _ => ValType::I32,
        });
        let results = call.answers().then_some(ValType::I32);
        let ty = FuncType::new(params, results);
        linker.func_new(wasi::MODULE, call.name, ty, move |caller, args, results| {
            enter(call, caller, args, results)
        })?;
    }
    Ok(linker)
}

/// One call of the world.
fn enter(
    call: &wasi::Call,
    mut caller: Caller<'_, Room>,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), wasmi::Error> {
    let mut words = [0; 9];
    for (word, arg) in words.iter_mut().zip(args) {
        *word = match arg {
            Val::I32(value) => u64::from(*value as u32),
            Val::I64(value) => *value as u64,
            _ => 0,
        };
    }
    let units = caller.data().units;
    if let Some(Val::I64(left)) = units.map(|units| units.get(&caller)) {
        caller.data_mut().world.units = left;
    }
    let answer = match caller.data().memory {
        Some(memory) => {
            let (bytes, room) = memory.data_and_store_mut(&mut caller);
            call.perform(&words, bytes, &mut room.world)
        }
        None => call.perform(&words, &mut [], &mut caller.data_mut().world),
    };
    let left = caller.data().world.units;
    if let Some(units) = units {
        units.set(&mut caller, Val::I64(left)).map_err(|_| wasmi::Error::new("counter"))?;
    }
    match answer {
        Ok(code) => {
            if let Some(result) = results.first_mut() {
                *result = Val::I32(code as i32);
            }
            Ok(())
        }
        Err(stop) => {
            caller.data_mut().world.stop = Some(stop);
            Err(wasmi::Error::new("stopped by the world"))
        }
    }
}

fn start(
    store: &mut Store<Room>,
    linker: &Linker<Room>,
    module: &Module,
    job: &Job,
) -> Result<(Instance, End), wasmi::Error> {
    let instance = linker.instantiate_and_start(&mut *store, module)?;
    let values = [
        (UNITS, Val::I64(job.limits.units as i64)),
        (STACK, Val::I64(i64::from(job.limits.stack_slots))),
        (PAGES, Val::I32(job.limits.pages as i32)),
    ];
    for (name, value) in values {
        if let Some(global) = instance.get_global(&*store, name) {
            global.set(&mut *store, value).map_err(|_| wasmi::Error::new("counter"))?;
        }
    }
    let room_memory = instance.get_memory(&*store, "memory");
    let units = instance.get_global(&*store, UNITS);
    store.data_mut().memory = room_memory;
    store.data_mut().units = units;
    for name in [START, "_start"] {
        let function = instance.get_export(&*store, name).and_then(Extern::into_func);
        if let Some(Err(error)) =
            function.map(|function: Func| function.call(&mut *store, &[], &mut []))
        {
            return Ok((instance, trapped(&error)));
        }
    }
    Ok((instance, End::Returned))
}

fn counters(store: &Store<Room>, instance: &Instance) -> Counters {
    let long = |name| match instance.get_global(store, name).map(|global| global.get(store)) {
        Some(Val::I64(value)) => value,
        Some(Val::I32(value)) => i64::from(value),
        _ => 0,
    };
    let pages = instance.get_memory(store, "memory").map_or(0, |memory| memory.size(store));
    Counters {
        units: long(UNITS),
        stack: long(STACK),
        refused: long(REFUSED) as i32,
        pages: pages as u32,
    }
}

/// The canonical code of a trap of this engine.
fn trapped(error: &wasmi::Error) -> End {
    use wasmi::errors::{ErrorKind, InstantiationError, MemoryError, TableError};
    match error.kind() {
        // Segments that do not fit come as errors, where the standard speaks of traps.
        ErrorKind::Table(TableError::InitOutOfBounds | TableError::CopyOutOfBounds)
        | ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            return End::Trapped(TrapKind::TableOutOfBounds);
        }
        ErrorKind::Memory(MemoryError::OutOfBoundsAccess) => {
            return End::Trapped(TrapKind::MemoryOutOfBounds);
        }
        _ => {}
    }
    End::Trapped(match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) => TrapKind::Unreachable,
        Some(TrapCode::MemoryOutOfBounds) => TrapKind::MemoryOutOfBounds,
        Some(TrapCode::TableOutOfBounds) => TrapKind::TableOutOfBounds,
        Some(TrapCode::IndirectCallToNull) => TrapKind::IndirectCallToNull,
        Some(TrapCode::IntegerDivisionByZero) => TrapKind::DivisionByZero,
        Some(TrapCode::IntegerOverflow) => TrapKind::IntegerOverflow,
        Some(TrapCode::BadConversionToInteger) => TrapKind::BadConversion,
        Some(TrapCode::BadSignature) => TrapKind::BadSignature,
        Some(TrapCode::StackOverflow) => return End::Local(LocalFault::NativeStack),
        Some(TrapCode::OutOfSystemMemory) => return End::Local(LocalFault::NoMemory),
        _ => return End::Local(LocalFault::Engine),
    })
}

impl From<LocalFault> for Failure {
    fn from(fault: LocalFault) -> Self {
        Self::before_start(FailureKind::Local(fault))
    }
}
