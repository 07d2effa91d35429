//! How a process is to die: at a named point, or inside of a system call.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::iter;
use std::path::Path;
use std::time::Duration;

use super::points::{PLACES, Victim, When};

/// How long a process may run until it passes a point for the first time, and for each time after.
const FIRST: Duration = Duration::from_secs(400);
const LATER: Duration = Duration::from_secs(20);
/// The same for system calls: more than the time of a job, and for each call before. Alone a node
/// syncs ten times in a second and more; beside other work it has less of the machine.
const CALL: Duration = Duration::from_secs(60);
const EACH_CALL: Duration = Duration::from_millis(400);
/// With this in its environment a node does all its own work on one thread, its waits for the disk
/// as well; only the engine of its stores has others. Strace counts the calls of each thread, so
/// these are then the calls of the node.
pub const ONE_THREAD: &str = "TALLY_DEVNET_ONE_THREAD";
/// The signal of a strike.
const KILLED: i32 = 9;

/// System calls by which a process writes, makes sure of it, and speaks.
/// No role ever calls `sendmsg`.
pub(super) const CALLS: [&str; 5] = ["write", "writev", "fsync", "fdatasync", "sendto"];

/// What a struck call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Blow {
    /// The process is killed before the call does anything.
    Kill,
    /// The call does nothing and says that input or output failed.
    Eio,
}

/// One death to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Death {
    /// At a point, when it is passed for the n-th time.
    Point { point: &'static str, hit: u64, stops: bool },
    /// At the n-th call.
    Strike { call: &'static str, blow: Blow, number: u64 },
}

/// What came of a death.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It died there.
    Died,
    /// It ended by itself and said why.
    Ended,
    /// It heard that the call failed, and goes on.
    WentOn,
    /// It never came so far.
    Unreached,
}

impl Blow {
    pub(super) const ALL: [Self; 2] = [Self::Kill, Self::Eio];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "SIGKILL",
            Self::Eio => "EIO",
        }
    }
}

impl End {
    pub(super) const ALL: [Self; 4] = [Self::Died, Self::Ended, Self::WentOn, Self::Unreached];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Died => "died",
            Self::Ended => "ended",
            Self::WentOn => "went on",
            Self::Unreached => "never came",
        }
    }
}

impl Death {
    /// The program behind which a process starts that is to die so. `trace` is the file in which
    /// a tracer tells what it did.
    pub(super) fn behind(&self, trace: &Path) -> Vec<OsString> {
        match self {
            Self::Point { .. } => {
                vec!["env".into(), format!("FAILPOINTS={}", self.setting()).into()]
            }
            Self::Strike { call, blow, number } => {
                // Behind a filter in the kernel no other call waits for the tracer, but signals are
                // not delivered there.
                let (what, filter) = match blow {
                    Blow::Kill => ("signal=KILL", None),
                    Blow::Eio => ("error=EIO", Some("--seccomp-bpf")),
                };
                let words = ["-D", "-f", "-y", "-qq", "-s", "0", "-E"];
                let words = iter::once("strace").chain(filter).chain(words).map(OsString::from);
                let one_thread = format!("{ONE_THREAD}=1");
                let inject = format!("inject={call}:{what}:when={number}");
                let output = [one_thread.into(), "-o".into(), trace.into()];
                let calls = ["-e".into(), format!("trace={call}").into(), "-e".into()];
                words.chain(output).chain(calls).chain([inject.into()]).collect()
            }
        }
    }

    /// The variable `FAILPOINTS` for a death at a point.
    pub(super) fn setting(&self) -> String {
        match self {
            Self::Point { point, hit: 0 | 1, .. } => format!("{point}=panic"),
            Self::Point { point, hit, .. } => format!("{point}={}*off->panic", hit - 1),
            Self::Strike { .. } => String::new(),
        }
    }

    /// How long to wait for it.
    pub(super) fn patience(&self) -> Duration {
        match self {
            Self::Point { hit, .. } => {
                FIRST + LATER * u32::try_from(hit.saturating_sub(1)).unwrap_or(u32::MAX)
            }
            Self::Strike { number, .. } => {
                CALL + EACH_CALL * u32::try_from(*number).unwrap_or(u32::MAX)
            }
        }
    }

