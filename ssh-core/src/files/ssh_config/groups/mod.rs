//! The settings by subject. Each line of a group is a keyword: its field, type, default and spellings.

use super::setting::Field;

mod connection;
mod forwarding;
mod host_keys;
mod login;
mod older;
mod session;

pub use connection::{AlgorithmLists, Connection};
pub use forwarding::Forwarding;
pub use host_keys::HostKeys;
pub use login::{Identities, Login};
pub use older::Older;
pub use session::Session;

/// A struct of settings, found by their keywords in lower case.
macro_rules! group {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $field:ident: $type:ty = $default:expr, $keyword:literal $(| $alias:literal)*;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$each])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $crate::files::ssh_config::setting::Start::start($default),)* }
            }
        }

        impl $crate::files::ssh_config::groups::Group for $name {
            fn field_mut(&mut self, keyword: &str) -> Option<&mut dyn $crate::files::ssh_config::setting::Field> {
                match keyword {
                    $($keyword $(| $alias)* => Some(&mut self.$field),)*
                    _ => None,
                }
            }

            fn field(&self, keyword: &str) -> Option<&dyn $crate::files::ssh_config::setting::Field> {
                match keyword {
                    $($keyword $(| $alias)* => Some(&self.$field),)*
                    _ => None,
                }
            }
        }
    };
}
use group;

/// Settings by keyword.
pub(super) trait Group {
    /// The place for a keyword's value.
    fn field_mut(&mut self, keyword: &str) -> Option<&mut dyn Field>;

    /// The same, to look at.
    fn field(&self, keyword: &str) -> Option<&dyn Field>;
}
