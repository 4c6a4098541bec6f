//! What a user can show.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use super::identities::{Identities, Identity};
use super::plan::LoginPlan;
use crate::key::{KeyFileError, PrivateKey, PublicKey};
use crate::secret::SecretBytes;

/// What a user can show, and how often the user may be asked for more.
///
/// A password is also the answer to a single hidden question of keyboard-interactive.
///
/// ```
/// use ssh_core::login::Credentials;
///
/// let credentials = Credentials::from("correct horse").prompts(2);
/// ```
#[derive(Default)]
pub struct Credentials {
    pub(super) identities: Vec<Identity>,
    pub(super) certificates: Vec<PublicKey>,
    pub(super) agent: Vec<PublicKey>,
    pub(super) identities_only: bool,
    pub(super) password: Option<SecretBytes>,
    pub(super) prompts: u32,
    pub(super) host: Option<VouchingHost>,
    preferred: Option<Vec<String>>,
}

/// This host, which says who its user is (`hostbased`, RFC 4252 §9).
pub struct VouchingHost {
    /// Its name, as the server knows it: a full name, where OpenSSH's clients put a dot at the end.
    pub host_name: String,
    /// The user.
    pub user_name: String,
    /// Its keys, in the order they are tried.
    pub keys: Vec<PrivateKey>,
}

/// A key file that needs a passphrase. The user is asked for it when the server would take the key, or before it is
/// offered if nothing tells its public half.
pub struct LockedKeyFile {
    pub(super) name: String,
    pub(super) text: Arc<SecretBytes>,
    pub(super) public: Option<PublicKey>,
}

impl LockedKeyFile {
    /// The file `name`, which is shown when the passphrase is asked for. `public` is its public half where the file
    /// itself does not tell, from the `.pub` file beside it.
    ///
    /// # Errors
    /// [`KeyFileError`]: what is wrong with the file.
    pub fn new(name: &str, text: SecretBytes, public: Option<PublicKey>) -> Result<Self, KeyFileError> {
        let public = PrivateKey::public_half(text.expose())?.or(public);
        Ok(Self { name: name.into(), text: Arc::new(text), public })
    }
}

impl Credentials {
    /// Nothing: enough where no authentication is wanted.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a key; keys are tried in order.
    #[must_use]
    pub fn key(mut self, key: PrivateKey) -> Self {
        self.identities.push(Identity::Key(Box::new(key), None));
        self
    }

    /// Adds a key of the file `name`: [`Conversation::take_used_files`](super::Conversation::take_used_files) says whether it
    /// was needed.
    #[must_use]
    pub fn key_file(mut self, name: &str, key: PrivateKey) -> Self {
        self.identities.push(Identity::Key(Box::new(key), Some(name.into())));
        self
    }

    /// Adds a key that has to be unlocked first. [`prompts`](Self::prompts) says how often the passphrase is asked for.
    #[must_use]
    pub fn locked_key(mut self, file: LockedKeyFile) -> Self {
        self.identities.push(Identity::Locked(file));
        self
    }

    /// Names a key whose private half only the agent has, so that it comes first, and is used under
    /// [`identities_only`](Self::identities_only). Without an agent it is of no use.
    #[must_use]
    pub fn named_key(mut self, key: PublicKey) -> Self {
        self.identities.push(Identity::Named(key));
        self
    }

    /// Adds a certificate of a key that is added as well; it is tried before the key itself.
    #[must_use]
    pub fn certificate(mut self, certificate: PublicKey) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// Adds keys, or certificates, that an agent signs with: [`Step::AskAgent`](super::Step::AskAgent). First come those
    /// that are added otherwise too, then all others of the agent, then what the agent does not have.
    #[must_use]
    pub fn agent_keys(mut self, keys: impl IntoIterator<Item = PublicKey>) -> Self {
        self.agent.extend(keys);
        self
    }

    /// Sets whether keys that only the agent names stay unused (`IdentitiesOnly`): a server counts every key that is
    /// offered, and closes the door after a few.
    #[must_use]
    pub fn identities_only(mut self, only: bool) -> Self {
        self.identities_only = only;
        self
    }

    /// Has this host vouch for its user, before keys are tried unless [`preferred`](Self::preferred) says otherwise. Servers
    /// seldom listen: those that do must know the host, its key and its user.
    #[must_use]
    pub fn vouching_host(mut self, host: VouchingHost) -> Self {
        self.host = Some(host);
        self
    }

    /// Sets a password.
    #[must_use]
    pub fn password(mut self, password: impl Into<SecretBytes>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets how often the user is asked, for a password, for each passphrase and for each round of questions
    /// (`NumberOfPasswordPrompts`). 0: never. A password that was set is tried before anybody is asked.
    #[must_use]
    pub fn prompts(mut self, most: u32) -> Self {
        self.prompts = most;
        self
    }

    /// Sets the order of methods (`PreferredAuthentications`); what is not named is not tried.
    #[must_use]
    pub fn preferred(mut self, methods: Vec<String>) -> Self {
        self.preferred = Some(methods);
        self
    }

    /// Takes out the password and every method by which a server would learn one: for a host that may not be the right one.
    #[must_use]
    pub fn without_passwords(mut self) -> Self {
        self.password = None;
        let preferred = self.preferred.get_or_insert_with(LoginPlan::usual_methods);
        preferred.retain(|method| !matches!(method.as_str(), "password" | "keyboard-interactive"));
        self
    }

    /// Takes the keys out, in the order they are tried.
    pub(super) fn take_identities(&mut self) -> Identities {
        let (listed, certificates) = (core::mem::take(&mut self.identities), core::mem::take(&mut self.certificates));
        Identities::new(listed, certificates, core::mem::take(&mut self.agent), self.identities_only)
    }

    pub(super) fn plan(&self, identities: &Identities) -> LoginPlan {
        let attempts = self.prompts.saturating_add(u32::from(self.password.is_some()));
        let plan = LoginPlan::new(identities.offers(self.prompts > 0), attempts, attempts);
        let plan = plan.host_keys(self.host.as_ref().map_or(0, |host| host.keys.len()));
        match &self.preferred {
            Some(methods) => plan.preferred(methods.clone()),
            None => plan,
        }
    }
}

impl From<PrivateKey> for Credentials {
    fn from(key: PrivateKey) -> Self {
        Self::none().key(key)
    }
}

impl From<&str> for Credentials {
    fn from(password: &str) -> Self {
        Self::none().password(password)
    }
}
