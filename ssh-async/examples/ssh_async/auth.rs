//! Logging in.

use ssh_async::{OnThread, Session};

use crate::connect;
use crate::shared::log;
use crate::shared::plan::Plan;

/// Logs in: the agent's keys, key files, a person. The error is a line for the user.
pub(crate) async fn login(session: &Session, plan: &Plan) -> Result<(), String> {
    let failed = |error| connect::in_context(&plan.host, plan.settings.port, &error);
    // Key files are read there, and the agent is asked, while the connection goes on.
    let (configured, proof) = (plan.configured.clone(), session.host_key_proof());
    let prepared = blocking::unblock(move || configured.prepare_login(proof.as_ref())).await;
    let (credentials, person) = prepared.map_err(failed)?;
    let method = session.login_with(&plan.user, credentials, &mut OnThread::new(person)).await.map_err(failed)?;
    log::debug(format_args!("logged in as {} with {method}", plan.user));
    let configured = plan.configured.clone();
    blocking::unblock(move || configured.run_local_command()).await.map_err(failed)
}
