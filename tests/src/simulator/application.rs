//! One side's application: opens and accepts channels, asks and answers, until its plan is done.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use ssh_core::wire::ChannelOpenFailureReason;
use ssh_core::{
    ChannelEvent, ChannelId, ChannelOpenRequest, ChannelType, GlobalRequestEvent, GlobalToken, Misuse, RequestId, Role,
};

use super::dice::Dice;
use super::engine::Engine;
use super::facts::{End, Facts};
use super::line::{Line, REQUEST};
use super::plan::{Leave, MILLISECOND, Plan};
use super::witness::{Place, Witness};

/// What an application sees of the world while it acts.
pub(super) struct Scene<'a> {
    pub(super) place: Place,
    pub(super) plan: &'a Plan,
    pub(super) facts: &'a mut Facts,
    pub(super) witness: &'a mut Witness,
    pub(super) dice: &'a mut Dice,
    /// When to act again at the latest.
    pub(super) alarm: &'a mut u64,
}

impl Scene<'_> {
    pub(super) fn wake_at(&mut self, at: u64) {
        *self.alarm = (*self.alarm).min(at.max(self.place.now + 1));
    }

    /// Whether `at` is past; if not, it will be waited for.
    pub(super) fn is_due(&mut self, at: u64) -> bool {
        if at <= self.place.now {
            return true;
        }
        self.wake_at(at);
        false
    }

    pub(super) fn thinking(&mut self) -> u64 {
        self.dice.range(0, self.plan.sides[self.place.side].thinks)
    }

    pub(super) fn say(&mut self, text: fmt::Arguments<'_>) {
        self.witness.note(self.place, text);
        self.facts.progress = self.place.now;
    }

    pub(super) fn violation(&mut self, text: &str) {
        self.witness.violation(self.place, text);
    }

    /// What is true of this side of a channel. A channel whose place nobody knows has nothing to tell.
    pub(super) fn end(&mut self, index: Option<usize>) -> &mut End {
        let index = index.expect("a channel that carries anything has a place in the plan");
        &mut self.facts.channels[index][self.place.side]
    }

    pub(super) fn wrote(&mut self, index: Option<usize>, stream: usize, n: u64) {
        if n == 0 {
            return;
        }
        self.end(index).written[stream] += n;
        self.say(format_args!("{index:?} stream {stream} wrote {n}"));
        let (us, index) = (self.place.side, index.unwrap_or_default());
        let sent: u64 = self.facts.channels[index][us].written.iter().sum();
        let read: u64 = self.facts.channels[index][1 - us].received.iter().sum();
        let limits = if us == 0 { &self.plan.server.limits } else { &self.plan.client.limits };
        if sent - read > u64::from(limits.channel_window) {
            self.violation(&format!("channel {index}: {} bytes are on their way, beyond the window", sent - read));
        }
    }

    pub(super) fn read(&mut self, index: Option<usize>, stream: usize, n: u64, right: bool) {
        if n == 0 {
            return;
        }
        self.end(index).received[stream] += n;
        self.facts.data += n;
        self.say(format_args!("{index:?} stream {stream} read {n}"));
        let index = index.unwrap_or_default();
        let received = self.facts.channels[index][self.place.side].received[stream];
        let written = self.facts.channels[index][1 - self.place.side].written[stream];
        if !right || received > written {
            self.violation(&format!("channel {index} stream {stream}: bytes that were not sent, before {received}"));
        }
    }
}

/// One side's application.
pub(super) struct Application {
    lines: BTreeMap<ChannelId, Line>,
    /// Channels that are over: nothing may come of them any more.
    over: Vec<ChannelId>,
    to_open: VecDeque<usize>,
    openings: Vec<(u64, ChannelOpenRequest)>,
    rekeys: usize,
    globals_left: u32,
    asked: VecDeque<(RequestId, Option<Vec<u8>>)>,
    owed: Vec<(u64, GlobalToken, Option<Vec<u8>>)>,
    /// Since when anything can be done.
    since: Option<u64>,
}

impl Application {
    pub(super) fn new(side: usize, plan: &Plan) -> Self {
        let mut to_open: Vec<usize> =
            (0..plan.channels.len()).filter(|each| plan.channels[*each].opener == side).collect();
        to_open.sort_by_key(|index| plan.channels[*index].opens);
        Self {
            lines: BTreeMap::new(),
            over: Vec::new(),
            to_open: to_open.into(),
            openings: Vec::new(),
            rekeys: 0,
            globals_left: plan.sides[side].globals,
            asked: VecDeque::new(),
            owed: Vec::new(),
            since: None,
        }
    }

    pub(super) fn logged_in(&mut self, now: u64) {
        self.since = Some(now);
    }

    pub(super) fn channels(&self) -> usize {
        self.lines.len() + self.openings.len()
    }

