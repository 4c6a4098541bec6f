//! Events, sorted by who waits for them.

use alloc::collections::{BTreeMap, VecDeque};

use super::exit::Exit;
use super::learning::Learning;
use crate::connection::{ChannelEvent, ChannelId, ChannelRequest, GlobalRequestEvent, IncomingRequest, RequestId};
use crate::endpoint::{CoreEvent, Endpoint, Role};
use crate::error::CloseReason;
use crate::transport::Side;
use crate::untrusted::Untrusted;
use crate::wire::{ChannelOpenFailureReason, DataStream};

/// Most requests of the peer kept for a channel whose owner does not look; later ones that want no answer are dropped.
const MAX_KEPT_REQUESTS: usize = 256;

/// An endpoint with a mailbox for every channel, and one for whoever leads the connection.
pub struct Inbox<R: Role> {
    /// The endpoint. Its events are polled by [`poll`](Self::poll) alone.
    pub endpoint: Endpoint<R>,
    /// Events for whoever leads the connection: login and decisions.
    pub events: VecDeque<R::Event>,
    pub(super) mailboxes: BTreeMap<ChannelId, Mailbox>,
    pub(super) learning: Learning,
    closed: Option<CloseReason>,
}

/// What happened on a channel that its owner has not seen yet.
#[derive(Default)]
pub(super) struct Mailbox {
    pub(super) opened: Option<Result<(), (ChannelOpenFailureReason, Untrusted)>>,
    pub(super) replies: BTreeMap<RequestId, bool>,
    pub(super) requests: VecDeque<IncomingRequest>,
    pub(super) exit: Option<Exit>,
    pub(super) closed: bool,
}

/// Whom an event concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// Nobody waits for such a thing.
    Nobody,
    /// Whoever leads the connection: there is something in [`Inbox::events`].
    Leader,
    /// Those who wait for this on this channel.
    Channel(ChannelId, Interest),
    /// Everybody who waits for this channel, in whatever way: it is closed.
    ChannelOver(ChannelId),
    /// Everybody: the connection is over.
    Everybody,
}

/// What one waits for on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interest {
    /// To read this stream.
    Read(DataStream),
    /// To write.
    Write,
    /// Everything else: the channel's opening, answers, requests, its end.
    Notice,
}

impl<R: Role> Inbox<R> {
    /// An inbox for an endpoint that has just begun.
    pub fn new(endpoint: Endpoint<R>) -> Self {
        Self {
            endpoint,
            events: VecDeque::new(),
            mailboxes: BTreeMap::new(),
            learning: Learning::default(),
            closed: None,
        }
    }

    /// Works through the input up to the next event, and sorts it; `None`: there is none.
    pub fn poll(&mut self) -> Option<Concern> {
        Some(match self.endpoint.poll_core_event()? {
            CoreEvent::Channel(id, event) => self.note_channel_event(id, event),
            CoreEvent::ChannelOpen(request) if self.endpoint.side() == Side::Client => {
                let reason = ChannelOpenFailureReason::ADMINISTRATIVELY_PROHIBITED;
                let _ = self.endpoint.reject_channel(request, reason, "not allowed");
                Concern::Nobody
            }
            CoreEvent::Global(GlobalRequestEvent::Request { reply: Some(token), .. }) => {
                let _ = self.endpoint.answer_global(token, None);
                Concern::Nobody
            }
            CoreEvent::HostKeys(keys) => {
                self.learning.announced(keys);
                Concern::Nobody
            }
            CoreEvent::HostKeysProven(keys) => {
                self.learning.proven(keys);
                Concern::Leader
            }
            CoreEvent::Global(_) | CoreEvent::Rekeyed => Concern::Nobody,
            CoreEvent::Closed(reason) => {
                self.closed = Some(reason);
                Concern::Everybody
            }
            event => match R::happening(event) {
                Some(event) => {
                    self.events.push_back(event);
                    Concern::Leader
                }
                None => Concern::Nobody,
            },
        })
    }

    /// How the connection ended, if it has.
    pub fn closed(&self) -> Option<&CloseReason> {
        self.closed.as_ref()
    }

    /// How many channels have a mailbox.
    pub fn channels(&self) -> usize {
        self.mailboxes.len()
    }

    fn note_channel_event(&mut self, id: ChannelId, event: ChannelEvent) -> Concern {
        let Some(mailbox) = self.mailboxes.get_mut(&id) else {
            if let ChannelEvent::Request(IncomingRequest { reply: Some(token), .. }) = event {
                let _ = self.endpoint.reply(token, false);
            }
            return Concern::Nobody;
        };
        match event {
            ChannelEvent::Data(stream) => return Concern::Channel(id, Interest::Read(stream)),
            ChannelEvent::Writable => return Concern::Channel(id, Interest::Write),
            ChannelEvent::Opened => mailbox.opened = Some(Ok(())),
            ChannelEvent::OpenFailed { reason, description } => {
                mailbox.opened = Some(Err((reason, description)));
                mailbox.closed = true;
                return Concern::ChannelOver(id);
            }
            ChannelEvent::Reply { request, success } => {
                mailbox.replies.insert(request, success);
            }
            ChannelEvent::Request(incoming) => self.note_request(id, incoming),
            // Readers of both streams wait for this.
            ChannelEvent::Eof => return Concern::ChannelOver(id),
            ChannelEvent::Closed => {
                mailbox.closed = true;
                return Concern::ChannelOver(id);
            }
        }
        Concern::Channel(id, Interest::Notice)
    }

    fn note_request(&mut self, id: ChannelId, incoming: IncomingRequest) {
        let Some(mailbox) = self.mailboxes.get_mut(&id) else { return };
        match incoming.request {
            ChannelRequest::ExitStatus(status) => mailbox.exit = Some(Exit::Status(status)),
            ChannelRequest::ExitSignal { signal, core_dumped, message } => {
                mailbox.exit = Some(Exit::Signal { signal, core_dumped, message });
            }
            _ if self.endpoint.side() == Side::Server => {
                if incoming.reply.is_some() || mailbox.requests.len() < MAX_KEPT_REQUESTS {
                    mailbox.requests.push_back(incoming);
                }
            }
            _ => {
                if let Some(token) = incoming.reply {
                    let _ = self.endpoint.reply(token, false);
                }
            }
        }
    }
}