    /// The point, if it is to be at one.
    pub(super) const fn point(&self) -> Option<&'static str> {
        match self {
            Self::Point { point, .. } => Some(point),
            Self::Strike { .. } => None,
        }
    }

    /// How many receipts an archive has to collect anew to come so far. After its start it syncs
    /// files for nothing else: each, and its folder. A network alone brings them too slowly.
    pub(super) fn receipts(&self, victim: Victim) -> Option<usize> {
        match (self, victim) {
            (Self::Strike { call: "fsync", number, .. }, Victim::Archive) => {
                Some(usize::try_from(number.div_ceil(2)).unwrap_or(usize::MAX))
            }
            _ => None,
        }
    }

    /// Whether it falls on the beginning of a connection to a coordinator. A process makes no other
    /// use of this call, so it only comes far where its connections end again and again.
    pub(super) fn connects(&self, victim: Victim) -> bool {
        let dials = matches!(victim, Victim::Worker | Victim::Archive);
        dials && matches!(self, Self::Strike { call: "sendto", .. })
    }

    /// Whether it must come about, or the run proves less than it says.
    pub(super) fn must(&self, victim: Victim) -> bool {
        let is_helped = self.connects(victim) || self.receipts(victim).is_some();
        is_helped || matches!(self, Self::Point { hit: 1, .. })
    }

    /// Whether the process has to be asked to end before it comes by.
    pub(super) const fn stops(&self) -> bool {
        matches!(self, Self::Point { stops: true, .. })
    }

    /// The file, or the name of the connection, of which a call of a process that lives on failed.
    pub(super) fn struck(&self, trace: &Path) -> Option<String> {
        let eio = matches!(self, Self::Strike { blow: Blow::Eio, .. });
        let text = eio.then(|| fs::read_to_string(trace).ok()).flatten()?;
        let (before, _) = text.split_once("(INJECTED)\n")?;
        // Where other threads spoke in between, the thread's line before tells the file.
        let thread = before.lines().next_back()?.split(' ').next()?;
        let mut own = before.lines().rev().filter(|line| line.split(' ').next() == Some(thread));
        let line = own.find(|line| !line.contains(" resumed>"))?;
        let (_, name) = line.split_once('<').unwrap_or_default();
        Some(name.split_once('>').unwrap_or_default().0.to_owned())
    }

    /// What came of a process that ended, by this signal or by itself; nothing where it should not
    /// have ended so.
    pub(super) fn end(&self, signal: Option<i32>, log: &Path, trace: &Path) -> Option<End> {
        let told = fs::read(log).unwrap_or_default();
        let told = String::from_utf8_lossy(&told);
        let (wanted, end) = match self {
            Self::Point { point, .. } => {
                (told.contains(&format!("failpoint {point} panic")), End::Died)
            }
            Self::Strike { blow: Blow::Kill, .. } => (signal == Some(KILLED), End::Died),
            Self::Strike { blow: Blow::Eio, .. } => {
                let words = ["error", "ERROR", "panicked"];
                let speaks = words.iter().any(|word| told.contains(word));
                (speaks && self.struck(trace).is_some(), End::Ended)
            }
        };
        wanted.then_some(end)
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Point { point, hit, .. } => write!(f, "{point} #{hit}"),
            Self::Strike { call, blow, number } => write!(f, "{} {call} #{number}", blow.name()),
        }
    }
}