    /// Whether the other side has not closed all channels there are.
    pub(super) fn has_open_channels(&self, facts: &Facts, side: usize) -> bool {
        let closed = |line: &Line| line.index.is_some_and(|index| facts.channels[index][side].closed_seen);
        !self.openings.is_empty() || !self.lines.values().all(closed)
    }

    pub(super) fn is_done(&self) -> bool {
        let asking = self.globals_left > 0 || !self.asked.is_empty() || !self.owed.is_empty();
        self.since.is_some() && self.to_open.is_empty() && self.openings.is_empty() && self.lines.is_empty() && !asking
    }

    /// What it still waits for, for a report.
    pub(super) fn summary(&self) -> String {
        let lines: Vec<String> = self.lines.values().map(|line| format!("{}={:?}", line.id, line.index)).collect();
        let (open, ask, owe) = (self.to_open.len(), self.asked.len(), self.owed.len());
        format!("since {:?}, {open} to open, {ask} asked, {owe} owed, lines {}", self.since, lines.join(" "))
    }

    /// Does what can be done; says whether anything was.
    pub(super) fn act<R: Role>(&mut self, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        let Some(since) = self.since else { return false };
        let mut progress = false;
        if engine.get().is_authenticated() {
            progress |= self.open(since, engine, scene);
            progress |= self.decide(engine, scene);
            progress |= self.ask(engine, scene);
            progress |= self.rekey(since, engine, scene);
        }
        for line in self.lines.values_mut() {
            progress |= line.act(engine, scene);
        }
        let over = &mut self.over;
        self.lines.retain(|id, line| {
            if line.gone {
                over.push(*id);
            }
            !line.gone
        });
        progress
    }

    fn open<R: Role>(&mut self, since: u64, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        let Some(&index) = self.to_open.front() else { return false };
        let plan = &scene.plan.channels[index];
        if !scene.is_due(since + plan.opens) {
            return false;
        }
        let opened = engine.with(|endpoint| {
            let data = u32::try_from(index).unwrap_or_default().to_be_bytes().to_vec();
            let name = b"channel@simulator.example".to_vec();
            endpoint.open_channel(&if plan.session { ChannelType::Session } else { ChannelType::Other { name, data } })
        });
        match opened {
            Ok(id) => {
                self.to_open.pop_front();
                self.lines.insert(id, Line::new(id, Some(index), scene.place.now, false));
                scene.say(format_args!("opens {id}"));
                true
            }
            Err(Misuse::Busy) => {
                scene.wake_at(scene.place.now + 500 * MILLISECOND);
                false
            }
            Err(error) => {
                scene.violation(&format!("a channel cannot be opened: {error}"));
                self.to_open.pop_front();
                false
            }
        }
    }

    fn decide<R: Role>(&mut self, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        if self.openings.is_empty() || !scene.is_due(self.openings[0].0) {
            return false;
        }
        let (_, request) = self.openings.remove(0);
        let id = request.id();
        let index = match &request.channel_type {
            ChannelType::Other { data, .. } => data.first_chunk().map(|bytes| u32::from_be_bytes(*bytes) as usize),
            _ => None,
        };
        let accepted = index.is_none_or(|index| scene.plan.channels[index].accepted);
        scene.say(format_args!("accepts {id}: {accepted}"));
        let outcome = engine.with(|endpoint| {
            if accepted {
                return endpoint.accept_channel(request).map(|_| ());
            }
            endpoint.reject_channel(request, ChannelOpenFailureReason::ADMINISTRATIVELY_PROHIBITED, "no")
        });
        if let Err(error) = outcome {
            scene.violation(&format!("the answer about {id} was refused: {error}"));
        }
        if accepted {
            self.lines.insert(id, Line::new(id, index, scene.place.now, true));
        } else {
            self.over.push(id);
        }
        true
    }

    fn ask<R: Role>(&mut self, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        if let Some(soonest) = self.owed.iter().map(|owed| owed.0).min()
            && scene.is_due(soonest)
        {
            let (_, token, response) = self.owed.swap_remove(scene.dice.below(self.owed.len()));
            if let Err(error) = engine.with(|endpoint| endpoint.answer_global(token, response.as_deref())) {
                scene.violation(&format!("a global answer was refused: {error}"));
            }
            return true;
        }
        if self.globals_left == 0 || self.asked.len() >= 3 {
            return false;
        }
        let data = [u8::from(scene.dice.percent(50)), self.globals_left as u8, 7];
        match engine.with(|endpoint| endpoint.global_request(REQUEST, &data)) {
            Ok(request) => {
                self.globals_left -= 1;
                self.asked.push_back((request, global_answer(&data)));
                true
            }
            Err(Misuse::Busy) => {
                scene.wake_at(scene.place.now + 50 * MILLISECOND);
                false
            }
            Err(error) => {
                scene.violation(&format!("a global request was refused: {error}"));
                false
            }
        }
    }

