//! Tokio's traits on our streams, and tokio's streams as transports.

mod common;

use common::TestServer;
use ssh_async::ssh_core::wire::DataStream;
use ssh_async::{Adopt, Connector, Runtime, Tokio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn tokio_streams() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(3000);
        let (config, keys, known) = common::server();
        tokio::spawn(async move {
            let theirs = Tokio.adopt(theirs);
            let server = TestServer::default();
            let _ = ssh_async::serve_connection(theirs, Tokio.timer(), "duplex", config, &keys, &server).await;
        });
        let connector = Connector::new().host_keys(known);
        let session = connector.connect_over(Tokio, ours, "duplex", 22).await.expect("the key is known");
        session.login("user", "secret").await.expect("it is the password");
        let mut stream = session.exec("cat").await.expect("it runs").into_stream();
        stream.write_all(&[5; 100_000]).await.expect("it is open");
        stream.shutdown().await.expect("it is open");
        let mut back = Vec::new();
        stream.read_to_end(&mut back).await.expect("it comes back");
        assert!(back == [5; 100_000]);
        let channel = session.exec("stderr text").await.expect("it runs");
        let mut text = String::new();
        channel.reader(DataStream::STDERR).read_to_string(&mut text).await.expect("it comes");
        assert_eq!(text, "text");
    });
}