/// Whether a file is one in which a store keeps what it acknowledges: numbers, and `.log`.
pub(super) fn is_store(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    let number = name.strip_suffix(".log").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Deaths at points in an order in which neighbours differ; see [`super::Sweep`].
pub(super) fn points(hits: u64, every_role: bool, only: Option<&str>) -> Vec<(Victim, Death)> {
    let mut deaths = Vec::new();
    for hit in 1..=hits {
        for place in PLACES {
            let several = if every_role { place.victims.len() } else { 1 };
            // A command passes its points once, and a process ends once.
            if hit > 1 && place.when != When::Working {
                continue;
            }
            for victim in place.victims.iter().take(several) {
                let wanted = |point: &&str| only.is_none_or(|part| point.contains(part));
                let points = place.points.iter().map(|(point, _)| *point).filter(wanted);
                let stops = place.when == When::Stopping;
                deaths.extend(points.map(|point| (*victim, Death::Point { point, hit, stops })));
            }
        }
    }
    deaths
}

/// Strikes of every role in every call. However early it ends, the numbers that were struck lie all
/// over the range: after the first come those that halve it, then those that quarter it, and so on.
/// Neighbours in time lie far apart, so that no role dies at its start again and again: that would
/// be an outage, in which leases lapse.
pub(super) fn strikes(numbers: impl Iterator<Item = u64>) -> Vec<(Victim, Death)> {
    let roles = [Victim::Coordinator, Victim::Worker, Victim::Settler, Victim::Archive];
    let mut numbers: Vec<(usize, u64)> = numbers.enumerate().collect();
    numbers.sort_by_key(|(place, _)| place.reverse_bits());
    let mut deaths = Vec::new();
    for (_, number) in numbers {
        for call in CALLS {
            for blow in Blow::ALL {
                let strike = Death::Strike { call, blow, number };
                deaths.extend(roles.map(|role| (role, strike)));
            }
        }
    }
    deaths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_dies_at_the_passage_that_was_named() {
        let death = |hit| Death::Point { point: "outbox.send.before", hit, stops: false };
        assert_eq!(death(1).setting(), "outbox.send.before=panic");
        assert_eq!(death(3).setting(), "outbox.send.before=2*off->panic");
    }

    #[test]
    fn a_struck_node_has_one_thread_whose_calls_strace_counts() {
        let strike = Death::Strike { call: "fsync", blow: Blow::Eio, number: 7 };
        let words = strike.behind(Path::new("trace"));
        assert!(words.iter().any(|word| word == format!("{ONE_THREAD}=1").as_str()), "{words:?}");
        assert!(words.iter().any(|word| word == "inject=fsync:error=EIO:when=7"), "{words:?}");
    }

    #[test]
    fn an_archive_has_a_receipt_to_collect_for_every_two_syncs_of_files() {
        let wanted =
            |victim, call| Death::Strike { call, blow: Blow::Kill, number: 399 }.receipts(victim);
        assert_eq!(wanted(Victim::Archive, "fsync"), Some(200));
        assert_eq!(wanted(Victim::Archive, "fdatasync"), None);
        assert_eq!(wanted(Victim::Worker, "fsync"), None);
    }

    #[test]
    fn what_is_helped_to_come_about_must_come_about() {
        let strike = |call| Death::Strike { call, blow: Blow::Kill, number: 130 };
        let must = |victim, call| strike(call).must(victim);
        assert!(must(Victim::Archive, "fsync") && must(Victim::Archive, "sendto"));
        assert!(must(Victim::Worker, "sendto") && !must(Victim::Worker, "fsync"));
        assert!(!must(Victim::Settler, "sendto") && !must(Victim::Coordinator, "sendto"));
        let point = |hit| Death::Point { point: "outbox.send.before", hit, stops: false };
        assert!(point(1).must(Victim::Settler) && !point(2).must(Victim::Settler));
    }

    #[test]
    fn a_node_has_longer_for_a_later_call() {
        let patience = |number| {
            Death::Strike { call: "fdatasync", blow: Blow::Kill, number }.patience().as_secs()
        };
        assert_eq!([1, 400].map(patience), [60, 220]);
    }

    #[test]
    fn a_short_run_has_each_point_once_and_a_long_one_each_role_of_it() {
        let names: usize = PLACES.iter().map(|place| place.points.len()).sum();
        let pairs: usize = PLACES.iter().map(|it| it.points.len() * it.victims.len()).sum();
        assert_eq!(points(1, false, None).len(), names);
        assert_eq!(points(1, true, None).len(), pairs);
        assert!(points(10, true, None).len() >= 500);
    }

    #[test]
    fn a_run_of_strikes_that_ends_early_was_all_over_the_range() {
        let mut numbers: Vec<u64> = strikes(1..=8)
            .into_iter()
            .filter_map(|(victim, death)| match death {
                Death::Strike { call: "fsync", blow: Blow::Kill, number } => {
                    (victim == Victim::Worker).then_some(number)
                }
                _ => None,
            })
            .collect();
        assert_eq!(numbers, [1, 5, 3, 7, 2, 6, 4, 8]);
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(1..=8));
    }

    #[test]
    fn what_a_tracer_and_a_log_tell_decides_what_came_of_a_strike() {
        let folder = tempfile::tempdir().unwrap();
        let (log, trace) = (folder.path().join("log"), folder.path().join("trace"));
        let strike = |blow| Death::Strike { call: "fsync", blow, number: 2 };
        let end = |blow, signal| strike(blow).end(signal, &log, &trace);
        assert_eq!(end(Blow::Kill, None), None, "it ended by itself");
        assert_eq!(end(Blow::Kill, Some(KILLED)), Some(End::Died));
        let store = "/n/worker-1/worker/000012.log";
        let told = format!(
            "7 fsync(9</n/a>) = 0\n7 fsync(3<{store}>) = -1 EIO (Input/output error) (INJECTED)\n"
        );
        fs::write(&trace, told).unwrap();
        assert_eq!(strike(Blow::Eio).struck(&trace).as_deref(), Some(store));
        assert_eq!(strike(Blow::Kill).struck(&trace), None);
        let told = format!(
            "7 fsync(3<{store}> <unfinished ...>\n8 fsync(9</n/a>) = 0\n\
             7 <... fsync resumed>) = -1 EIO (Input/output error) (INJECTED)\n"
        );
        fs::write(&trace, told).unwrap();
        assert_eq!(strike(Blow::Eio).struck(&trace).as_deref(), Some(store));
        assert!(is_store(store));
        assert!(
            ["/n/node.log", "/n/worker/LOG", "/n/.log", "TCP:[7]"].iter().all(|it| !is_store(it))
        );
        assert_eq!(end(Blow::Eio, None), None, "it ended without a word");
        fs::write(&log, "error: the disk failed\n").unwrap();
        assert_eq!(end(Blow::Eio, None), Some(End::Ended));
    }
}
