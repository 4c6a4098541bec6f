//! A server whose descriptors run out goes on once there are some again. Alone in its file: the limit is the process's.
#![cfg(unix)]

mod common;

use std::net::TcpStream;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use ssh_blocking::ssh_core::admission::AdmissionPolicy;
use ssh_blocking::{Connector, Listener};

#[test]
fn a_shortage_of_descriptors_passes() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..limit }).expect("less is always allowed");
    let key = common::host_key();
    let known = key.public_key().clone();
    // This is about descriptors: nobody is to be turned away for another reason.
    let mut policy = AdmissionPolicy::default();
    policy.startups.start = 1000;
    policy.startups.full = 1000;
    policy.penalties = None;
    let listener = Listener::bind("127.0.0.1:0", vec![key]).expect("a free port").admission(policy);
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || listener.serve(&Arc::new(common::TestServer)));
    // Until there are none left, for us or for the server: both are this process.
    let mut hoard = Vec::new();
    while let Ok(stream) = TcpStream::connect(address) {
        hoard.push(stream);
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    drop(hoard);
    setrlimit(Resource::Nofile, limit).expect("the hard limit has not changed");
    let session = Connector::new().host_keys(known).connect("127.0.0.1", address.port());
    session.expect("it serves again").login("user", "secret").expect("it is the password");
}
