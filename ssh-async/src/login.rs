//! Logging in: the conversation is the core's; here somebody is asked.

use std::future::Future;
#[cfg(unix)]
use std::net::IpAddr;
use std::pin::Pin;

use ssh_core::login::{AgentSignature, Conversation, Credentials, Step, UsedKeyFile};
use ssh_core::random::OsRandom;
use ssh_core::{ChannelRequest, ClientRole, PasswordChangeNeeded, Prompts, SecretBytes, Untrusted};

use crate::Result;
use crate::host_keys::OnThread;
use crate::session::Session;
use crate::shared::{Shared, Topic};

/// Asks a person during a login. Every method has an answer for programs without one; `()` is nobody at all.
pub trait Interaction: Send {
    /// A password; `attempt` of them have been refused. `None`: the user gives up on passwords.
    fn password(&mut self, attempt: u32) -> impl Future<Output = Option<SecretBytes>> + Send {
        let _ = attempt;
        async { None }
    }

    /// A new password in place of an expired one; `None`: the user gives up.
    fn new_password(&mut self, needed: &PasswordChangeNeeded) -> impl Future<Output = Option<SecretBytes>> + Send {
        let _ = needed;
        async { None }
    }

    /// Answers to the server's questions, one for each; `None`: the user gives up on questions.
    fn answers(&mut self, prompts: &Prompts) -> impl Future<Output = Option<Vec<SecretBytes>>> + Send {
        let _ = prompts;
        async { None }
    }

    /// The passphrase of a key file; `attempt` of them did not open it. `None`: the user does without this key.
    fn passphrase(&mut self, file: &str, attempt: u32) -> impl Future<Output = Option<SecretBytes>> + Send {
        let _ = (file, attempt);
        async { None }
    }

    /// Tells something that does not stop the login, such as why a key file is passed over.
    fn warn(&mut self, text: &str) -> impl Future<Output = ()> + Send {
        let _ = text;
        async {}
    }

    /// Has an agent sign; `None`: it does not. [`ssh_blocking::Agent`] can, on a thread.
    fn agent_signature(&mut self, wanted: &AgentSignature) -> impl Future<Output = Option<Vec<u8>>> + Send {
        let _ = wanted;
        async { None }
    }

    /// Hears of a key of a file that has signed, whether that let the user in or not: an agent may want to have it
    /// (`AddKeysToAgent`).
    fn key_used(&mut self, used: UsedKeyFile) -> impl Future<Output = ()> + Send {
        let _ = used;
        async {}
    }

    /// Shows the server's banner.
    fn banner(&mut self, text: &Untrusted) -> impl Future<Output = ()> + Send {
        let _ = text;
        async {}
    }
}

impl Interaction for () {}

/// Whoever answers for the blocking adapter: an agent, a person at a terminal, or both.
///
/// ```no_run
/// # #[cfg(unix)]
/// # async fn log_in(session: &ssh_async::Session) -> ssh_async::Result<()> {
/// use ssh_async::{Credentials, OnThread, Terminal};
///
/// session.login_with("alice", Credentials::none().prompts(3), &mut OnThread::new(Terminal::new())).await?;
/// # Ok(())
/// # }
/// ```
impl<P: ssh_blocking::Interaction + Send + 'static> Interaction for OnThread<P> {
    async fn password(&mut self, attempt: u32) -> Option<SecretBytes> {
        self.ask(move |person| person.password(attempt)).await
    }

    async fn new_password(&mut self, needed: &PasswordChangeNeeded) -> Option<SecretBytes> {
        let needed = needed.clone();
        self.ask(move |person| person.new_password(&needed)).await
    }

    async fn answers(&mut self, prompts: &Prompts) -> Option<Vec<SecretBytes>> {
        let prompts = prompts.clone();
        self.ask(move |person| person.answers(&prompts)).await
    }

    async fn passphrase(&mut self, file: &str, attempt: u32) -> Option<SecretBytes> {
        let file = file.to_owned();
        self.ask(move |person| person.passphrase(&file, attempt)).await
    }

    async fn warn(&mut self, text: &str) {
        let text = text.to_owned();
        self.ask(move |person| person.warn(&text)).await;
    }

    async fn agent_signature(&mut self, wanted: &AgentSignature) -> Option<Vec<u8>> {
        let wanted = wanted.clone();
        self.ask(move |person| person.agent_signature(&wanted)).await
    }

    async fn key_used(&mut self, used: UsedKeyFile) {
        self.ask(move |person| person.key_used(used)).await;
    }

    async fn banner(&mut self, text: &Untrusted) {
        let text = text.clone();
        self.ask(move |person| person.banner(&text)).await;
    }
}

