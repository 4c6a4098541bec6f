//! What may be sent when, told a second time: a model of RFC 4253 and 4254 that watches the tap.
//!
//! It sees a message when it is sent, earlier than the peer does; so what it allows is never less than what is right.

use std::collections::BTreeMap;

use super::tap::{self, Note};

/// Both directions of a connection.
#[derive(Default)]
pub(super) struct Protocol {
    sides: [Sender; 2],
}

#[derive(Default)]
struct Sender {
    /// Between its KEXINIT and its NEWKEYS.
    exchanging: bool,
    /// It sent DISCONNECT.
    over: bool,
    /// The client: it may speak of channels. The server: it said so.
    authenticated: bool,
    /// Global requests of the other side that it owes an answer.
    owes: u64,
    /// By its own numbers.
    channels: BTreeMap<u32, Half>,
    /// What it sent in clear and was not parsed yet; `None` from its first NEWKEYS on.
    clear: Option<Vec<u8>>,
    begun: bool,
    /// Key exchanges it began.
    exchanges: u64,
}

/// One side of a channel.
#[derive(Default)]
struct Half {
    /// The other side's number, once it is known.
    peer: Option<u32>,
    /// What the other side may still send here.
    window: u64,
    initial_window: u64,
    packet: u32,
    /// It sent these.
    eof: bool,
    closed: bool,
    /// Requests of the other side that it owes an answer.
    owes: u64,
}

impl Protocol {
    /// Bytes of a side as they leave it: the first key exchange is in clear.
    pub(super) fn bytes(&mut self, side: usize, bytes: &[u8]) -> Result<(), String> {
        let sender = &mut self.sides[side];
        if !sender.begun {
            sender.begun = true;
            sender.clear = Some(Vec::new());
        }
        let Some(clear) = &mut sender.clear else { return Ok(()) };
        clear.extend_from_slice(bytes);
        loop {
            let Some(clear) = &mut sender.clear else { return Ok(()) };
            if clear.starts_with(b"SSH-") {
                let Some(end) = clear.iter().position(|&byte| byte == b'\n') else { return Ok(()) };
                clear.drain(..=end);
                continue;
            }
            let Some(&[a, b, c, d, padding]) = clear.first_chunk() else { return Ok(()) };
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            if clear.len() < 4 + length {
                return Ok(());
            }
            let note = tap::read(&clear[5..4 + length - usize::from(padding)]);
            clear.drain(..4 + length);
            if note.number >= 50 || matches!(note.number, 5..=7) {
                return Err(format!("message {} before the first keys", note.number));
            }
            if note.number == 21 {
                sender.clear = None;
            }
        }
    }

    /// How many key exchanges a side began after the first.
    pub(super) fn rekeys(&self, side: usize) -> u64 {
        self.sides[side].exchanges
    }

    /// A message of a side as it was sealed.
    pub(super) fn sealed(&mut self, side: usize, note: Note) -> Result<(), String> {
        self.check(side, note).ok_or_else(|| format!("side {side} must not send {note:?} now"))
    }

    /// `None`: it breaks a rule.
    fn check(&mut self, side: usize, note: Note) -> Option<()> {
        let [client, server] = &mut self.sides;
        let (us, them) = if side == 0 { (client, server) } else { (server, client) };
        ensure(!us.over)?;
        // RFC 4253 §7.1.
        let kex = matches!(note.number, 1..=4 | 20..=49);
        ensure(!us.exchanging || kex)?;
        // RFC 4252 §5.3: the client cannot know before the server has said so.
        ensure(note.number < 80 || note.number > 127 || us.authenticated)?;
        match note.number {
            1 => us.over = true,
            20 => {
                ensure(!us.exchanging)?;
                us.exchanging = true;
                us.exchanges += 1;
            }
            21 => us.exchanging = false,
            52 => {
                us.authenticated = true;
                them.authenticated = true;
            }
            80 => them.owes += u64::from(note.want_reply),
            81 | 82 => us.owes = us.owes.checked_sub(1)?,
            90 => {
                let window = u64::from(note.amount);
                let half = Half { window, initial_window: window, packet: note.packet, ..Half::default() };
                ensure(us.channels.insert(note.channel, half).is_none())?;
            }
            91 => {
                let other = them.channels.get_mut(&note.channel)?;
                ensure(other.peer.is_none())?;
                other.peer = Some(note.sender);
                let window = u64::from(note.amount);
                let (peer, packet) = (Some(note.channel), note.packet);
                let half = Half { peer, window, initial_window: window, packet, ..Half::default() };
                ensure(us.channels.insert(note.sender, half).is_none())?;
            }
            92 => ensure(them.channels.remove(&note.channel)?.peer.is_none())?,
            93..=100 => {
                let other = them.channels.get_mut(&note.channel)?;
                let own_number = other.peer?;
                let own = us.channels.get_mut(&own_number)?;
                ensure(!own.closed)?;
                check_channel(own, other, note)?;
                if own.closed && other.closed {
                    us.channels.remove(&own_number);
                    them.channels.remove(&note.channel);
                }
            }
            _ => {}
        }
        Some(())
    }

    /// What is left open, for a report.
    pub(super) fn summary(&self) -> String {
        let side = |side: &Sender| {
            let half = |(id, half): (&u32, &Half)| {
                format!("{id}(window {} eof {} closed {} owes {})", half.window, half.eof, half.closed, half.owes)
            };
            let channels: Vec<String> = side.channels.iter().map(half).collect();
            format!("exchanging {} over {} channels {}", side.exchanging, side.over, channels.join(" "))
        };
        format!("client: {}; server: {}", side(&self.sides[0]), side(&self.sides[1]))
    }
}

fn ensure(condition: bool) -> Option<()> {
    condition.then_some(())
}

/// A message on a channel, from `own` to `other`.
fn check_channel(own: &mut Half, other: &mut Half, note: Note) -> Option<()> {
    match note.number {
        93 => {
            own.window += u64::from(note.amount);
            // Credit is what was read: there is never more than in the beginning.
            ensure(own.window <= own.initial_window && note.amount > 0)
        }
        94 | 95 => {
            ensure(!own.eof && note.amount <= other.packet)?;
            other.window = other.window.checked_sub(u64::from(note.amount))?;
            Some(())
        }
        96 => ensure(!std::mem::replace(&mut own.eof, true)),
        97 => {
            own.closed = true;
            Some(())
        }
        98 => {
            other.owes += u64::from(note.want_reply);
            Some(())
        }
        _ => {
            own.owes = own.owes.checked_sub(1)?;
            Some(())
        }
    }
}
