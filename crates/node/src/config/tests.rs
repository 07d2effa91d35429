use super::*;

fn flag(name: &str, value: &str) -> Override {
    Override { name: name.to_owned(), value: value.to_owned() }
}

fn load(flags: &[Override]) -> Result<Config, ConfigError> {
    Config::load(None, [], flags)
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    let text = "roles = [\"settler\"]\ndrain_seconds = 1\n[chain]\nid = 1\npoll_ms = 10\n";
    std::fs::write(&path, text).unwrap();
    let environment = [
        ("TALLY_NODE_DRAIN_SECONDS", "2"),
        ("TALLY_NODE_CHAIN__ID", "2"),
        ("TALLY_NODE_CHAIN__ENDPOINTS", "[\"http://a\", \"http://b\"]"),
        ("TALLY_NODE_DATA", "/var/lib/tally"),
        ("TALLYNODE", "of somebody else"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let flags = [flag("chain.id", "3"), flag("roles", "[\"archive\", \"settler\"]")];
    let config = Config::load(Some(&path), environment, &flags).unwrap();
    assert_eq!(config.chain.id, ChainId::new(3));
    assert_eq!((config.drain_seconds, config.chain.poll_ms), (2, 10));
    assert_eq!(config.chain.endpoints, ["http://a", "http://b"]);
    assert_eq!(config.data, PathBuf::from("/var/lib/tally"));
    assert_eq!(config.roles, BTreeSet::from([Role::Archive, Role::Settler]));
    assert_eq!(config.observe, Config::default().observe);
}

#[test]
fn a_setting_that_nobody_knows_is_refused_wherever_it_comes_from() {
    for name in ["colour", "chain.colour", "coordinator.rules.colour", "roles.first", ".", "chain."]
    {
        assert!(load(&[flag(name, "1")]).is_err(), "{name}");
    }
    let environment = [("TALLY_NODE_CHAIN__COLOUR".to_owned(), "red".to_owned())];
    let error = Config::load(None, environment, &[]).unwrap_err();
    assert!(error.to_string().contains("colour"), "{error}");
    assert!(load(&[flag("chain.id", "one")]).is_err());
}

#[test]
fn what_is_missing_or_impossible_is_said_with_what_to_do() {
    let archive = flag("roles", "[\"archive\"]");
    let settler = flag("roles", "[\"settler\"]");
    let coordinators = flag("worker.coordinators", "[\"http://127.0.0.1:7420\"]");
    let account = flag("keys.account", "0x00000000000000000000000000000000000000aa");
    let password = flag("keys.password_file", "/run/password");
    let table: [(&[Override], &str); 9] = [
        (&[], "no role is set"),
        (std::slice::from_ref(&settler), "tally key new"),
        (&[settler.clone(), account.clone()], "a file with the password"),
        (&[archive.clone(), flag("chain.endpoints", "[]")], "at least one JSON-RPC endpoint"),
        (&[archive.clone(), flag("chain.agreement", "2")], "name more, or lower it"),
        (&[archive.clone(), flag("chain.safe_depth", "2")], "no earlier than it is safe"),
        (
            &[flag("roles", "[\"worker\"]"), account.clone(), password.clone()],
            "the address of a coordinator",
        ),
        (
            &[
                flag("roles", "[\"worker\"]"),
                account.clone(),
                password.clone(),
                coordinators,
                flag("worker.longest_pause_ms", "0"),
            ],
            "at least one millisecond",
        ),
        (
            &[
                archive.clone(),
                flag("settler.least_tip", "{ 0x00000000000000000000000000000000000000aa = \"x\" }"),
            ],
            "in digits",
        ),
    ];
    for (flags, words) in table {
        let error = load(flags).unwrap().check().unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    load(&[archive]).unwrap().check().unwrap();
    load(&[settler, account, password]).unwrap().check().unwrap();
}

#[test]
fn a_configuration_can_be_written_and_read_again() {
    let config = Config { roles: BTreeSet::from([Role::Coordinator]), ..Config::default() };
    let text = toml::to_string(&config).unwrap();
    let read: Config = toml::from_str(&text).unwrap();
    assert_eq!(read, config);
}
