//! A network whose every line can break: a proxy per endpoint and node, a relay per line to the
//! coordinator, the client as a process of its own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tallystick_node::Role;

use super::ChaosError;
use super::kept::{self, Copied};
use crate::dice::Dice;
use crate::machines::Machines;
use crate::network::{MARK, Member, Network, Plan, Wires, WorkerPlan};
use crate::proxy::{Fault, Proxy, Weather};
use crate::relay::Relay;

/// Blocks above a block until nodes call it safe, and final. Reorganisations stay below the latter:
/// what is deeper halts every node, as it must.
pub(super) const DEPTHS: (u64, u64) = (2, 12);

/// Chances of each fault of the line, in a million requests.
const ROUGH: u32 = 8_000;

/// How often one looks for a moment in which the chain's file is whole.
const LOOKS: u32 = 1_000;

/// Longest pause between two tries of a worker to connect, where lines are cut again and again.
const PAUSE_MS: u64 = 50;

/// Workers of a town.
pub(super) const WORKERS: u8 = 4;

/// The name of the client among those that can die.
pub(super) const CLIENT: &str = "client";

/// What is between the processes.
#[derive(Clone, Debug)]
pub(super) enum Lines {
    /// Endpoints that can lie, lines that can be cut.
    Breakable,
    /// Honest endpoints, lines that can be cut; work is small and comes quickly.
    Plain,
    /// Cables between machines; work is small and comes quickly.
    Cables(Arc<Machines>),
}

impl Lines {
    fn machines(&self) -> Option<&Arc<Machines>> {
        if let Self::Cables(machines) = self { Some(machines) } else { None }
    }
}

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) network: Network,
    /// Of each node: two honest endpoints and one that lies; of the client one honest one.
    pub(super) proxies: BTreeMap<String, Vec<Proxy>>,
    /// Lines to the coordinator of those that have one.
    pub(super) relays: BTreeMap<String, Relay>,
    client: Option<Child>,
    program: PathBuf,
    seed: u64,
    lines: Lines,
}

impl Town {
    /// Starts the network with calm weather, and the client.
    pub(super) async fn build(
        (folder, program): (PathBuf, PathBuf),
        (chain, seed): (tallystick_types::ChainId, u64),
        lines: Lines,
        say: &dyn Fn(&str),
    ) -> Result<Self, ChaosError> {
        let worker = |region| WorkerPlan { places: 2, memory_bytes: 1 << 30, region, lie: None };
        let plan = Plan {
            folder,
            program: program.clone(),
            chain,
            coordinators: 1,
            workers: vec![worker(276), worker(276), worker(840), worker(392)],
            kept: matches!(lines, Lines::Breakable),
            machines: lines.machines().cloned(),
        };
        let built: RefCell<(BTreeMap<_, _>, BTreeMap<_, _>)> = RefCell::default();
        let mut wire = |name: &str, mut wires: Wires| {
            let (proxies, relays) = &mut *built.borrow_mut();
            if lines.machines().is_some() {
                return Ok(wires);
            }
            if !name.starts_with("coordinator") {
                let relay = line(&wires.coordinators)?;
                wires.coordinators = vec![format!("http://{}", relay.address())];
                relays.insert(name.to_owned(), relay);
            }
            if matches!(lines, Lines::Plain) {
                wires.longest_pause_ms = PAUSE_MS;
                return Ok(wires);
            }
            let upstream = wires.endpoints.remove(0);
            let open = |number: u64| {
                let dice = Dice::of(seed ^ number, name);
                Proxy::open(&upstream, Weather::calm(), dice)
            };
            let three: Vec<Proxy> = (0..3).map(open).collect::<io::Result<_>>()?;
            wires.endpoints = three.iter().map(Proxy::url).collect();
            (wires.agreement, wires.depths) = (2, DEPTHS);
            proxies.insert(name.to_owned(), three);
            Ok(wires)
        };
        let network = Network::start_wired(&plan, &mut wire, say).await?;
        let (proxies, relays) = built.into_inner();
        let client = None;
        let mut town = Self { network, proxies, relays, client, program, seed, lines };
        if matches!(town.lines, Lines::Breakable) {
            town.connect_client().map_err(|it| ChaosError::files(&plan.folder, it))?;
        }
        town.start(CLIENT, &[])?;
        Ok(town)
    }

