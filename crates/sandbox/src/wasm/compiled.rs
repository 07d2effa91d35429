//! The first engine: compiled code in pooled instances.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use wasmtime::{
    Caller, Config, Enabled, Engine, FuncType, Global, InstanceAllocationStrategy, InstancePre,
    Linker, Memory, PoolingAllocationConfig, ResourceLimiter, Store, Trap, UpdateDeadline, Val,
    ValType,
};

use super::failure::{LocalFault, TrapKind};
use super::instrument::{PAGES, REFUSED, STACK, START, UNITS};
use super::job::Job;
use super::outcome::{Counters, End};
use super::profile::Profile;
use super::wasi;
use super::watchdog::Cancellation;
use super::world::World;

/// Native stack for Wasm, in bytes: 16 for every slot that a job may use.
const WASM_STACK_BYTES: usize = Profile::MAXIMUM_STACK_SLOTS as usize * 16 * 8;
/// Native stack for the host functions above it, in bytes.
const HOST_STACK_BYTES: usize = 1 << 20;
const PAGE_BYTES: usize = 1 << 16;

/// What a store owns.
pub(super) struct Room {
    pub(super) world: World,
    memory: Option<Memory>,
    units: Option<Global>,
    fault: Option<LocalFault>,
    /// Whether the last growth is within every maximum, so that only the machine can refuse it.
    growth_is_due: bool,
}

impl ResourceLimiter for Room {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let limit = Profile::MAXIMUM_PAGES as usize * PAGE_BYTES;
        self.growth_is_due = desired <= maximum.map_or(limit, |most| most.min(limit));
        Ok(desired <= limit)
    }

    /// The machine is short of memory: never an answer to the program, whose replicas had enough.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        if !self.growth_is_due {
            return Ok(());
        }
        self.fault = Some(LocalFault::NoMemory);
        Err(error)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

fn config(slots: u32, pooled: bool) -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_extended_const(false)
        .wasm_backtrace_max_frames(None)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(WASM_STACK_BYTES + HOST_STACK_BYTES);
    if pooled {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_core_instances(slots)
            .total_memories(slots)
            .total_tables(slots)
            .total_stacks(slots)
            .max_memory_size(Profile::MAXIMUM_PAGES as usize * PAGE_BYTES)
            .table_elements(Profile::MAXIMUM_TABLE_ENTRIES as usize)
            .max_core_instance_size(8 << 20)
            .pagemap_scan(Enabled::Auto)
            .linear_memory_keep_resident(1 << 16);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// An engine with a pool, or without one where the address space is too small for it.
pub(super) fn engine(slots: u32) -> wasmtime::Result<(Engine, bool)> {
    match Engine::new(&config(slots, true)) {
        Ok(engine) => Ok((engine, true)),
        Err(_) => Engine::new(&config(slots, false)).map(|engine| (engine, false)),
    }
}

/// An engine that compiles for those of [`engine`] and never runs: its settings are theirs, and
/// the pool is no part of compiled code.
pub(super) fn engine_of_compiler() -> wasmtime::Result<Engine> {
    Engine::new(&config(1, false))
}

/// A linker with the whole of WASI preview 1.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Room>> {
    let mut linker = Linker::new(engine);
    for call in wasi::CALLS {
        let params = call.params.chars().map(|letter| match letter {
            'I' => ValType::I64,
            _ => ValType::I32,
        });
        let results = call.answers().then_some(ValType::I32);
        let ty = FuncType::new(engine, params, results);
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
) -> wasmtime::Result<()> {
    let mut words = [0; 9];
    for (word, arg) in words.iter_mut().zip(args) {
        *word = match arg {
            Val::I32(value) => u64::from(*value as u32),
            Val::I64(value) => *value as u64,
            _ => 0,
        };
    }
    let units = caller.data().units;
    if let Some(Val::I64(left)) = units.map(|units| units.get(&mut caller)) {
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
        units.set(&mut caller, Val::I64(left))?;
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
            Err(wasmtime::Error::msg("stopped by the world"))
        }
    }
}

