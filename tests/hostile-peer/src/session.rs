//! What honest peers say behind the key exchange (RFC 4252, RFC 4254).

use crate::codec::{Reader, string, strings};
use crate::key::Key;
use crate::messages;
use crate::peer::Peer;

impl Peer {
    /// The next payload, which has to be of this number. EXT_INFO, IGNORE and DEBUG are passed over, and so is what
    /// belongs to key exchanges.
    ///
    /// # Panics
    /// If it is of another number, or not there.
    pub fn expect(&mut self, number: u8) -> Vec<u8> {
        loop {
            let Some((_, payload)) = self.next_payload() else { panic!("{number} is not there") };
            match payload[0] {
                each if each == number => return payload,
                2 | 4 | 7 | 20..=49 => {}
                other => panic!("{other} instead of {number}: {payload:02x?}"),
            }
        }
    }

    /// Client: asks for the authentication service.
    pub fn request_service(&mut self) {
        self.send(&messages::service_request("ssh-userauth"));
    }

    /// Client: `none`.
    pub fn authenticate_none(&mut self, user: &str) {
        self.send(&messages::userauth_request(user, "none", b""));
    }

    /// Client: a password.
    pub fn authenticate_password(&mut self, user: &str, password: &str) {
        self.send(&messages::password_request(user, password));
    }

    /// Client: offers its key, without a signature.
    pub fn offer_key(&mut self, user: &str) {
        let fields = strings(&[b"ssh-ed25519", &self.key.blob()[..]]);
        self.send(&messages::userauth_request(user, "publickey", &[&[0], &fields[..]].concat()));
    }

    /// Client: proves its key.
    pub fn authenticate_key(&mut self, user: &str) {
        let request = self.key.signed_request(&self.session_id, user);
        self.send(&request);
    }

    /// Client: asks for questions.
    pub fn authenticate_keyboard_interactive(&mut self, user: &str) {
        self.send(&messages::userauth_request(user, "keyboard-interactive", &strings(&["", ""])));
    }

    /// Server: grants the authentication service.
    pub fn accept_service(&mut self) {
        self.send(&messages::service_accept("ssh-userauth"));
    }

    /// Server: lets the user in.
    pub fn accept_user(&mut self) {
        self.send(&messages::userauth_success());
    }

    /// Server: takes the key that `request`, an offer, names.
    pub fn accept_offer(&mut self, request: &[u8]) -> Result<(), String> {
        let mut reader = Reader::new(&request[1..]);
        for _ in 0..3 {
            reader.string()?;
        }
        reader.byte()?;
        let (algorithm, key) = (reader.string()?, reader.string()?);
        self.send(&messages::userauth_pk_ok(&String::from_utf8_lossy(algorithm), key));
        Ok(())
    }

    /// Server: whether the key that `request` names made its signature, in this session.
    pub fn check_signed_request(&self, request: &[u8]) -> Result<(), String> {
        let mut reader = Reader::new(&request[1..]);
        for _ in 0..3 {
            reader.string()?;
        }
        if reader.byte()? != 1 {
            return Err("an offer".into());
        }
        let (_, key) = (reader.string()?, reader.string()?);
        let signed = &request[..request.len() - reader.rest().len()];
        let signature = reader.string()?;
        reader.finish()?;
        Key::verify(key, &[string(&self.session_id), signed.to_vec()].concat(), signature)
    }

    /// Asks for a session, with a wide window.
    pub fn open_session(&mut self, sender: u32) {
        self.send(&messages::channel_open("session", sender, 1 << 20, 1 << 15, b""));
    }

    /// Confirms `request`, a CHANNEL_OPEN; says what number the other side gave the channel.
    pub fn confirm_channel(&mut self, request: &[u8], sender: u32) -> Result<u32, String> {
        let mut reader = Reader::new(&request[1..]);
        reader.string()?;
        let recipient = reader.uint32()?;
        self.send(&messages::channel_open_confirmation(recipient, sender, 1 << 20, 1 << 15));
        Ok(recipient)
    }

    /// Client: runs a command.
    pub fn exec(&mut self, recipient: u32, command: &str) {
        self.send(&messages::channel_request(recipient, "exec", true, &string(command)));
    }
}