    fn rekey<R: Role>(&mut self, since: u64, engine: &mut Engine<R>, scene: &mut Scene<'_>) -> bool {
        let Some(&at) = scene.plan.sides[scene.place.side].rekeys.get(self.rekeys) else { return false };
        if !scene.is_due(since + at) {
            return false;
        }
        self.rekeys += 1;
        scene.say(format_args!("asks for fresh keys"));
        if let Err(error) = engine.with(|endpoint| endpoint.rekey()) {
            scene.violation(&format!("fresh keys were refused: {error}"));
        }
        true
    }

    /// The peer wants a channel.
    pub(super) fn wanted(&mut self, request: ChannelOpenRequest, scene: &mut Scene<'_>) {
        let due = scene.place.now + scene.thinking();
        let due = self.openings.last().map_or(due, |last| due.max(last.0));
        self.openings.push((due, request));
    }

    /// Something happened on a channel.
    pub(super) fn happened<R: Role>(
        &mut self,
        id: ChannelId,
        event: ChannelEvent,
        engine: &mut Engine<R>,
        scene: &mut Scene<'_>,
    ) {
        let Some(line) = self.lines.get_mut(&id) else {
            scene.violation(&format!("{id} is over or unknown, but: {event:?}"));
            return engine.spend(event);
        };
        let seen = line.index.map(|index| scene.facts.channels[index][scene.place.side].clone()).unwrap_or_default();
        if seen.closed_seen || (!line.open && !matches!(event, ChannelEvent::Opened | ChannelEvent::OpenFailed { .. }))
        {
            scene.violation(&format!("{id}: out of turn: {event:?}"));
        }
        match event {
            ChannelEvent::Opened => {
                line.open = true;
                if !matches!(
                    line.index.map(|each| scene.plan.channels[each].ends[scene.place.side].leave),
                    Some(Leave::Abandon(_))
                ) {
                    line.since = scene.place.now;
                }
            }
            ChannelEvent::OpenFailed { reason, description } => {
                let index = line.index.unwrap_or_default();
                let short = reason == ChannelOpenFailureReason::RESOURCE_SHORTAGE;
                if scene.plan.channels[index].accepted && !short {
                    scene.violation(&format!("{id} was not opened: {reason} {description}"));
                }
                engine.spend(description);
                line.gone = true;
            }
            ChannelEvent::Data(_) if seen.eof_seen => scene.violation(&format!("{id}: data after EOF")),
            ChannelEvent::Data(_) => {}
            ChannelEvent::Writable => line.unblock(scene),
            ChannelEvent::Request(incoming) => {
                line.asked(&incoming.request, incoming.reply, scene);
                engine.spend(incoming.request);
            }
            ChannelEvent::Reply { request, success } => line.answered(request, success, scene),
            ChannelEvent::Eof => {
                if seen.eof_seen {
                    scene.violation(&format!("{id}: EOF a second time"));
                }
                if let Some(index) = line.index {
                    scene.end(Some(index)).eof_seen = true;
                    if !scene.facts.channels[index][1 - scene.place.side].eof_sent {
                        scene.violation(&format!("{id}: EOF that was not sent"));
                    }
                }
            }
            ChannelEvent::Closed => match line.index {
                Some(index) if line.ready => scene.end(Some(index)).closed_seen = true,
                _ => line.gone = true,
            },
            other => {
                scene.violation(&format!("{id}: {other:?} is unknown"));
                engine.spend(other);
            }
        }
    }

    /// A global request, or an answer.
    pub(super) fn global<R: Role>(&mut self, event: GlobalRequestEvent, engine: &mut Engine<R>, scene: &mut Scene<'_>) {
        match event {
            GlobalRequestEvent::Request { name, data, reply } => {
                let answer = global_answer(&data);
                match reply {
                    Some(token) if name == REQUEST => {
                        let due = scene.place.now + scene.thinking();
                        self.owed.push((due, token, answer));
                    }
                    _ => scene.violation("a global request that nobody sent"),
                }
                engine.spend((name, data));
            }
            GlobalRequestEvent::Reply { request, response } => {
                let expected = self.asked.pop_front();
                if expected.as_ref().is_none_or(|(id, answer)| *id != request || *answer != response) {
                    scene.violation(&format!("{request:?} was answered {response:?}, not {expected:?}"));
                }
                engine.spend(response);
            }
            other => engine.spend(other),
        }
    }

    /// The connection is over: what has come can still be read, and nothing will be answered.
    pub(super) fn closed<R: Role>(&mut self, engine: &mut Engine<R>) {
        engine.spend(std::mem::take(&mut self.openings));
        self.owed.clear();
        self.to_open.clear();
        self.lines.clear();
    }
}

/// What a global request is answered.
fn global_answer(data: &[u8]) -> Option<Vec<u8>> {
    (data.first() == Some(&1)).then(|| data.iter().rev().copied().collect())
}
