//! Machines on this machine: network namespaces, one for each process, on one bridge. What connects
//! them can be cut as cables and routes are, not as a program that passes bytes on.
//!
//! Needs root, the program `ip`, and `openssl`: lines between machines have TLS, here as anywhere.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What begins the names of all that is made; the number of this process follows.
const NAMES: &str = "tally";
/// The first two bytes of all addresses; the third comes from the number of this process.
const NETWORK: [u8; 2] = [10, 213];
/// The address of the bridge, where the chain is.
const BRIDGE: u8 = 1;
/// Ports, equal on every machine.
const LISTEN: u16 = 7_420;
const OBSERVE: u16 = 9_420;

/// Machines. Dropping them takes everything away that was made.
#[derive(Debug)]
pub struct Machines {
    tag: String,
    network: [u8; 3],
    /// The last byte of each machine's address, by its name.
    places: BTreeMap<String, u8>,
    folder: PathBuf,
}

/// Why there are no machines.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// A program is missing.
    #[error("{program} could not be started; install it (packages iproute2 and openssl)")]
    Program {
        /// The program.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The system refuses.
    #[error("`{call}` was refused: {words}; network namespaces need root, run it with sudo")]
    Refused {
        /// The call.
        call: String,
        /// What the system says.
        words: String,
    },
    /// A file could not be written.
    #[error("{} could not be written; check its permissions and free space", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Machines {
    /// Makes a machine for each name, and an authority with a certificate for all of them, whose
    /// files go to the folder. What processes that were killed left behind is taken away first.
    pub fn make(names: &[String], folder: &Path) -> Result<Self, MachineError> {
        sweep();
        let process = std::process::id();
        let third = u8::try_from(process % 251).unwrap_or(0);
        let network = [NETWORK[0], NETWORK[1], third];
        let places = names.iter().cloned().zip(BRIDGE + 1..).collect();
        let folder = folder.to_owned();
        let machines = Self { tag: process.to_string(), network, places, folder };
        machines.build()?;
        machines.certify()?;
        Ok(machines)
    }

    fn build(&self) -> Result<(), MachineError> {
        let bridge = self.bridge();
        let address = format!("{}/24", self.address(BRIDGE));
        ip(&["link", "add", &bridge, "type", "bridge"])?;
        ip(&["addr", "add", &address, "dev", &bridge])?;
        ip(&["link", "set", &bridge, "up"])?;
        for (name, place) in &self.places {
            let (space, cable) = (self.space(name), self.cable(*place));
            let address = format!("{}/24", self.address(*place));
            ip(&["netns", "add", &space])?;
            ip(&["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &space])?;
            ip(&["link", "set", &cable, "master", &bridge, "up"])?;
            ip(&["-n", &space, "addr", "add", &address, "dev", "eth0"])?;
            ip(&["-n", &space, "link", "set", "eth0", "up"])?;
            ip(&["-n", &space, "link", "set", "lo", "up"])?;
        }
        Ok(())
    }

    /// An authority of our own, as the guide to two machines has it.
    fn certify(&self) -> Result<(), MachineError> {
        let at = |name: &str| self.folder.join(name).display().to_string();
        let all: Vec<String> =
            self.places.values().map(|it| format!("IP:{}", self.address(*it))).collect();
        let names = self.folder.join("names");
        let text = format!("subjectAltName={}\n", all.join(","));
        fs::write(&names, text).map_err(|source| MachineError::File { path: names, source })?;
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let (key, authority) = (at("ca.key"), at("ca.pem"));
        let start = ["req", "-x509", "-days", "2", "-subj", "/CN=machines"];
        openssl(&[&start[..], &curve, &["-keyout", &key, "-out", &authority]].concat())?;
        let (own, request) = (at("key.pem"), at("request.pem"));
        let start = ["req", "-subj", "/CN=coordinator"];
        openssl(&[&start[..], &curve, &["-keyout", &own, "-out", &request]].concat())?;
        let (names, chain) = (at("names"), at("chain.pem"));
        openssl(&[
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            &request,
            "-CA",
            &authority,
            "-CAkey",
            &key,
            "-CAcreateserial",
            "-extfile",
            &names,
            "-out",
            &chain,
        ])
    }

    fn bridge(&self) -> String {
        format!("tb{}", self.tag)
    }

    fn space(&self, name: &str) -> String {
        format!("{NAMES}-{}-{name}", self.tag)
    }

    fn cable(&self, place: u8) -> String {
        format!("tv{}x{place}", self.tag)
    }

    const fn address(&self, place: u8) -> Ipv4Addr {
        let [first, second, third] = self.network;
        Ipv4Addr::new(first, second, third, place)
    }

    /// Where the chain is, which has no machine of its own.
    pub const fn host(&self) -> IpAddr {
        IpAddr::V4(self.address(BRIDGE))
    }

    /// Where a machine serves others, and where its health is told.
    pub fn addresses(&self, name: &str) -> Option<(SocketAddr, SocketAddr)> {
        let address = self.address(*self.places.get(name)?).into();
        Some((SocketAddr::new(address, LISTEN), SocketAddr::new(address, OBSERVE)))
    }

    /// The program behind which a process starts that is to live on a machine.
    pub fn behind(&self, name: &str) -> Vec<OsString> {
        let space = self.space(name);
        ["ip", "netns", "exec", &space].map(OsString::from).to_vec()
    }

    /// The certificate for all machines, its key, and the authority.
    pub fn files(&self) -> [PathBuf; 3] {
        ["chain.pem", "key.pem", "ca.pem"].map(|name| self.folder.join(name))
    }

    /// Pulls a machine's cable, or plugs it in.
    pub fn set_plugged(&self, name: &str, plugged: bool) -> Result<(), MachineError> {
        let Some(place) = self.places.get(name) else { return Ok(()) };
        let state = if plugged { "up" } else { "down" };
        ip(&["link", "set", &self.cable(*place), state])
    }

    /// Lets a machine's packets to another one vanish, or arrive again; without another one, those
    /// to the chain.
    pub fn set_blackhole(
        &self,
        name: &str,
        other: Option<&str>,
        vanish: bool,
    ) -> Result<(), MachineError> {
        let place = other.and_then(|other| self.places.get(other)).copied().unwrap_or(BRIDGE);
        let (space, target) = (self.space(name), format!("{}/32", self.address(place)));
        let change = if vanish { "replace" } else { "del" };
        ip(&["-n", &space, "route", change, "blackhole", &target])
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for name in self.places.keys() {
            // With it goes its end of the cable, and so the other one. What was not made cannot go.
            let _gone = ip(&["netns", "del", &self.space(name)]);
        }
        let _gone = ip(&["link", "del", &self.bridge()]);
    }
}

/// Takes away what processes made that are no more.
fn sweep() {
    let lives = |process: &str| Path::new("/proc").join(process).exists();
    for name in listed(&["netns", "list"]) {
        let mut parts = name.split('-');
        let (first, process) = (parts.next(), parts.next().unwrap_or_default());
        if first == Some(NAMES) && !lives(process) {
            let _gone = ip(&["netns", "del", &name]);
            let _gone = ip(&["link", "del", &format!("tb{process}")]);
        }
    }
}

/// The first word of each line that `ip` prints.
fn listed(words: &[&str]) -> Vec<String> {
    let output = Command::new("ip").args(words).stderr(Stdio::null()).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn ip(words: &[&str]) -> Result<(), MachineError> {
    call("ip", words)
}

fn openssl(words: &[&str]) -> Result<(), MachineError> {
    call("openssl", words)
}

fn call(program: &'static str, words: &[&str]) -> Result<(), MachineError> {
    let output = Command::new(program).args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|source| MachineError::Program { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(MachineError::Refused { call: format!("{program} {}", words.join(" ")), words: told })
}
