//! A node in this process, and the program beside this one that runs a network of them.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::program::{Home, json, stderr, stdout};

#[test]
fn a_node_without_a_configuration_ends_with_code_78_and_says_what_to_write() {
    let home = Home::new();
    let outcome = home.tally(&["node", "run"]).code(78);
    let told = stderr(&outcome);
    assert!(told.contains(".config/tally/node.toml"), "{told}");
    assert!(told.contains("set roles to some of coordinator, worker"), "{told}");
    assert_eq!(stdout(&outcome), "");
}

#[test]
fn a_node_whose_named_file_is_missing_ends_with_code_78() {
    let home = Home::new();
    for arguments in
        [["--config", "no.toml", "node", "run"], ["node", "run", "--config", "no.toml"]]
    {
        let told = stderr(&home.tally(&arguments).code(78));
        assert!(told.contains("no.toml cannot be read"), "{told}");
    }
}

#[test]
fn a_node_whose_port_is_taken_ends_with_code_75() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let observe = format!("observe={}", taken.local_addr().unwrap());
    let data = format!("data={}", home.path().join("data").display());
    let roles = "roles=['archive']";
    let outcome = home.tally(&["node", "run", "--set", roles, "--set", &observe, "--set", &data]);
    let told = stderr(&outcome.code(75));
    assert!(told.contains("cannot listen on"), "{told}");
}

#[test]
fn what_a_node_is_set_to_comes_from_file_environment_and_flags_in_this_order() {
    let home = Home::new();
    let folder = home.path().join(".config/tally");
    fs::create_dir_all(&folder).unwrap();
    let text = "roles = ['worker']\ndrain_seconds = 7\n[chain]\nid = 1\npoll_ms = 1\n";
    fs::write(folder.join("node.toml"), text).unwrap();
    let shown = |more: &[&str]| {
        let mut arguments = vec!["node", "config", "--set", "chain.poll_ms=3"];
        arguments.extend(more);
        let mut command = home.command(&arguments);
        command.env("TALLY_NODE_CHAIN__ID", "2").env("TALLY_NODE_CHAIN__POLL_MS", "2");
        command.assert().success()
    };
    let config: toml::Table = stdout(&shown(&[])).parse().unwrap();
    assert_eq!(config["drain_seconds"].as_integer(), Some(7));
    assert_eq!(config["chain"]["id"].as_integer(), Some(2));
    assert_eq!(config["chain"]["poll_ms"].as_integer(), Some(3));
    assert_eq!(config["roles"].as_array().unwrap()[0].as_str(), Some("worker"));
    assert_eq!(json(&shown(&["--json"]))["chain"]["poll_ms"], 3);

    let other = home.path().join("other.toml");
    fs::write(&other, "drain_seconds = 9\n").unwrap();
    let shown = stdout(&shown(&["--config", other.to_str().unwrap()]));
    assert!(shown.contains("drain_seconds = 9"), "{shown}");
}

#[test]
fn a_configuration_is_shown_without_the_secrets_in_its_addresses() {
    let secret = "chain.endpoints=['https://user:secret@host/secret', 'http://127.0.0.1:8545']";
    let shown = stdout(&Home::new().tally(&["node", "config", "--set", secret]).success());
    assert!(!shown.contains("secret"), "{shown}");
    assert!(shown.contains("https://***@host/***"), "{shown}");
    assert!(shown.contains("http://127.0.0.1:8545"), "{shown}");
}

#[test]
fn a_node_that_nobody_stood_in_the_way_of_is_told_so_and_nothing_is_made() {
    let home = Home::new();
    let folder = home.path().join("data");
    let data = format!("data={}", folder.display());
    let words = ["node", "resume", "--set", "roles=['archive']", "--set", &data];
    assert_eq!(stdout(&home.tally(&words).success()), "nothing stood in its way\n");
    assert!(!folder.exists());
}

#[test]
fn a_node_refuses_settings_that_it_would_not_hear() {
    let home = Home::new();
    let told = stderr(&home.tally(&["node", "run", "--rpc", "http://127.0.0.1:1"]).code(2));
    assert!(told.contains("--set section.name=value"), "{told}");
    let told = stderr(&home.tally(&["node", "run", "--set", "chain.id"]).code(2));
    assert!(told.contains("write section.name=value"), "{told}");
    let told = stderr(&home.tally(&["node", "config", "--set", "chain.colour=1"]).code(78));
    assert!(told.contains("colour"), "{told}");
}