    /// The client's lines, which can break like all others.
    fn connect_client(&mut self) -> io::Result<()> {
        let dice = Dice::of(self.seed, CLIENT);
        let proxy = Proxy::open(&self.network.url(), Weather::calm(), dice)?;
        self.proxies.insert(CLIENT.to_owned(), vec![proxy]);
        self.relays.insert(CLIENT.to_owned(), line(&self.network.coordinators)?);
        Ok(())
    }

    /// Who can die, and the client.
    pub(super) fn names(&self) -> Vec<String> {
        let members = self.network.members.iter().map(|member| member.name.clone());
        members.chain([CLIENT.to_owned()]).collect()
    }

    pub(super) fn member(&mut self, name: &str) -> Option<&mut Member> {
        self.network.members.iter_mut().find(|member| member.name == name)
    }

    /// The kind of a process, for a count of what died.
    pub(super) fn role(&self, name: &str) -> &'static str {
        let member = self.network.members.iter().find(|member| member.name == name);
        match member.map(|member| member.role) {
            Some(Role::Coordinator) => "coordinator",
            Some(Role::Worker) => "worker",
            Some(Role::Settler) => "settler",
            Some(Role::Archive) => "archive",
            None => CLIENT,
        }
    }

    /// Ends a process at once. Says whether it ran.
    pub(super) fn kill(&mut self, name: &str) -> bool {
        if name != CLIENT {
            return self.member(name).is_some_and(|member| member.runs() && member.kill());
        }
        let Some(mut client) = self.client.take() else { return false };
        let ran = client.try_wait().is_ok_and(|ended| ended.is_none()) && client.kill().is_ok();
        let _gone = client.wait();
        ran
    }

    /// Starts a process that ended, perhaps behind a tracer.
    pub(super) fn start(&mut self, name: &str, behind: &[OsString]) -> Result<(), ChaosError> {
        if name == CLIENT {
            let client = self.spawn_client(behind);
            let client = client.map_err(|it| ChaosError::files(&self.network.folder, it))?;
            self.client = Some(client);
            return Ok(());
        }
        let (home, program) = (self.network.folder.join(name), self.program.clone());
        match self.member(name) {
            Some(member) => Ok(member.start(&program, &home, behind)?),
            None => Ok(()),
        }
    }

    fn spawn_client(&self, behind: &[OsString]) -> io::Result<Child> {
        let folder = &self.network.folder;
        let log = File::options().create(true).append(true).open(folder.join("client.log"))?;
        let relay = self.relays.get(CLIENT).map(|relay| format!("http://{}", relay.address()));
        let proxy = self.proxies.get(CLIENT).and_then(|it| it.first()).map(Proxy::url);
        let coordinator = relay.or_else(|| self.network.coordinators.first().cloned());
        let program: OsString = self.program.clone().into();
        let machine = self.lines.machines().map(|machines| machines.behind(CLIENT));
        let machine = machine.unwrap_or_default();
        let mut words = machine.iter().chain(behind).chain([&program]);
        let mut command = Command::new(words.next().unwrap_or(&program));
        command.args(words).arg("load");
        if !matches!(self.lines, Lines::Breakable) {
            command.arg("--small");
        }
        if let Some([_, _, authorities]) = self.lines.machines().map(|machines| machines.files()) {
            command.arg("--authorities").arg(authorities);
        }
        command
            .arg("--folder")
            .arg(folder)
            .args(["--account", &self.network.client.to_string()])
            .args(["--chain", &self.network.ground.deployment.chain_id.to_string()])
            .args(["--coordinator", &coordinator.unwrap_or_default()])
            .args(["--endpoint", &proxy.unwrap_or_else(|| self.network.url())])
            .args(["--seed", &self.seed.to_string()])
            .env(MARK, folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
    }

    /// Whether a process runs.
    pub(super) fn runs(&mut self, name: &str) -> bool {
        if name == CLIENT {
            let client = self.client.as_mut();
            return client.is_some_and(|it| it.try_wait().is_ok_and(|ended| ended.is_none()));
        }
        self.member(name).is_some_and(Member::runs)
    }

    /// Lets the weather begin: of three endpoints the third one lies. Of the archive's, two lie,
    /// which may slow it down, and must not deceive it as long as they do not lie alike.
    pub(super) fn begin_weather(&self) {
        for (name, proxies) in &self.proxies {
            let liars = if self.role(name) == "archive" { 2 } else { 1 };
            for (number, proxy) in proxies.iter().rev().enumerate() {
                let lies = number < liars && proxies.len() > liars;
                let weather = if lies { Weather::lying(ROUGH) } else { Weather::rough(ROUGH) };
                proxy.set_weather(weather);
            }
        }
    }

    /// Ends all faults of lines and endpoints.
    pub(super) fn end_weather(&self) {
        for proxy in self.proxies.values().flatten() {
            proxy.set_weather(Weather::calm());
            proxy.set_dark(false);
        }
        for relay in self.relays.values() {
            relay.set_cut(false);
        }
    }

    /// Requests, and faults by kind.
    pub(super) fn faults(&self) -> (u64, BTreeMap<Fault, u64>) {
        let (mut requests, mut sum) = (0, BTreeMap::new());
        for proxy in self.proxies.values().flatten() {
            requests += proxy.requests();
            for (fault, count) in proxy.faults() {
                *sum.entry(fault).or_insert(0) += count;
            }
        }
        (requests, sum)
    }

    /// Kills the chain, with a copy of its file at hand: Anvil writes it in place and slowly, so
    /// that a death in between leaves a mixture of two states.
    pub(super) async fn kill_chain(&mut self) -> Result<(), ChaosError> {
        let (file, copy) = self.chain_files();
        let mut lacks = Vec::new();
        for _ in 0..LOOKS {
            match kept::copy(&file, &copy) {
                Ok(Copied::Whole) => {
                    self.network.anvil().kill();
                    return Ok(());
                }
                Ok(Copied::Lacks(blocks)) => lacks = blocks,
                // A file of which a part is there cannot be read.
                Ok(Copied::Busy) | Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        match lacks.is_empty() {
            true => Err(ChaosError::files(&file, io::ErrorKind::ResourceBusy.into())),
            false => Err(ChaosError::Hole { blocks: lacks }),
        }
    }

    /// Starts the chain again, a block a second.
    pub(super) async fn start_chain(&mut self) -> Result<(), ChaosError> {
        let (file, copy) = self.chain_files();
        fs::rename(&copy, &file).map_err(|source| ChaosError::files(&file, source))?;
        self.network.anvil().restart().map_err(crate::network::NetworkError::from)?;
        Ok(self.network.ground.chain.mine_every(1).await?)
    }

    fn chain_files(&self) -> (PathBuf, PathBuf) {
        let folder = &self.network.folder;
        (folder.join("anvil.json"), folder.join("anvil.kept.json"))
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        self.kill(CLIENT);
    }
}

/// A line to the first of these addresses.
fn line(coordinators: &[String]) -> io::Result<Relay> {
    let first = coordinators.first().and_then(|url| url.strip_prefix("http://"));
    let target = first.and_then(|address| address.parse().ok());
    Relay::open(target.ok_or(io::ErrorKind::AddrNotAvailable)?)
}