/// What the user's files say about a session.
pub(crate) trait ConfiguredSession: Send + Sync {
    /// Logs in.
    fn login<'a>(&'a self, session: &'a Session) -> LoggingIn<'a>;

    /// What is sent before anything is started.
    fn environment(&self) -> Vec<ChannelRequest>;

    /// Marks what is sent from then on.
    fn mark_traffic(&self, has_terminal: bool);

    /// Where it comes from, if no proxy is in between.
    #[cfg(unix)]
    fn local_address(&self) -> Option<IpAddr>;
}

/// A login by configuration; which method completed it.
pub(crate) type LoggingIn<'a> = Pin<Box<dyn Future<Output = Result<&'static str>> + Send + 'a>>;

/// One login. However it ends, the next one begins where it ended.
struct Login<'a> {
    shared: &'a Shared<ClientRole>,
    conversation: Conversation,
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        if let Some(event) = self.conversation.unanswered() {
            self.shared.with(|state| state.inbox.events.push_front(event));
        }
    }
}

/// Talks until the user is in, or nothing is left to try. Says which method completed it.
pub(crate) async fn login(
    shared: &Shared<ClientRole>,
    user: &str,
    credentials: Credentials,
    interaction: &mut impl Interaction,
) -> Result<&'static str> {
    let mut login = Login { shared, conversation: Conversation::new(user, credentials) };
    let result = talk(shared, &mut login.conversation, interaction).await;
    for used in login.conversation.take_used_files() {
        interaction.key_used(used).await;
    }
    result
}

async fn talk(
    shared: &Shared<ClientRole>,
    conversation: &mut Conversation,
    interaction: &mut impl Interaction,
) -> Result<&'static str> {
    let mut step = Step::Wait;
    loop {
        step = match step {
            Step::Done(method) => return Ok(method),
            Step::Failed(error) => return Err(error.into()),
            Step::AskPassword { attempt } => {
                let password = interaction.password(attempt).await;
                shared.act(|state| conversation.give_password(&mut state.inbox.endpoint, password))
            }
            Step::AskNewPassword(needed) => {
                let new = interaction.new_password(&needed).await;
                shared.act(|state| conversation.give_new_password(&mut state.inbox.endpoint, new))
            }
            Step::AskAnswers => {
                let answers = match conversation.prompts() {
                    Some(prompts) => interaction.answers(prompts).await,
                    None => None,
                };
                shared.act(|state| conversation.give_answers(&mut state.inbox.endpoint, answers))
            }
            Step::AskPassphrase { file, attempt } => {
                let passphrase = interaction.passphrase(&file, attempt).await;
                match conversation.unlocking(passphrase) {
                    Ok(unlocking) => conversation.finish_unlocking(blocking::unblock(|| unlocking.run()).await),
                    Err(step) => step,
                }
            }
            Step::AskAgent(wanted) => {
                let signature = interaction.agent_signature(&wanted).await;
                let signature = signature.as_deref();
                shared.act(|state| conversation.give_signature(&mut state.inbox.endpoint, signature))
            }
            Step::GoOn { unusable } => {
                if let Some(unusable) = unusable {
                    interaction.warn(&unusable.to_string()).await;
                }
                shared.act(|state| conversation.go_on(&mut state.inbox.endpoint, &mut OsRandom))
            }
            Step::Banner(text) => {
                interaction.banner(&text).await;
                Step::Wait
            }
            _ => {
                let next = shared.wait(Topic::Leader, |state| {
                    let event = state.inbox.login_event()?;
                    Some(event.map(|event| conversation.handle(&mut state.inbox.endpoint, &mut OsRandom, event)))
                });
                next.await??
            }
        };
    }
}
