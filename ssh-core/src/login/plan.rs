//! In which order ways to authenticate are tried.

use alloc::{collections::VecDeque, string::String, vec::Vec};

use core::ops::Range;

use crate::auth::AuthNeeded;
use crate::key::PublicKey;

/// What to try next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginStep {
    /// `none`, to learn what the server offers.
    None,
    /// This key.
    PublicKey(PublicKey),
    /// The key file with this number, which has to be unlocked before it is known which key it holds.
    Unlock(usize),
    /// The word of this host, with its key of this number.
    HostBased(usize),
    /// A password; so many have been refused before.
    Password {
        /// 0 for the first.
        attempt: u32,
    },
    /// The server's own questions.
    KeyboardInteractive,
    /// Nothing is left.
    GiveUp,
}

/// A key to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginKey {
    /// This one.
    Known(PublicKey),
    /// The one in the key file with this number, once it is unlocked.
    Locked(usize),
}

/// The order of a login. No key is offered twice, and no method is tried that the server does not offer.
#[derive(Clone, Debug)]
pub struct LoginPlan {
    /// Methods in the order of preference (`PreferredAuthentications`).
    preferred: Vec<String>,
    keys: VecDeque<LoginKey>,
    host_keys: Range<usize>,
    passwords_left: u32,
    password_attempt: u32,
    rounds_left: u32,
    asked_none: bool,
}

impl LoginPlan {
    /// A plan with these keys, and so many passwords and rounds of keyboard-interactive as may be tried. The order is
    /// OpenSSH's: `hostbased`, `publickey`, `keyboard-interactive`, `password`.
    pub fn new(keys: Vec<LoginKey>, passwords: u32, rounds: u32) -> Self {
        Self {
            preferred: Self::usual_methods(),
            keys: keys.into(),
            host_keys: 0..0,
            passwords_left: passwords,
            password_attempt: 0,
            rounds_left: rounds,
            asked_none: false,
        }
    }

    /// OpenSSH's order.
    pub(super) fn usual_methods() -> Vec<String> {
        ["hostbased", "publickey", "keyboard-interactive", "password"].map(String::from).into()
    }

    /// Sets the order of methods; what is not named is not tried.
    #[must_use]
    pub fn preferred(mut self, methods: Vec<String>) -> Self {
        self.preferred = methods;
        self
    }

    /// Sets how many keys this host has to vouch with.
    #[must_use]
    pub fn host_keys(mut self, count: usize) -> Self {
        self.host_keys = 0..count;
        self
    }

    /// Tries these keys next: what an unlocked file turned out to hold.
    pub fn offer_next(&mut self, keys: impl DoubleEndedIterator<Item = PublicKey>) {
        keys.rev().for_each(|key| self.keys.push_front(LoginKey::Known(key)));
    }

    /// Tries a method no more.
    pub fn give_up(&mut self, method: &str) {
        self.preferred.retain(|each| each != method);
    }

    /// What to try, after the server said what it needs.
    pub fn next(&mut self, needed: &AuthNeeded) -> LoginStep {
        let offered = needed.methods_that_can_continue.as_deref();
        if offered.is_none() && !core::mem::replace(&mut self.asked_none, true) && !self.starts_with_key() {
            return LoginStep::None;
        }
        let step = self.preferred.iter().find_map(|method| {
            let may = offered.is_none_or(|offered| offered.iter().any(|each| each == method));
            match method.as_str() {
                "publickey" if may => self.keys.pop_front().map(|key| match key {
                    LoginKey::Known(key) => LoginStep::PublicKey(key),
                    LoginKey::Locked(file) => LoginStep::Unlock(file),
                }),
                "hostbased" if may => self.host_keys.next().map(LoginStep::HostBased),
                "keyboard-interactive" if may && self.rounds_left > 0 => {
                    self.rounds_left -= 1;
                    Some(LoginStep::KeyboardInteractive)
                }
                "password" if may && self.passwords_left > 0 => {
                    self.passwords_left -= 1;
                    self.password_attempt += 1;
                    Some(LoginStep::Password { attempt: self.password_attempt - 1 })
                }
                _ => None,
            }
        });
        step.unwrap_or(LoginStep::GiveUp)
    }

    /// A key can be tried without asking what the server offers: one round trip less. Nobody is asked for a passphrase
    /// before that.
    fn starts_with_key(&self) -> bool {
        let known = matches!(self.keys.front(), Some(LoginKey::Known(_)));
        let mut methods = self.preferred.iter().filter(|method| *method != "hostbased" || !self.host_keys.is_empty());
        methods.next().is_some_and(|method| method == "publickey") && known
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::key::{KeyAlgorithm, PrivateKey};
    use crate::random::ChaChaRandom;

    fn needed(methods: Option<&[&str]>) -> AuthNeeded {
        AuthNeeded {
            methods_that_can_continue: methods.map(|list| list.iter().map(|&name| name.into()).collect()),
            partial_success: false,
            tried: None,
        }
    }

    #[test]
    fn keys_first_and_once_then_what_the_server_offers() {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519, &mut ChaChaRandom::from_seed(&[1; 32])).expect("a key");
        let key = key.public_key().clone();
        let mut plan = LoginPlan::new(vec![LoginKey::Known(key.clone()), LoginKey::Locked(3)], 2, 1);
        assert_eq!(plan.next(&needed(None)), LoginStep::PublicKey(key));
        let offered = needed(Some(&["publickey", "password"]));
        assert_eq!(plan.next(&offered), LoginStep::Unlock(3));
        assert_eq!(plan.next(&offered), LoginStep::Password { attempt: 0 });
        assert_eq!(plan.next(&offered), LoginStep::Password { attempt: 1 });
        assert_eq!(plan.next(&offered), LoginStep::GiveUp);
        assert_eq!(plan.next(&needed(Some(&["keyboard-interactive"]))), LoginStep::KeyboardInteractive);
    }

    #[test]
    fn a_host_vouches_with_each_of_its_keys_where_the_server_listens() {
        let mut plan = LoginPlan::new(vec![LoginKey::Locked(0)], 0, 0).host_keys(2);
        assert_eq!(plan.next(&needed(None)), LoginStep::None);
        let both = needed(Some(&["publickey", "hostbased"]));
        assert_eq!(plan.next(&both), LoginStep::HostBased(0));
        assert_eq!(plan.next(&needed(Some(&["publickey"]))), LoginStep::Unlock(0));
        assert_eq!(plan.next(&both), LoginStep::HostBased(1));
        assert_eq!(plan.next(&both), LoginStep::GiveUp);
    }

    #[test]
    fn without_keys_the_server_is_asked_first() {
        let mut plan = LoginPlan::new(vec![], 1, 0);
        assert_eq!(plan.next(&needed(None)), LoginStep::None);
        assert_eq!(plan.next(&needed(Some(&["publickey"]))), LoginStep::GiveUp);
        assert_eq!(plan.next(&needed(Some(&["password"]))), LoginStep::Password { attempt: 0 });
    }
}
