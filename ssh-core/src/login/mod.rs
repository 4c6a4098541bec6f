//! Who to be and whom to trust: the policy of a login, without I/O. Adapters ask people and read files.
//!
//! [`LoginPlan`] is the order in which ways to authenticate are tried, [`Conversation`] carries it out with what a user
//! [can show](Credentials), and [`judge_host_key`] decides about a server's host key.

pub mod configured;
mod conversation;
mod credentials;
mod error;
mod host_keys;
mod identities;
mod plan;

pub use conversation::{AgentSignature, Conversation, Step};
pub use credentials::{Credentials, LockedKeyFile, VouchingHost};
pub use error::LoginError;
pub use host_keys::{
    HostKeyDecision, StrictHostKeyChecking, host_key_update_question, judge_host_key, judge_host_key_and_address,
    refuse_revoked,
};
pub use identities::{Unlocked, Unlocking, UnusableKeyFile, UsedKeyFile};
pub use plan::{LoginKey, LoginPlan, LoginStep};
