//! How lines between machines are protected.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Config, ConfigError, Role};

/// Lines between machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// File with the certificate of the coordinator, in PEM, and those that lead from it to its
    /// authority. With it, `coordinator.listen` speaks TLS and nothing else.
    pub certificate: PathBuf,
    /// File with the private key of the certificate, in PEM, readable by its owner alone.
    pub key: PathBuf,
    /// A name that the certificate is for, by which the other roles of this process check it.
    pub name: String,
    /// File with certificates of authorities, in PEM, that are believed beside the public ones:
    /// for coordinators and endpoints of the chain in a network of one's own.
    pub authorities: PathBuf,
    /// Other machines may connect without TLS. Everybody on the way reads and changes what they
    /// say, unless a proxy in front does TLS and nobody else reaches the address.
    pub insecure_plaintext_behind_proxy: bool,
}

impl TlsSettings {
    /// The certificate and its key, where there is one.
    pub(crate) fn files(&self) -> Option<(&Path, &Path)> {
        (!is_empty(&self.certificate)).then_some((&self.certificate, &self.key))
    }

    /// The file of authorities, where one is named.
    pub(crate) fn authorities(&self) -> Option<&Path> {
        (!is_empty(&self.authorities)).then_some(&self.authorities)
    }
}

/// The coordinator of this process, as others in it reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnCoordinator {
    pub(crate) url: String,
    /// What its certificate is for.
    pub(crate) name: Option<String>,
}

impl Config {
    /// The coordinator of this process, where it has that role.
    pub(crate) fn own_coordinator(&self) -> Option<OwnCoordinator> {
        let mut address = self.coordinator.listen;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        let own = if self.tls.files().is_some() {
            let name = Some(self.tls.name.clone());
            OwnCoordinator { url: format!("https://{address}"), name }
        } else {
            OwnCoordinator { url: format!("http://{address}"), name: None }
        };
        self.roles.contains(&Role::Coordinator).then_some(own)
    }

    pub(super) fn check_tls(&self) -> Result<(), ConfigError> {
        let missing = |name, remedy| Err(ConfigError::Missing { name, remedy });
        let tls = &self.tls;
        match (is_empty(&tls.certificate), is_empty(&tls.key)) {
            (false, true) => return missing("tls.key", "name the file of the certificate's key"),
            (true, false) => return missing("tls.certificate", "name the file of the certificate"),
            (true, true) | (false, false) => {}
        }
        if !self.roles.contains(&Role::Coordinator) {
            return Ok(());
        }
        let has = |role| self.roles.contains(&role);
        let visited =
            has(Role::Archive) || (has(Role::Worker) && self.worker.coordinators.is_empty());
        let address = self.coordinator.listen;
        if tls.files().is_none() {
            let ip = address.ip();
            if !ip.is_loopback() && !tls.insecure_plaintext_behind_proxy {
                return Err(ConfigError::Plaintext { address });
            }
            if visited && !ip.is_loopback() && !ip.is_unspecified() {
                let (name, given) = ("coordinator.listen", address.to_string());
                let remedy = "listen on 0.0.0.0 or [::]; without TLS, other roles of this process \
                              connect on this machine only";
                return Err(ConfigError::Value { name, given, remedy });
            }
            return Ok(());
        }
        if visited && tls.name.is_empty() {
            let remedy = "give a name that the certificate is for; other roles of this process \
                          check it when they connect";
            return missing("tls.name", remedy);
        }
        Ok(())
    }
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::Override;
    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        let base = [
            ("roles", "[\"coordinator\"]"),
            ("keys.account", "0x00000000000000000000000000000000000000aa"),
            ("keys.password_file", "/run/password"),
        ];
        let settings = base.iter().chain(settings);
        let flag = |(name, value): &(&str, &str)| Override {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        Config::load(None, [], &settings.map(flag).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn other_machines_connect_by_tls_or_behind_a_proxy_that_somebody_vouches_for() {
        let open = ("coordinator.listen", "0.0.0.0:9000");
        let certificate = ("tls.certificate", "/etc/tally/chain.pem");
        let key = ("tls.key", "/etc/tally/key.pem");
        let refused: [(&[(&str, &str)], &str); 4] = [
            (&[open], "tls.certificate and tls.key"),
            (&[("coordinator.listen", "10.0.0.1:9000")], "insecure_plaintext_behind_proxy"),
            (&[certificate], "tls.key is not set"),
            (&[key], "tls.certificate is not set"),
        ];
        for (settings, words) in refused {
            let error = config(settings).check().unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
        config(&[]).check().unwrap();
        config(&[open, certificate, key]).check().unwrap();
        config(&[open, ("tls.insecure_plaintext_behind_proxy", "true")]).check().unwrap();
    }

    #[test]
    fn roles_of_one_process_reach_their_coordinator_on_this_machine() {
        let roles = ("roles", "[\"coordinator\", \"worker\"]");
        let plain = config(&[roles, ("coordinator.listen", "127.0.0.1:9000")]);
        let url = "http://127.0.0.1:9000".to_owned();
        assert_eq!(plain.own_coordinator(), Some(OwnCoordinator { url, name: None }));
        let open = ("coordinator.listen", "0.0.0.0:9000");
        let files = [("tls.certificate", "/a"), ("tls.key", "/b")];
        let unnamed = config(&[roles, open, files[0], files[1]]);
        let error = unnamed.check().unwrap_err();
        assert!(error.to_string().contains("tls.name is not set"), "{error}");
        let named = config(&[roles, open, files[0], files[1], ("tls.name", "tally.example")]);
        named.check().unwrap();
        let (url, name) = ("https://127.0.0.1:9000".to_owned(), Some("tally.example".to_owned()));
        assert_eq!(named.own_coordinator(), Some(OwnCoordinator { url, name }));
        let settler = Config { roles: [Role::Settler].into(), ..named };
        assert_eq!(settler.own_coordinator(), None);
    }
}
