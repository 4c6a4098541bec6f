//! Who to be and whom to trust: the policy of a login, without I/O. Adapters ask people and read files.
//!
//! [`LoginPlan`] is the order in which ways to authenticate are tried, [`Conversation`] carries it out with what a user
//! [can show](Credentials), and [`judge_host_key`] decides about a server's host key.

mod conversation;
mod host_keys;
mod plan;

pub use conversation::{Conversation, Credentials, LoginError, Step};
pub use host_keys::{HostKeyDecision, StrictHostKeyChecking, judge_host_key};
pub use plan::{LoginPlan, LoginStep};
