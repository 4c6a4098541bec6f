//! An agent for any number of connections.

use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime};

use ssh_core::agent::{AgentConnection, AgentTime, ConsentNeeded, Keyring};
use ssh_core::random::OsRandom;
use ssh_core::{ByteProtocol as _, Timestamp, UnixTime};

use crate::error::Result;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How much longer every wrong passphrase for a locked agent takes than the one before.
const UNLOCK_DELAY: Duration = Duration::from_millis(100);
const LONGEST_UNLOCK_DELAY: Duration = Duration::from_secs(10);

/// Decides whether a key may sign; it may take its time.
type Consent = Box<dyn Fn(&ConsentNeeded) -> bool + Send + Sync>;

/// A [`Keyring`] that serves connections, each on its caller's thread.
pub struct AgentService {
    keyring: Mutex<Keyring>,
    epoch: Instant,
    consent: Consent,
}

impl AgentService {
    /// Serves `keyring`. Keys that want a person's consent do not sign unless [`consent`](Self::consent) says whom to ask.
    pub fn new(keyring: Keyring) -> Self {
        Self { keyring: Mutex::new(keyring), epoch: Instant::now(), consent: Box::new(|_| false) }
    }

    /// Sets who consents to signatures. No lock is held while it is asked.
    #[must_use]
    pub fn consent(mut self, consent: impl Fn(&ConsentNeeded) -> bool + Send + Sync + 'static) -> Self {
        self.consent = Box::new(consent);
        self
    }

    /// Serves one connection until it ends.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if it breaks, [`Error::Agent`](crate::Error::Agent) if what comes is not the agent
    /// protocol.
    pub fn serve(&self, mut stream: impl Read + Write) -> Result<()> {
        let mut connection = AgentConnection::new();
        let mut buffer = [0; 4096];
        loop {
            let read = stream.read(&mut buffer)?;
            let mut rest = &buffer[..read];
            if rest.is_empty() {
                return Ok(());
            }
            while !rest.is_empty() {
                rest = &rest[connection.handle_input(rest)..];
                self.answer(&mut connection, &mut stream)?;
            }
        }
    }

    /// Until nothing is left to answer: a request behind another waits for the answer to be taken.
    fn answer(&self, connection: &mut AgentConnection, stream: &mut impl Write) -> Result<()> {
        loop {
            let (needed, delay) = self.work(connection);
            if let Some(needed) = needed {
                let consents = (self.consent)(&needed);
                let time = self.time();
                self.lock().answer_consent(connection, needed, consents, time, &mut OsRandom);
            }
            if let Some(error) = connection.failure() {
                return Err(error.clone().into());
            }
            if connection.poll_output().is_empty() {
                return Ok(());
            }
            std::thread::sleep(delay);
            while !connection.poll_output().is_empty() {
                let written = stream.write(connection.poll_output())?;
                connection.consume_output(written);
            }
        }
    }

    /// What a person has to be asked, and how long a wrong passphrase makes everybody wait.
    fn work(&self, connection: &mut AgentConnection) -> (Option<ConsentNeeded>, Duration) {
        let mut keyring = self.lock();
        let before = keyring.failed_unlocks();
        let needed = keyring.serve(connection, self.time(), &mut OsRandom);
        let failed = keyring.failed_unlocks();
        let delay = if failed > before { UNLOCK_DELAY * failed.min(100) } else { Duration::ZERO };
        (needed, delay.min(LONGEST_UNLOCK_DELAY))
    }

    fn time(&self) -> AgentTime {
        let now = Timestamp::from_micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX));
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        AgentTime { now, calendar: UnixTime::from_secs(since_1970.map_or(0, |time| time.as_secs())) }
    }

    fn lock(&self) -> MutexGuard<'_, Keyring> {
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
