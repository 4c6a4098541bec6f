//! Reaching the server: the way there, key exchange, host key.

use ssh_async::{Configured, Error, Runtime, Session};

use crate::shared::log;
use crate::shared::peer;
use crate::shared::plan::Plan;

/// Connects and exchanges keys. The error is a line for the user.
pub(crate) async fn connect<T: Runtime>(runtime: &T, plan: &Plan) -> Result<Session, String> {
    log::debug(format_args!("connecting to {} port {}", plan.host, plan.settings.port));
    let session = Configured::from(plan.configured.clone()).connect(runtime.clone()).await;
    let session = session.map_err(|error| in_context(&plan.host, plan.settings.port, &error))?;
    if let Some(proof) = session.host_key_proof() {
        peer::debug_host_key(&proof.host_key);
    }
    peer::debug_agreement(session.peer_identification(), session.negotiated());
    Ok(session)
}

/// An error with the host it is about.
pub(crate) fn in_context(host: &str, port: u16, error: &Error) -> String {
    match error {
        // They name the host themselves.
        Error::Connect { .. } | Error::HostKey(_) | Error::File { .. } => error.to_string(),
        _ => format!("{host} port {port}: {error}"),
    }
}
