//! Help, settings and errors, without any network.

use std::fs;

use crate::program::{Home, json, stderr, stdout};

/// Every noun with its verbs.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        "job",
        &[
            "run",
            "submit",
            "create",
            "status",
            "watch",
            "result",
            "receipt",
            "why",
            "cancel",
            "list",
            "retry",
            "dead-letters",
        ],
    ),
    ("blob", &["put", "get"]),
    ("escrow", &["deposit", "withdraw", "balance"]),
    ("stake", &["add", "activate", "remove", "withdraw"]),
    ("key", &["new", "import", "list"]),
    ("network", &["show"]),
    ("trust", &["pair", "claim", "list"]),
    ("settle", &["once"]),
    ("verify", &[]),
    ("doctor", &[]),
    ("completions", &[]),
    ("config", &["show"]),
    ("node", &["register", "status", "list", "retire", "run", "config", "check", "resume"]),
    ("devnet", &["up", "down", "demo"]),
];

const JOB: &str = "0x0909090909090909090909090909090909090909090909090909090909090909";
const NOWHERE: &str = "http://127.0.0.1:1";

#[test]
fn every_command_has_help_and_no_other_is_hidden() {
    let home = Home::new();
    let nouns = stdout(&home.tally(&["--help"]).success());
    assert_eq!(commands_of(&nouns), COMMANDS.iter().map(|(noun, _)| *noun).collect::<Vec<_>>());
    for (noun, verbs) in COMMANDS {
        let help = stdout(&home.tally(&[noun, "--help"]).success());
        assert_eq!(commands_of(&help), *verbs, "{noun}");
        for verb in *verbs {
            let help = stdout(&home.tally(&[noun, verb, "--help"]).success());
            assert!(help.contains(&format!("Usage: tally {noun} {verb}")), "{noun} {verb}");
        }
    }
}

/// The commands that a help text lists, without `help` itself.
fn commands_of(help: &str) -> Vec<&str> {
    let Some((_, after)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = after.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

#[test]
fn wrong_use_is_code_2_and_says_what_to_do() {
    let home = Home::new();
    let refused: [(&[&str], &str); 8] = [
        (&[], "Usage"),
        (&["job", "status", "12"], "invalid value"),
        (&["job", "status", JOB], "--coordinator"),
        (&["job", "list", "--coordinator", "not a url"], "https://host:port"),
        (&["escrow", "balance"], "--rpc"),
        (&["escrow", "balance", "--rpc", NOWHERE], "--deployments"),
        (&["key", "new"], "TALLY_PASSWORD_FILE"),
        (&["verify", "missing.json"], "check the path"),
    ];
    for (arguments, advice) in refused {
        let outcome = home.tally(arguments).code(2);
        assert!(stderr(&outcome).contains(advice), "{arguments:?}: {}", stderr(&outcome));
        assert_eq!(stdout(&outcome), "", "{arguments:?}");
    }
}

#[test]
fn no_answer_is_code_4() {
    let home = Home::new();
    let asks: [&[&str]; 3] = [&["network", "show"], &["job", "status", JOB], &["node", "list"]];
    for arguments in asks {
        let mut all = vec!["--coordinator", NOWHERE, "--time-limit", "2"];
        all.extend(arguments);
        let outcome = home.tally(&all).code(4);
        assert!(stderr(&outcome).contains("name another coordinator"), "{}", stderr(&outcome));
    }
}

#[test]
fn settings_come_from_file_environment_and_flags_in_this_order() {
    let home = Home::new();
    let folder = home.path().join(".config/tally");
    fs::create_dir_all(&folder).unwrap();
    let text = "rpc = 'https://user:secret@file/secret'\nchain = 1\ntoken = 'TLY'\n";
    fs::write(folder.join("config.toml"), text).unwrap();
    let mut command = home.command(&["config", "show", "--json", "--token", "USD"]);
    let outcome = command.env("TALLY_CHAIN", "2").assert().success();
    let settings = json(&outcome);
    let of = |name: &str| {
        let rows = settings["settings"].as_array().unwrap();
        let row = rows.iter().find(|row| row["setting"] == name).unwrap();
        (row["value"].clone(), row["source"].as_str().unwrap().to_owned())
    };
    assert_eq!(of("token"), ("USD".into(), "flag".into()));
    assert_eq!(of("chain"), (2.into(), "environment".into()));
    let (rpc, source) = of("rpc");
    assert_eq!(rpc, "https://***@file/***");
    assert!(source.ends_with("config.toml"), "{source}");
    assert!(!stdout(&outcome).contains("secret"));
}

#[test]
fn a_file_with_unknown_keys_is_refused_by_name() {
    let home = Home::new();
    let file = home.path().join("other.toml");
    fs::write(&file, "colour = 'red'\n").unwrap();
    let outcome = home.tally(&["--config", file.to_str().unwrap(), "config", "show"]).code(2);
    assert!(stderr(&outcome).contains("colour"), "{}", stderr(&outcome));
}

#[test]
fn errors_have_no_colours_where_nobody_sees_them() {
    let outcome = Home::new().tally(&["network", "show"]).code(2);
    assert!(stderr(&outcome).starts_with("error: "), "{}", stderr(&outcome));
}

#[test]
fn the_doctor_names_what_is_missing_and_fails() {
    let outcome = Home::new().tally(&["doctor", "--json"]).code(1);
    let checks = json(&outcome);
    let bad = checks["checks"].as_array().unwrap().iter().filter(|row| row["state"] == "bad");
    assert_eq!(bad.count(), 3);
}

#[test]
fn the_doctor_looks_at_a_node_as_well() {
    let home = Home::new();
    let rows = |file: &str| {
        let outcome = home.tally(&["doctor", "--node", file, "--json"]).code(1);
        json(&outcome)["checks"].as_array().unwrap().clone()
    };
    assert!(rows("/nowhere/node.toml").iter().any(|row| row["check"] == "node"));
    let file = home.path().join("node.toml");
    std::fs::write(&file, "roles = [\"settler\"]\n").unwrap();
    let rows = rows(file.to_str().unwrap());
    for what in ["configuration", "disk", "health port", "deployment record"] {
        assert!(rows.iter().any(|row| row["check"] == what), "{what}: {rows:?}");
    }
}

#[test]
fn shells_get_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&Home::new().tally(&["completions", shell]).success());
        assert!(script.contains("dead-letters"), "{shell}");
    }
}
