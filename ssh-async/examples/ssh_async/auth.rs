//! Logging in.

use ssh_async::Session;

use crate::connect;
use crate::shared::log;
use crate::shared::plan::Plan;

/// Logs in: the agent's keys, key files, a person. The error is a line for the user.
pub(crate) async fn login(session: &Session, plan: &Plan) -> Result<(), String> {
    let method = session.login_as_configured().await;
    let method = method.map_err(|error| connect::in_context(&plan.host, plan.settings.port, &error))?;
    log::debug(format_args!("logged in as {} with {method}", plan.user));
    Ok(())
}