#[test]
fn a_node_is_not_stopped_by_a_broken_file_of_the_client() {
    let home = Home::new();
    let folder = home.path().join(".config/tally");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "colour = 'red'\n").unwrap();
    home.tally(&["config", "show"]).code(2);
    home.tally(&["node", "config"]).success();
}

#[test]
fn the_compiler_for_nodes_answers_before_anything_else() {
    let mut command = Home::new().command(&[tallystick_node::COMPILE_COMMAND]);
    // No node speaks on standard input: it ends without a word, where clap would have many.
    let outcome = command.env("TALLY_CONFIG", "no.toml").assert().code(1);
    assert_eq!((stdout(&outcome), stderr(&outcome)), (String::new(), String::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_node_that_is_told_to_terminate_stops_in_order_with_code_0() {
    let home = Home::new();
    fs::write(home.path().join("31337.json"), record()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tally"));
    command.env_clear().env("HOME", home.path()).current_dir(home.path()).args(["node", "run"]);
    for setting in [
        "roles=['archive']",
        "observe=127.0.0.1:0",
        "chain.deployments=.",
        "chain.endpoints=['http://127.0.0.1:1']",
        "archive.coordinators=['http://127.0.0.1:1']",
    ] {
        command.args(["--set", setting]);
    }
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let listens = (0..1_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        child.try_wait().unwrap().is_some() || catches_termination(child.id())
    });
    let killed = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    let ended = child.wait_with_output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert!(listens && killed.success(), "{log}");
    assert_eq!(ended.status.code(), Some(0), "{log}");
    assert!(log.contains("node.tasks.stopping"), "{log}");
}

/// Whether a process has a handler for SIGTERM, which is number 15.
#[cfg(target_os = "linux")]
fn catches_termination(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << 14) != 0
}

/// The record of a deployment that no chain has.
#[cfg(target_os = "linux")]
fn record() -> String {
    let contracts =
        tallystick_abi::Contract::ALL.into_iter().zip(1_u8..).map(|(contract, byte)| {
            let address = alloy_primitives::Address::repeat_byte(byte);
            let code = alloy_primitives::B256::ZERO;
            (format!("{contract:?}"), serde_json::json!({ "address": address, "codeHash": code }))
        });
    let contracts: serde_json::Map<_, _> = contracts.collect();
    let person = alloy_primitives::Address::repeat_byte(0x55);
    serde_json::json!({
        "chainId": 31_337,
        "block": 1,
        "deployer": person,
        "parameters": "local",
        "holders": {
            "treasury": person, "pauser": person, "committee": person, "reporter": person,
        },
        "contracts": contracts,
    })
    .to_string()
}

/// The program in a folder where nothing else is.
fn alone() -> (TempDir, PathBuf) {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_tally"));
    // On the same file system a second name costs nothing.
    let folder = tempfile::tempdir_in(built.parent().unwrap()).unwrap();
    let program = folder.path().join("tally");
    fs::hard_link(&built, &program).unwrap();
    (folder, program)
}

#[test]
fn a_local_network_without_its_program_says_how_to_build_it() {
    let (_folder, program) = alone();
    for verb in ["up", "down", "demo"] {
        let outcome = assert_cmd::Command::new(&program).args(["devnet", verb]).assert().code(1);
        let told = stderr(&outcome);
        assert!(told.contains("cargo build -p tallystick-devnet"), "{told}");
        assert_eq!(stdout(&outcome), "");
    }
}

#[test]
fn a_local_network_runs_in_place_of_this_program_with_the_same_arguments() {
    let (folder, program) = alone();
    let other = folder.path().join("tallystick-devnet");
    fs::write(&other, "#!/bin/sh\necho $$ \"$@\"\nexit 7\n").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
    let arguments: [&[&str]; 4] =
        [&["up"], &["up", "--liars", "--folder", "a b"], &["down", "--folder", "a b"], &["demo"]];
    for arguments in arguments {
        let mut command = Command::new(&program);
        command.arg("devnet").args(arguments).stdout(Stdio::piped());
        let child = command.spawn().unwrap();
        // The same process: signals and the terminal are its own.
        let expected = format!("{} {}\n", child.id(), arguments.join(" "));
        let ended = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(ended.stdout).unwrap(), expected);
        assert_eq!(ended.status.code(), Some(7));
    }
    let outcome = assert_cmd::Command::new(&program).args(["devnet", "up", "--json"]).assert();
    assert!(stderr(&outcome.code(2)).contains("leave these flags out"));
}
