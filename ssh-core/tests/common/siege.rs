//! A peer that wants an endpoint to hold as much as possible, under an allocator that counts.

use counting_allocator::{balance, peak, reset_peak};
use ssh_core::{ClientEvent, ClientRole, CloseReason, ServerEvent, ServerRole};

use super::hostile::{Meeting, Party};

/// Bytes of the heap that an endpoint holds, its configuration included.
pub fn weight<P: Party>(meeting: Meeting<P>) -> u64 {
    let Meeting { endpoint, .. } = meeting;
    let before = balance();
    drop(endpoint);
    u64::try_from(before - balance()).expect("more was freed than allocated")
}

/// An endpoint whose every allocation is counted, and the peer that drives it. What an event holds counts until the
/// application has dealt with it.
pub struct Siege<P: Party> {
    pub meeting: Meeting<P>,
    /// Whether the peer reads what it is told.
    pub reads: bool,
    /// What the application does with an event. What comes back is kept.
    pub react: fn(&mut Siege<P>, P::Event) -> Option<P::Event>,
    pub kept: Vec<P::Event>,
    /// Channels that the peer asked for and got.
    pub opened: u32,
    pub closed: Option<CloseReason>,
    held: i64,
    most: i64,
}

impl<P: Party> Siege<P> {
    /// `state` brings an endpoint to where the siege begins; the same each time it is called.
    pub fn of(state: impl Fn() -> Meeting<P>) -> Self {
        let held = i64::try_from(weight(state())).expect("little");
        let react = |siege: &mut Self, event| P::answer(&mut siege.meeting.endpoint, event);
        let meeting = state();
        Self { meeting, reads: true, react, kept: Vec::new(), opened: 0, closed: None, held, most: held }
    }

    /// The most bytes of the heap that the endpoint held at any moment.
    pub fn most(&self) -> u64 {
        u64::try_from(self.most).expect("more was freed than allocated")
    }

    /// What it holds now.
    pub fn held(&self) -> u64 {
        u64::try_from(self.held).expect("more was freed than allocated")
    }

    /// Looks for a new most.
    pub fn forget_most(&mut self) {
        self.most = self.held;
    }

    /// Does something with the endpoint, and counts.
    pub fn measured<T>(&mut self, action: impl FnOnce(&mut Self) -> T) -> T {
        let before = balance();
        reset_peak();
        let result = action(self);
        self.most = self.most.max(self.held + peak() - before);
        self.held += balance() - before;
        result
    }

    /// Says so, as far as the endpoint listens; whether it took all.
    pub fn say(&mut self, payload: &[u8]) -> bool {
        self.meeting.peer.send(payload);
        let said = self.meeting.peer.take_output();
        self.deliver(&said)
    }

    /// Says it until the endpoint ends the connection or listens no more; whether it ended it.
    pub fn flood(&mut self, payload: &[u8]) -> bool {
        assert!(!self.flood_at_most(payload, 100 << 20), "the flood never ends");
        self.closed.is_some()
    }

    /// The same, up to so many bytes; whether the endpoint listened to all of them.
    pub fn flood_at_most(&mut self, payload: &[u8], bytes: usize) -> bool {
        (0..1 + bytes / payload.len()).all(|_| self.say(payload))
    }

    /// Bytes as they are; whether all were taken and the connection lives.
    pub fn deliver(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        loop {
            let taken = self.measured(|siege| siege.meeting.endpoint.handle_input(rest));
            rest = &rest[taken..];
            let mut moved = taken > 0 && !rest.is_empty();
            while let Some(event) = self.measured(|siege| siege.meeting.endpoint.poll_event()) {
                moved = true;
                if let Some(reason) = P::closed(&event) {
                    self.closed = Some(reason.clone());
                }
                let react = self.react;
                if let Some(event) = self.measured(|siege| react(siege, event)) {
                    self.kept.push(event);
                }
            }
            if self.reads {
                moved |= self.read();
            }
            if !moved {
                return rest.is_empty() && self.closed.is_none();
            }
        }
    }

    fn read(&mut self) -> bool {
        let output = self.meeting.endpoint.poll_output().to_vec();
        self.measured(|siege| siege.meeting.endpoint.consume_output(output.len()));
        // Of no more interest than whether it can be opened.
        self.meeting.peer.feed(&output);
        self.meeting.peer.payloads();
        !output.is_empty()
    }
}

/// Denies everything, and asks for more.
pub trait Refuser: Party {
    fn refuse_all(siege: &mut Siege<Self>, event: Self::Event) -> Option<Self::Event>;
}

impl Refuser for ServerRole {
    fn refuse_all(siege: &mut Siege<Self>, event: ServerEvent) -> Option<ServerEvent> {
        if let Some(event) = Self::answer(&mut siege.meeting.endpoint, event) {
            Self::refuse(&mut siege.meeting.endpoint, event);
        }
        None
    }
}

impl Refuser for ClientRole {
    fn refuse_all(siege: &mut Siege<Self>, event: ClientEvent) -> Option<ClientEvent> {
        let client = &mut siege.meeting.endpoint;
        match Self::answer(client, event)? {
            ClientEvent::AuthNeeded(_) => {
                let method = ssh_core::AuthMethod::KeyboardInteractive { submethods: String::new() };
                client.authenticate("root", method).unwrap();
            }
            ClientEvent::Prompts(prompts) => {
                let answers: Vec<_> = prompts.prompts.iter().map(|_| "answer".into()).collect();
                client.answer_prompts(&prompts, &answers).unwrap();
            }
            _ => {}
        }
        None
    }
}

/// Opens every channel that the peer wants, and does nothing else: nothing is read or answered.
pub trait Host: Party {
    fn open_all(siege: &mut Siege<Self>, event: Self::Event) -> Option<Self::Event>;
}

impl Host for ServerRole {
    fn open_all(siege: &mut Siege<Self>, event: ServerEvent) -> Option<ServerEvent> {
        let server = &mut siege.meeting.endpoint;
        if let Some(ServerEvent::ChannelOpen(request)) = Self::answer(server, event) {
            server.accept_channel(request).unwrap();
            siege.opened += 1;
        }
        None
    }
}

impl Host for ClientRole {
    fn open_all(siege: &mut Siege<Self>, event: ClientEvent) -> Option<ClientEvent> {
        let client = &mut siege.meeting.endpoint;
        if let Some(ClientEvent::ChannelOpen(request)) = Self::answer(client, event) {
            client.accept_channel(request).unwrap();
            siege.opened += 1;
        }
        None
    }
}
