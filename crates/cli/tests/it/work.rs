//! Work from the command line, from a key to a verified result.

use std::fs;

use assert_cmd::assert::Assert;
use tallystick_sdk::messages::Shortage;
use tallystick_tls::{SampleAuthority, Validity};
use tallystick_types::{Canonical, JobId};
use tallystick_wire::{List, Sentence};

use crate::coordinator::Coordinator;
use crate::program::{Home, json, stderr, stdout};
use crate::sample::{MODULE, Nodes, Work, prepared};

const PASSWORD: &str = "correct horse";
const JOB: JobId = JobId::new([9; 32]);

/// A home with a key, a module and an input.
fn prepare() -> (Home, String) {
    let home = Home::new();
    fs::write(home.path().join("module.wasm"), MODULE).unwrap();
    fs::write(home.path().join("lines"), "one\ntwo\nthree\nfour\nfive\n").unwrap();
    let made = home.command(&["key", "new", "--json"]).env("TALLY_PASSWORD", PASSWORD).assert();
    let address = json(&made.success())["address"].as_str().unwrap().to_owned();
    (home, address)
}

/// Orders the five lines in tasks of two.
fn run(home: &Home, coordinator: &Coordinator, key: &str, more: &[&str]) -> Assert {
    let mut command = home.command(&["job", "run", "module.wasm", "--input", "lines"]);
    command.args(["--split", "lines:1", "--slices-per-task", "2", "--output", "result"]);
    command.args(["--coordinator", &coordinator.url, "--key", key]).args(more);
    command.env("TALLY_PASSWORD", PASSWORD).current_dir(home.path()).assert()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_command_leads_from_the_module_to_the_verified_result() {
    let (home, key) = prepare();
    let coordinator = Coordinator::start().await;
    coordinator.state().break_after = 4;
    let outcome = run(&home, &coordinator, &key, &["--yes", "--json"]).success();
    let summary = json(&outcome);
    assert_eq!((&summary["verified"], &summary["tasks"]), (&true.into(), &3.into()));
    let told = stderr(&outcome);
    for line in ["1010 TLY in all", "accepted with 3 tasks", "task 2 verified", "receipt 0x"] {
        let line = line.replace("1010 TLY", "0.00000000000000101 TLY");
        assert!(told.contains(&line), "{line} is not in {told}");
    }
    let folder = home.path().join("result");
    let output = fs::read_to_string(folder.join("output")).unwrap();
    assert_eq!(output, "ONE\nTWO\nTHREE\nFOUR\nFIVE\n");
    assert!(!folder.join("output.partial").exists());
    let receipt = folder.join("receipt.json");
    let (receipt, output) = (receipt.to_str().unwrap(), folder.join("output"));
    let verified =
        home.tally(&["verify", receipt, "--output", output.to_str().unwrap(), "--json"]).success();
    let specification = prepared().specification.digest().to_string();
    assert_eq!(json(&verified)["specification"], specification);
    fs::write(&output, "ONE\nTWO\nTHREE\nFOUR\nSIX\n").unwrap();
    home.tally(&["verify", receipt, "--output", output.to_str().unwrap()]).code(5);
    let job = summary["job"].as_str().unwrap();
    let at = ["--coordinator", &coordinator.url];
    let status = home.tally(&[&["job", "status", job, "--json"], &at[..]].concat()).success();
    assert_eq!(json(&status)["phase"], "settled");
    let events = home.tally(&[&["job", "watch", job, "--after", "7"], &at[..]].concat()).success();
    assert_eq!(stdout(&events).lines().count(), 2);
    let again = home.path().join("again");
    let again = again.to_str().unwrap();
    home.tally(&[&["job", "result", job, "--output", again], &at[..]].concat()).success();
    assert_eq!(fs::read(format!("{again}/output")).unwrap().len(), 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_of_another_machine_is_reached_by_tls_or_not_at_all() {
    let home = Home::new();
    let authority = SampleAuthority::new();
    let pair = authority.pair("127.0.0.1", Validity::Present);
    let coordinator = Coordinator::secured(&pair).await;
    let file = authority.write(home.path());
    let ask = ["network", "show", "--coordinator", &coordinator.url, "--json"];
    let strange = home.tally(&ask).code(4);
    assert!(stderr(&strange).contains("--authorities"), "{}", stderr(&strange));
    let file = file.to_str().unwrap();
    let known = home.tally(&[&ask[..], &["--authorities", file]].concat()).success();
    assert_eq!(json(&known)["chain"], 31_337);
    let mut command = home.command(&ask);
    command.env("TALLY_AUTHORITIES", file).assert().success();
    let no_file = home.tally(&[&ask[..], &["--authorities", "missing.pem"]].concat()).code(2);
    assert!(stderr(&no_file).contains("missing.pem cannot be read"));
    let plain = ["network", "show", "--coordinator", "http://10.0.0.1:7420"];
    let plain = home.tally(&plain).code(2);
    assert!(stderr(&plain).contains("write https://"), "{}", stderr(&plain));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_keyboard_orders_nothing_without_saying_yes() {
    let (home, key) = prepare();
    let coordinator = Coordinator::start().await;
    let outcome = run(&home, &coordinator, &key, &[]).code(2);
    assert!(stderr(&outcome).contains("--yes"), "{}", stderr(&outcome));
    let outcome = run(&home, &coordinator, &key, &["--yes", "--max-price", "0.000000000000001"]);
    assert!(stderr(&outcome.code(5)).contains("raise --max-price"));
    assert!(coordinator.state().puts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_receipt_ends_with_code_5_and_leaves_no_result() {
    let (home, key) = prepare();
    let coordinator = Coordinator::start().await;
    let work = Work::of(&["one\n"], 1);
    let foreign = Nodes::new(3).receipt(JOB, &prepared().specification, &work);
    coordinator.state().instead = Some(foreign);
    let outcome = run(&home, &coordinator, &key, &["--yes"]).code(5);
    assert!(stderr(&outcome).contains("is the receipt of job"), "{}", stderr(&outcome));
    assert!(!home.path().join("result/output").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_that_nobody_can_meet_are_code_3_with_every_filter_and_nothing_is_sent() {
    let (home, key) = prepare();
    let coordinator = Coordinator::start().await;
    let sentence = "each task needs 9 nodes, and of the 3 known ones 2 can ever do this work (1: \
                    machine too small); ask for less of a node or for fewer replicas";
    coordinator.state().shortage = Some(Shortage {
        needed: 9,
        known: 3,
        rejected: List::default(),
        impossible: true,
        sentence: Sentence::cut(sentence),
    });
    let outcome = run(&home, &coordinator, &key, &["--yes", "--replicas", "9"]).code(3);
    assert_eq!(stderr(&outcome), format!("error: Quote was refused: {sentence}\n"));
    assert_eq!(stdout(&outcome), "");
    assert!(coordinator.state().puts.is_empty(), "nothing is uploaded for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_code_1_and_names_the_file() {
    let (home, key) = prepare();
    let coordinator = Coordinator::start().await;
    let at = ["--coordinator", &coordinator.url, "--key", &key];
    let job = JOB.to_string();
    let mut cancel = home.command(&[&["job", "cancel", &job], &at[..]].concat());
    let outcome = cancel.env("TALLY_PASSWORD", "wrong").assert().code(1);
    let told = stderr(&outcome);
    assert!(told.contains("the password does not open"), "{told}");
    assert!(told.contains("give the right one"), "{told}");
    assert!(told.contains(".local/share/tally/keys"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_nobody_knows_is_code_3() {
    let coordinator = Coordinator::start().await;
    let job = JOB.to_string();
    let outcome = Home::new().tally(&["job", "status", &job, "--coordinator", &coordinator.url]);
    assert!(stderr(&outcome.code(3)).contains("check the id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_go_and_come_back() {
    let (home, _) = prepare();
    let coordinator = Coordinator::start().await;
    let at = ["--json", "--coordinator", &coordinator.url];
    let file = home.path().join("lines");
    let put = home.tally(&[&["blob", "put", file.to_str().unwrap()], &at[..]].concat()).success();
    let digest = json(&put)["blob"].as_str().unwrap().to_owned();
    let got = home.tally(&[&["blob", "get", &digest], &at[..]].concat()).success();
    assert_eq!(got.get_output().stdout, fs::read(&file).unwrap());
    let missing = home.path().join("missing");
    let unknown = JOB.to_string();
    let ask = ["blob", "get", &unknown, "--output", missing.to_str().unwrap()];
    home.tally(&[&ask, &at[..]].concat()).code(5);
    assert_eq!(fs::read_dir(home.path()).unwrap().filter(is_missing).count(), 0);
}

fn is_missing(entry: &std::io::Result<fs::DirEntry>) -> bool {
    entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("missing")
}

#[test]
fn a_forged_receipt_is_code_5_and_a_true_one_needs_no_network() {
    let home = Home::new();
    let work = Work::of(&["one\n", "two\n"], 1);
    let signed = Nodes::new(2).receipt(JOB, &prepared().specification, &work);
    let file = home.path().join("receipt");
    let path = file.to_str().unwrap();
    fs::write(&file, signed.to_bytes()).unwrap();
    let outcome = home.tally(&["verify", path]).success();
    assert!(stdout(&outcome).contains("only the chain knows"));
    let text =
        serde_json::to_string(&signed).unwrap().replace("\"cost\":\"900\"", "\"cost\":\"9\"");
    fs::write(&file, text).unwrap();
    assert_eq!(stdout(&home.tally(&["verify", path]).code(5)), "");
}

#[test]
fn keys_are_imported_listed_and_never_shown() {
    let home = Home::new();
    let digits = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    let mut import = home.command(&["key", "import", "--json"]);
    let outcome = import.env("TALLY_PASSWORD", PASSWORD).write_stdin(digits).assert().success();
    let address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    let same = |text: &serde_json::Value| text.as_str().unwrap().eq_ignore_ascii_case(address);
    assert!(same(&json(&outcome)["address"]));
    let listed = home.tally(&["key", "list", "--json"]).success();
    assert!(same(&json(&listed)["keys"][0]["address"]));
    assert!(!stdout(&listed).contains(digits));
    let mut again = home.command(&["key", "import"]);
    again.env("TALLY_PASSWORD", PASSWORD).write_stdin("no key").assert().code(1);
}
