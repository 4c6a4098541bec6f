//! Identification and key exchange, first and later ones, one honest word at a time (RFC 4253 §4.2, §7 to §9).

use crate::codec::{Reader, string};
use crate::kex::{Ephemeral, Method, derive};
use crate::kexinit::Lists;
use crate::key::Key;
use crate::messages;
use crate::peer::{Peer, Role};
use crate::seal::{Cipher, Seal};

/// What an honest peer says in a key exchange, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The identification string.
    Identification,
    /// KEXINIT.
    KexInit,
    /// The client's value, or the server's reply.
    Method,
    /// NEWKEYS.
    NewKeys,
}

/// One exchange, as far as it got.
#[derive(Clone, Default)]
pub struct Exchange {
    /// The KEXINIT it said: a whole payload.
    pub ours: Option<Vec<u8>>,
    /// The one it heard.
    pub theirs: Option<Vec<u8>>,
    /// The client's value.
    pub client_value: Option<Vec<u8>>,
    secret: Option<Ephemeral>,
    keys: Option<Keys>,
    said_newkeys: bool,
    heard_newkeys: bool,
}

/// New keys that are not in use yet.
#[derive(Clone)]
struct Keys {
    sending: Option<Seal>,
    receiving: Option<Seal>,
}

impl Exchange {
    /// The other side uses keys that nobody computed yet.
    pub(crate) fn awaits_keys(&self) -> bool {
        self.heard_newkeys && self.keys.is_none()
    }
}

impl Peer {
    /// Says everything that is due, up to and including `last`. Call it again when the other side has answered.
    pub fn advance(&mut self, last: Step) {
        while let Some(step) = self.due().filter(|step| *step <= last) {
            self.say(step);
        }
    }

    /// Says one word, whether it is due or not. [`Step::KexInit`] begins a new exchange.
    pub fn say(&mut self, step: Step) {
        match step {
            Step::Identification => {
                let line = [&self.identification[..], b"\r\n"].concat();
                self.send_raw(&line);
                self.said_identification = true;
            }
            Step::KexInit => {
                self.offer.cookie = self.dice.bytes();
                let payload = self.offer.payload(self.role, self.is_first());
                self.send(&payload);
            }
            Step::Method if self.role == Role::Client => self.say_init(),
            Step::Method => self.say_reply(),
            Step::NewKeys => self.send(&messages::newkeys()),
        }
    }

    /// Whether both directions have keys and no exchange goes on.
    pub fn is_keyed(&self) -> bool {
        !self.is_first() && self.exchange.ours.is_none() && self.exchange.theirs.is_none()
    }

    /// The other side's identification without its line end, once it is there.
    pub fn their_identification(&self) -> Option<&[u8]> {
        self.their_identification.as_deref()
    }

    fn is_first(&self) -> bool {
        self.session_id.is_empty()
    }

    fn due(&self) -> Option<Step> {
        let exchange = &self.exchange;
        let agreed = exchange.ours.is_some() && exchange.theirs.is_some();
        if !self.said_identification {
            return Some(Step::Identification);
        }
        if exchange.ours.is_none() && (self.is_first() || exchange.theirs.is_some()) {
            return Some(Step::KexInit);
        }
        if exchange.keys.is_some() {
            return (!exchange.said_newkeys).then_some(Step::NewKeys);
        }
        let turn = match self.role {
            Role::Client => exchange.secret.is_none(),
            Role::Server => exchange.client_value.is_some(),
        };
        (agreed && turn).then_some(Step::Method)
    }

    /// What follows from what the other side said.
    pub(crate) fn note(&mut self, payload: &[u8]) -> Result<(), String> {
        match (payload[0], self.role) {
            (20, _) => {
                self.exchange.theirs = Some(payload.to_vec());
                self.note_strictness()
            }
            (21, _) => {
                self.exchange.heard_newkeys = true;
                self.change_receiving();
                Ok(())
            }
            (30, Role::Server) => {
                let value = Reader::new(&payload[1..]).string()?;
                self.exchange.client_value = Some(value.to_vec());
                Ok(())
            }
            (31, Role::Client) if self.exchange.secret.is_some() => self.hear_reply(&payload[1..]),
            _ => Ok(()),
        }
    }

    /// What follows from what it said itself.
    pub(crate) fn note_sent(&mut self, payload: &[u8]) {
        match payload.first() {
            Some(20) if self.exchange.ours.is_none() => {
                self.exchange.ours = Some(payload.to_vec());
                // One that cannot be parsed was meant to be so.
                let _ = self.note_strictness();
            }
            Some(21) => {
                self.exchange.said_newkeys = true;
                if let Some(seal) = self.exchange.keys.as_mut().and_then(|keys| keys.sending.take()) {
                    self.sending.seal = seal;
                    if self.strict {
                        self.sending.sequence_number = 0;
                    }
                }
                self.end_exchange();
            }
            _ => {}
        }
    }

