//! Lines of gRPC to a coordinator.

use std::net::IpAddr;

use tonic::transport::{ClientTlsConfig, Endpoint, Error, Uri};

use crate::Authorities;

/// Why an address is none that is connected to.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is no URL of http or https.
    #[error("{url} is no URL of a coordinator; write https://host:port, or http://127.0.0.1:port")]
    Url {
        /// What was given.
        url: String,
    },
    /// A line that others could read and change.
    #[error(
        "{url} is on another machine and has no TLS; write https://, and have its coordinator \
         serve TLS or a proxy in front of it"
    )]
    Plain {
        /// What was given.
        url: String,
    },
    /// The host of the URL can stand in no certificate.
    #[error("{url} names no host that a certificate can be for")]
    Name {
        /// What was given.
        url: String,
        /// Why.
        #[source]
        source: Error,
    },
}

/// A line to a coordinator that does not connect yet. Without TLS it stays on this machine. `name`
/// is what the certificate has to be for, unless it is the host of the URL.
///
/// # Errors
///
/// [`AddressError`].
pub fn line(
    url: &str,
    authorities: &Authorities,
    name: Option<&str>,
) -> Result<Endpoint, AddressError> {
    let no_url = || AddressError::Url { url: url.to_owned() };
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| no_url())?;
    match endpoint.uri().scheme_str() {
        Some("http") if is_local(endpoint.uri()) => Ok(endpoint),
        Some("http") => Err(AddressError::Plain { url: url.to_owned() }),
        Some("https") => {
            let anchors = authorities.roots().roots.iter().cloned();
            let mut tls = ClientTlsConfig::new().trust_anchors(anchors);
            if let Some(name) = name {
                tls = tls.domain_name(name);
            }
            let named = endpoint.tls_config(tls);
            named.map_err(|source| AddressError::Name { url: url.to_owned(), source })
        }
        _ => Err(no_url()),
    }
}

/// Whether an address is on this machine.
pub fn is_local(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        let line = |url| line(url, &Authorities::default(), None);
        for url in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://a.b:1"] {
            assert!(line(url).is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1:1", "http://a.b", "http://localhost.b:1", "http://[::2]:1"] {
            let refused = line(url).unwrap_err();
            assert!(matches!(refused, AddressError::Plain { .. }), "{refused}");
            assert!(refused.to_string().contains("https://"), "{refused}");
        }
        for url in ["", "host:1", "ftp://host", "not a url", "/path"] {
            assert!(matches!(line(url), Err(AddressError::Url { .. })), "{url}");
        }
    }
}
