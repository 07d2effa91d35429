use super::*;

fn file(text: &str) -> File {
    toml::from_str(text).unwrap()
}

fn layered(file: File, environment: &[(&str, &str)], flags: &Flags) -> Configuration {
    let environment = |name: &str| {
        let found = environment.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Configuration::layered(file, environment, flags, Some("/keys".into())).unwrap()
}

#[test]
fn flags_win_over_environment_and_environment_over_the_file() {
    let text = "rpc = 'http://file'\nchain = 1\ntoken = 'TLY'\ncoordinators = ['http://a']";
    let environment = [("TALLY_RPC", "http://environment"), ("TALLY_CHAIN", "2")];
    let flags = Flags { rpc: Some("http://flag".into()), ..Flags::default() };
    let all = layered(file(text), &environment, &flags);
    assert_eq!((all.rpc.value.as_deref(), all.rpc.origin), (Some("http://flag"), Origin::Flag));
    assert_eq!((all.chain.value, all.chain.origin), (Some(2), Origin::Environment));
    assert_eq!((all.token.value.as_deref(), all.token.origin), (Some("TLY"), Origin::File));
    assert_eq!(all.coordinators.value, ["http://a"]);
    assert_eq!(all.time_limit_seconds, Setting { value: 20, origin: Origin::Default });
    assert_eq!(all.keystore, Setting { value: "/keys".into(), origin: Origin::Default });
}

#[test]
fn the_environment_lists_coordinators_with_commas() {
    let environment = [("TALLY_COORDINATOR", "http://a, http://b")];
    let all = layered(File::default(), &environment, &Flags::default());
    assert_eq!(all.coordinators.value, ["http://a", "http://b"]);
}

#[test]
fn unknown_keys_and_wrong_values_are_refused() {
    assert!(toml::from_str::<File>("colour = 1").is_err());
    assert!(toml::from_str::<File>("chain = 'one'").is_err());
    let environment = |name: &str| (name == "TALLY_CHAIN").then(|| "many".to_owned());
    let refused = Configuration::layered(File::default(), environment, &Flags::default(), None);
    assert!(matches!(refused, Err(ConfigurationError::Environment { name: "TALLY_CHAIN", .. })));
}

#[test]
fn what_may_be_a_secret_is_masked() {
    for (url, shown) in [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("https://host/v2/secret", "https://host/***"),
        ("https://user:secret@host:1/", "https://***@host:1/"),
        ("https://host?key=secret", "https://host/***"),
        ("secret", "***"),
    ] {
        assert_eq!(masked(url), shown);
    }
    let flags = Flags { rpc: Some("https://host/secret".into()), ..Flags::default() };
    let all = layered(File::default(), &[], &flags);
    assert!(!serde_json::to_string(&all.shown()).unwrap().contains("secret"));
}

#[test]
fn a_damaged_file_is_refused_or_read_with_the_same_settings_shown() {
    let text = "coordinators = ['http://user:secret@a/key', 'http://b']\nrpc = 'http://c/secret'\n\
                deployments = '/d'\nchain = 31337\ntime_limit_seconds = 0\n\
                key = '0x0101010101010101010101010101010101010101'\nkey_file = '/k'\n\
                keystore = '/keys'\ntoken = 'TLY'\n";
    assert_eq!(file(text).chain, Some(31_337));
    for place in 0..text.len() {
        for replaced in [&b""[..], b"\0", b"'", b"\"", b"[", b"=", b"-", b"9", b"\n", b"\xff"] {
            let (before, after) = text.as_bytes().split_at(place);
            let bytes = [before, replaced, &after[1..]].concat();
            let damaged = String::from_utf8_lossy(&bytes);
            if let Ok(file) = toml::from_str::<File>(&damaged) {
                let all = layered(file.clone(), &[], &Flags::default());
                assert_eq!(all.token.value, file.token);
                assert_eq!(all.chain.value, file.chain);
            }
        }
    }
}
