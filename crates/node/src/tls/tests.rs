use std::error::Error;
use std::net::SocketAddr;

use tallystick_tls::{Authorities, SampleAuthority, SamplePair, Trouble, Validity, line};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::*;

/// A server with a certificate in files.
struct House {
    folder: TempDir,
    authority: SampleAuthority,
    address: SocketAddr,
    tasks: JoinSet<()>,
}

fn write(folder: &Path, pair: &SamplePair) -> (PathBuf, PathBuf) {
    let paths = (folder.join("chain.pem"), folder.join("key.pem"));
    fs::write(&paths.0, &pair.certificate).unwrap();
    fs::write(&paths.1, &pair.key).unwrap();
    paths
}

impl House {
    async fn start(name: &str, validity: Validity) -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), SampleAuthority::new());
        let (chain, key) = write(folder.path(), &authority.pair(name, validity));
        let certificate = Certificate::read(&chain, &key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (lines, standing) = mpsc::channel(1);
        let (_, health) = tonic_health::server::health_reporter();
        let server = Server::builder().add_service(health);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, certificate, lines));
        tasks.spawn(async move {
            server.serve_with_incoming(ReceiverStream::new(standing)).await.unwrap();
        });
        Self { folder, authority, address, tasks }
    }

    fn authorities(&self) -> Authorities {
        self.authority.believed(self.folder.path())
    }

    /// What is wrong with the line to the server, if anything is.
    async fn trouble(&self, scheme: &str, authorities: &Authorities) -> Option<Trouble> {
        let url = format!("{scheme}://{}", self.address);
        ask(&url, authorities, None).await.err().map(|error| {
            Trouble::of(&*error).unwrap_or_else(|| panic!("no plain reason in {error:?}"))
        })
    }
}

async fn ask(
    url: &str,
    authorities: &Authorities,
    name: Option<&str>,
) -> Result<(), Box<dyn Error>> {
    let channel = line(url, authorities, name)?.connect().await?;
    HealthClient::new(channel).check(HealthCheckRequest::default()).await?;
    Ok(())
}

#[tokio::test]
async fn whoever_believes_the_authority_is_served_by_tls() {
    let house = House::start("127.0.0.1", Validity::Present).await;
    assert_eq!(house.trouble("https", &house.authorities()).await, None);
    let public = Authorities::default();
    assert_eq!(house.trouble("https", &public).await, Some(Trouble::UnknownAuthority));
    let other = SampleAuthority::new().believed(house.folder.path());
    assert_eq!(house.trouble("https", &other).await, Some(Trouble::UnknownAuthority));
}

#[tokio::test]
async fn a_certificate_counts_for_its_name_and_its_time() {
    let house = House::start("tally.example", Validity::Present).await;
    let authorities = house.authorities();
    assert_eq!(house.trouble("https", &authorities).await, Some(Trouble::OtherName));
    let url = format!("https://{}", house.address);
    ask(&url, &authorities, Some("tally.example")).await.unwrap();
    let house = House::start("127.0.0.1", Validity::Past).await;
    assert_eq!(house.trouble("https", &house.authorities()).await, Some(Trouble::Expired));
}

#[tokio::test]
async fn whoever_comes_without_tls_is_told_to_use_it() {
    let house = House::start("127.0.0.1", Validity::Present).await;
    assert_eq!(house.trouble("http", &house.authorities()).await, Some(Trouble::NeedsTls));
    let mut browser = TcpStream::connect(house.address).await.unwrap();
    browser.write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    browser.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.ends_with("write https.\n"), "{answer}");
    // They do not stand in the way of others.
    assert_eq!(house.trouble("https", &house.authorities()).await, None);
}

#[tokio::test]
async fn tls_to_a_port_without_it_is_told_from_other_failures() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder().add_service(health);
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
    let error = ask(&url, &Authorities::default(), None).await.unwrap_err();
    assert_eq!(Trouble::of(&*error), Some(Trouble::NoTls), "{error:?}");
    tasks.shutdown().await;
    let error = ask(&url, &Authorities::default(), None).await.unwrap_err();
    assert_eq!(Trouble::of(&*error), None, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn slow_handshakes_are_cut_off() {
    let house = House::start("127.0.0.1", Validity::Present).await;
    let mut silent = TcpStream::connect(house.address).await.unwrap();
    let mut begun = TcpStream::connect(house.address).await.unwrap();
    begun.write_all(&[TLS, 3, 1]).await.unwrap();
    let began = tokio::time::Instant::now();
    for stream in [&mut silent, &mut begun] {
        let read = timeout(HANDSHAKE * 3, stream.read(&mut [0; 16])).await;
        assert_eq!(read.expect("the server ends it").unwrap_or(0), 0);
    }
    assert!(began.elapsed() >= HANDSHAKE);
    assert_eq!(house.tasks.len(), 2, "the server goes on");
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_up_and_a_bad_one_is_not() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), SampleAuthority::new());
    let pair = || authority.pair("tally.example", Validity::Present);
    let (chain, key) = write(folder.path(), &pair());
    let mut certificate = Certificate::read(&chain, &key).unwrap();
    let first = Arc::clone(&certificate.config);
    certificate.renew().await;
    assert!(Arc::ptr_eq(&certificate.config, &first), "nothing is new");
    // The files are replaced one after the other.
    let renewed = pair();
    fs::write(&chain, &renewed.certificate).unwrap();
    certificate.renew().await;
    assert!(Arc::ptr_eq(&certificate.config, &first), "the key is of another certificate");
    fs::write(&key, &renewed.key).unwrap();
    certificate.renew().await;
    assert!(!Arc::ptr_eq(&certificate.config, &first));
    let second = Arc::clone(&certificate.config);
    fs::write(&key, "").unwrap();
    certificate.renew().await;
    fs::remove_file(&key).unwrap();
    certificate.renew().await;
    assert!(Arc::ptr_eq(&certificate.config, &second), "a bad file changes nothing");
}

#[test]
fn files_that_make_no_certificate_are_refused_with_their_names() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), SampleAuthority::new());
    let pair = authority.pair("tally.example", Validity::Present);
    let (chain, key) = write(folder.path(), &pair);
    let read = || Certificate::read(&chain, &key).err().unwrap();
    fs::write(&key, authority.pair("tally.example", Validity::Present).key).unwrap();
    assert!(matches!(read(), CertificateError::Unfit { .. }));
    fs::write(&key, &pair.certificate).unwrap();
    assert!(read().to_string().contains("key.pem holds no private key"));
    fs::write(&key, &pair.key).unwrap();
    fs::write(&chain, "nothing").unwrap();
    assert!(read().to_string().contains("chain.pem holds no certificate"));
    fs::remove_file(&key).unwrap();
    assert!(matches!(read(), CertificateError::Read { .. }));
}