/// Runs to the end. The world and the counters come back whatever happened.
pub(super) fn run(
    program: &InstancePre<Room>,
    job: &Job,
    cancellation: &Cancellation,
    initial_pages: u32,
) -> (World, Counters, End) {
    let room = Room {
        world: World::new(job),
        memory: None,
        units: None,
        fault: None,
        growth_is_due: false,
    };
    let mut store = Store::new(program.module().engine(), room);
    store.limiter(|room| room);
    let watched = cancellation.clone();
    let patience = Duration::from_millis(job.limits.wall_ms);
    #[expect(clippy::disallowed_methods, reason = "a backstop of real time, which no result holds")]
    let start = Instant::now();
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut context| {
        let fault = match (watched.is_cancelled(), start.elapsed() >= patience) {
            (true, _) => LocalFault::Cancelled,
            (false, true) => LocalFault::TimedOut,
            (false, false) => return Ok(UpdateDeadline::Continue(1)),
        };
        context.data_mut().fault = Some(fault);
        Ok(UpdateDeadline::Interrupt)
    });
    let mut counters =
        Counters { units: job.limits.units as i64, stack: 0, refused: 0, pages: initial_pages };
    // The future runs on a stack of its own from the pool and never waits: no host call is async.
    let polled = {
        let mut future = pin!(drive(&mut store, program, job, &mut counters));
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    };
    let end = match (polled, store.data().fault) {
        (_, Some(fault)) => End::Local(fault),
        (Poll::Ready(Ok(())), None) => End::Returned,
        (Poll::Ready(Err(error)), None) => trapped(&error),
        (Poll::Pending, None) => End::Local(LocalFault::Engine),
    };
    (store.into_data().world, counters, end)
}

async fn drive(
    store: &mut Store<Room>,
    program: &InstancePre<Room>,
    job: &Job,
    counters: &mut Counters,
) -> wasmtime::Result<()> {
    let instance = program.instantiate_async(&mut *store).await?;
    let values = [
        (UNITS, Val::I64(job.limits.units as i64)),
        (STACK, Val::I64(i64::from(job.limits.stack_slots))),
        (PAGES, Val::I32(job.limits.pages as i32)),
    ];
    for (name, value) in values {
        if let Some(global) = instance.get_global(&mut *store, name) {
            global.set(&mut *store, value)?;
        }
    }
    let memory = instance.get_memory(&mut *store, "memory");
    store.data_mut().memory = memory;
    let units = instance.get_global(&mut *store, UNITS);
    store.data_mut().units = units;
    let mut end = Ok(());
    for name in [START, "_start"] {
        if let Some(function) = instance.get_func(&mut *store, name)
            && end.is_ok()
        {
            end = function.call_async(&mut *store, &[], &mut []).await;
        }
    }
    let mut read = |name| match instance.get_global(&mut *store, name) {
        Some(global) => match global.get(&mut *store) {
            Val::I64(value) => value,
            Val::I32(value) => i64::from(value),
            _ => 0,
        },
        None => 0,
    };
    let (units, stack, refused) = (read(UNITS), read(STACK), read(REFUSED) as i32);
    let pages = memory.map_or(0, |memory| memory.size(&*store)) as u32;
    *counters = Counters { units, stack, refused, pages };
    end
}

/// The canonical code of a trap of this engine.
fn trapped(error: &wasmtime::Error) -> End {
    End::Trapped(match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => TrapKind::Unreachable,
        Some(Trap::MemoryOutOfBounds) => TrapKind::MemoryOutOfBounds,
        Some(Trap::TableOutOfBounds) => TrapKind::TableOutOfBounds,
        Some(Trap::IndirectCallToNull) => TrapKind::IndirectCallToNull,
        Some(Trap::IntegerDivisionByZero) => TrapKind::DivisionByZero,
        Some(Trap::IntegerOverflow) => TrapKind::IntegerOverflow,
        Some(Trap::BadConversionToInteger) => TrapKind::BadConversion,
        Some(Trap::BadSignature) => TrapKind::BadSignature,
        Some(Trap::StackOverflow) => return End::Local(LocalFault::NativeStack),
        _ => return End::Local(LocalFault::Engine),
    })
}
