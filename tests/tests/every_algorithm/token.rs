//! What signs with a security key: the library, whose application asks an agent. Our programs have their keys in files.

mod host;
mod user;

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use ssh_core::crypto::signature::SignatureAlgorithm;
use ssh_core::crypto::{Algorithms, Named};
use ssh_core::key::{PublicKey, PublicKeyLine};
use ssh_core::{Endpoint, Role, SignRequest};
use ssh_interop_tests::DEADLINE;

pub(crate) use host::Host;
pub(crate) use user::log_in;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// As [`crate::REKEY_LIMIT`] says.
const REKEY_BYTES: u64 = 300 * 1024;

/// Numbers of draft-ietf-sshm-ssh-agent.
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// The key or certificate of this file.
fn read_key(path: &Path) -> Result<PublicKey> {
    Ok(PublicKeyLine::parse(&std::fs::read(path)?)?.key)
}

/// The list of this algorithm alone.
fn only(algorithm: &str) -> Vec<&'static dyn SignatureAlgorithm> {
    let mut list = Algorithms::all().host_key;
    list.retain(|each| each.name() == algorithm);
    list
}

/// The agent's signature.
fn signature(agent: &mut UnixStream, request: &SignRequest) -> Result<Vec<u8>> {
    let mut message = vec![SIGN_REQUEST];
    for part in [request.key.blob(), &request.data] {
        message.extend(u32::try_from(part.len())?.to_be_bytes());
        message.extend(part);
    }
    // No flags.
    message.extend([0; 4]);
    agent.write_all(&u32::try_from(message.len())?.to_be_bytes())?;
    agent.write_all(&message)?;
    let mut length = [0; 4];
    agent.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length))?];
    agent.read_exact(&mut answer)?;
    match answer.split_at_checked(5) {
        Some(([SIGN_RESPONSE, ..], signature)) => Ok(signature.to_vec()),
        _ => Err("the agent does not sign".into()),
    }
}

/// An application at one end of a connection.
trait Application {
    type Role: Role;

    fn ssh(&mut self) -> &mut Endpoint<Self::Role>;

    fn handle(&mut self, event: <Self::Role as Role>::Event) -> Result<()>;

    /// Writes and reads what there is of a channel's data. Says whether more can be written at once.
    fn move_data(&mut self) -> Result<bool>;
}

/// Moves bytes until the connection is over.
fn converse(application: &mut impl Application, mut socket: TcpStream) -> Result<()> {
    socket.set_read_timeout(Some(DEADLINE))?;
    loop {
        while let Some(event) = application.ssh().poll_event() {
            application.handle(event)?;
        }
        let more = application.move_data()?;
        let ssh = application.ssh();
        while !ssh.poll_output().is_empty() {
            let sent = socket.write(ssh.poll_output())?;
            ssh.consume_output(sent);
        }
        if ssh.is_finished() {
            return Ok(());
        }
        if !more && ssh.wants_input() {
            match socket.read(ssh.input_buffer())? {
                0 => ssh.handle_eof(),
                read => ssh.input_filled(read),
            }
        }
    }
}