    fn change_receiving(&mut self) {
        if !self.exchange.heard_newkeys {
            return;
        }
        if let Some(seal) = self.exchange.keys.as_mut().and_then(|keys| keys.receiving.take()) {
            self.receiving.seal = seal;
            if self.strict {
                self.receiving.sequence_number = 0;
            }
        }
        self.end_exchange();
    }

    fn end_exchange(&mut self) {
        if self.exchange.said_newkeys && self.exchange.heard_newkeys && self.exchange.keys.is_some() {
            self.exchange = Exchange::default();
        }
    }

    fn note_strictness(&mut self) -> Result<(), String> {
        if let (true, Some(ours), Some(theirs)) = (self.is_first(), &self.exchange.ours, &self.exchange.theirs) {
            self.strict = Lists::parse(ours)?.is_strict() && Lists::parse(theirs)?.is_strict();
        }
        Ok(())
    }

    /// Client's lists, server's lists.
    fn lists(&self) -> Result<(Lists, Lists), String> {
        let ours = Lists::parse(self.exchange.ours.as_ref().ok_or("no KEXINIT was said")?)?;
        let theirs = Lists::parse(self.exchange.theirs.as_ref().ok_or("no KEXINIT was heard")?)?;
        Ok(match self.role {
            Role::Client => (ours, theirs),
            Role::Server => (theirs, ours),
        })
    }

    fn method(&self) -> Result<Method, String> {
        let (client, server) = self.lists()?;
        Method::named(&client.agree(&server, 0)?)
    }

    fn cipher(&self, direction: usize) -> Result<Cipher, String> {
        let (client, server) = self.lists()?;
        let cipher = client.agree(&server, 2 + direction)?;
        Cipher::named(&cipher, &client.agree(&server, 4 + direction).unwrap_or_default())
    }

    fn say_init(&mut self) {
        let method = self.method().expect("a method in common");
        let secret = Ephemeral::new(method, self.dice.roll());
        let value = secret.offer();
        self.exchange.secret = Some(secret);
        self.exchange.client_value = Some(value.clone());
        self.send(&messages::kex_ecdh_init(&value));
    }

    fn say_reply(&mut self) {
        let client_value = self.exchange.client_value.clone().expect("the client's value");
        let method = self.method().expect("a method in common");
        let secret = Ephemeral::new(method, self.dice.roll());
        let (server_value, k) = secret.respond(&client_value).expect("a value of the method");
        let host_key = self.key.blob();
        let h = self.exchange_hash(method, &host_key, &server_value, &k);
        self.send(&messages::kex_ecdh_reply(&host_key, &server_value, &self.key.sign(&h)));
        self.make_keys(method, &k, h).expect("ciphers in common");
    }

    fn hear_reply(&mut self, body: &[u8]) -> Result<(), String> {
        let mut reader = Reader::new(body);
        let (host_key, server_value) = (reader.string()?, reader.string()?);
        let signature = reader.string()?;
        reader.finish()?;
        let method = self.method()?;
        let secret = self.exchange.secret.ok_or("no value was said")?;
        let k = secret.complete(server_value)?;
        let h = self.exchange_hash(method, host_key, server_value, &k);
        Key::verify(host_key, &h, signature)?;
        self.make_keys(method, &k, h)
    }

    /// RFC 4253 §8, RFC 5656 §4.
    fn exchange_hash(&self, method: Method, host_key: &[u8], server_value: &[u8], k: &[u8]) -> Vec<u8> {
        let nothing = Vec::new();
        let theirs = self.their_identification.as_ref().unwrap_or(&nothing);
        let mut pairs = [
            (&self.identification, theirs),
            (self.exchange.ours.as_ref().unwrap_or(&nothing), self.exchange.theirs.as_ref().unwrap_or(&nothing)),
        ];
        if self.role == Role::Server {
            pairs = pairs.map(|(ours, theirs)| (theirs, ours));
        }
        let client_value = self.exchange.client_value.as_ref().unwrap_or(&nothing);
        let mut hashed: Vec<u8> =
            pairs.into_iter().flat_map(|(client, server)| [string(client), string(server)]).flatten().collect();
        for value in [host_key, client_value, server_value] {
            hashed.extend(string(value));
        }
        method.hash().digest(&[&hashed, k])
    }

    /// RFC 4253 §7.2.
    fn make_keys(&mut self, method: Method, k: &[u8], h: Vec<u8>) -> Result<(), String> {
        if self.is_first() {
            self.session_id = h.clone();
        }
        let seal = |cipher: Cipher, letters: [u8; 3]| {
            let [key, iv, mac] = cipher.lengths();
            let derive = |letter, length| derive(method.hash(), k, &h, letter, &self.session_id, length);
            Seal::new(cipher, &derive(letters[1], key), &derive(letters[0], iv), &derive(letters[2], mac))
        };
        let to_server = seal(self.cipher(0)?, *b"ACE");
        let to_client = seal(self.cipher(1)?, *b"BDF");
        let (sending, receiving) = match self.role {
            Role::Client => (to_server, to_client),
            Role::Server => (to_client, to_server),
        };
        self.exchange.keys = Some(Keys { sending: Some(sending), receiving: Some(receiving) });
        self.change_receiving();
        Ok(())
    }
}
