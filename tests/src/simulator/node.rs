//! One side of a connection: the endpoint, its application, and the loop an adapter would run around them.

use ssh_core::wire::DisconnectReason;
use ssh_core::{CloseReason, Limits, Timestamp};

use super::application::{Application, Scene};
use super::clock::Clock;
use super::dice::Dice;
use super::engine::Engine;
use super::facts::Facts;
use super::party::{Happening, LoginState, Party, Question};
use super::pipe::Pipe;
use super::plan::{Plan, SidePlan};
use super::protocol::Protocol;
use super::tap;
use super::witness::{Place, Witness};

/// More rounds than this without a moment passing are a loop without end.
const ROUNDS: u32 = 4_000_000;

/// One side.
pub(super) struct Node<R: Party> {
    pub(super) engine: Engine<R>,
    clock: Clock,
    login: LoginState,
    questions: Vec<(u64, Question)>,
    /// When its own clock stood so.
    asked_for_proof: Option<Timestamp>,
    application: Application,
    dice: Dice,
    alarm: u64,
    /// When it is to be woken, as far as the world knows.
    pub(super) scheduled: u64,
    told_of_end: bool,
    /// Our direction ends once everything is written.
    hangs_up: bool,
    closed: bool,
    pub(super) finished: bool,
}

/// What a node touches when it is woken.
pub(super) struct Surroundings<'a> {
    pub(super) place: Place,
    pub(super) plan: &'a Plan,
    pub(super) incoming: &'a mut Pipe,
    pub(super) outgoing: &'a mut Pipe,
    pub(super) facts: &'a mut Facts,
    pub(super) protocol: &'a mut Protocol,
    pub(super) witness: &'a mut Witness,
}

impl<R: Party> Node<R> {
    pub(super) fn new(
        place: Place,
        plan: &Plan,
        limits: Limits,
        dice: Dice,
        make: impl FnOnce(Timestamp) -> ssh_core::Endpoint<R>,
    ) -> Self {
        let clock =
            Clock::new(plan.sides[place.side].jumps.iter().map(|(at, jump)| (plan.starts + at, *jump)).collect());
        let now = clock.local(place.now);
        Self {
            engine: Engine::new(limits, || make(now)),
            clock,
            login: LoginState::default(),
            questions: Vec::new(),
            asked_for_proof: None,
            application: Application::new(place.side, plan),
            dice,
            alarm: u64::MAX,
            scheduled: u64::MAX,
            told_of_end: false,
            hangs_up: false,
            closed: false,
            finished: false,
        }
    }

    /// Everything that can be done now.
    pub(super) fn wake(&mut self, around: &mut Surroundings<'_>) {
        let now = around.place.now;
        self.alarm = u64::MAX;
        let local = self.clock.local(now);
        self.engine.with(|endpoint| endpoint.handle_timeout(local));
        let awake = self.nap(around.plan, now);
        let mut idle = false;
        for round in 0.. {
            let mut progress = self.input(around);
            if awake {
                let happened = self.events(around);
                if happened || progress || round == 0 || !idle {
                    let acted = self.act(around);
                    idle = !acted;
                    progress |= acted;
                }
                progress |= happened;
            }
            // After the events: a packet that is no event may still have an answer.
            progress |= self.output(around);
            self.take_notes(around);
            if !progress {
                break;
            }
            if round > ROUNDS || around.witness.has_violations() {
                if round > ROUNDS {
                    around.witness.violation(around.place, "never comes to rest");
                }
                break;
            }
        }
        if let Err(text) = self.engine.check_memory(self.application.channels()) {
            around.witness.violation(around.place, &text);
        }
        around.facts.done[around.place.side] = self.application.is_done();
        if self.hangs_up && self.engine.with(|endpoint| endpoint.poll_output().is_empty()) {
            around.outgoing.end(around.place.now);
        }
        self.finish(around);
    }

    fn take_notes(&self, around: &mut Surroundings<'_>) {
        let Surroundings { place, protocol, witness, .. } = around;
        tap::take_notes(|note| {
            if let Err(text) = protocol.sealed(place.side, note) {
                witness.violation(*place, &text);
            }
        });
    }

    /// Says whether it is awake, and sets the alarm if not.
    fn nap(&mut self, plan: &Plan, now: u64) -> bool {
        let mut awake = true;
        for &(from, to) in &plan.sides[self.side()].naps {
            if (plan.starts + from..plan.starts + to).contains(&now) {
                self.alarm = self.alarm.min(plan.starts + to);
                awake = false;
            }
        }
        awake
    }

    fn side(&self) -> usize {
        match self.engine.get().side() {
            ssh_core::Side::Client => 0,
            ssh_core::Side::Server => 1,
        }
    }

    /// When to be woken at the latest.
    pub(super) fn next_wake(&self, incoming: &Pipe, now: u64) -> u64 {
        // What is over is due at once, for ever.
        let due = if self.finished { None } else { self.engine.get().poll_timeout() };
        let timer = due.map_or(u64::MAX, |deadline| self.clock.world(now, deadline));
        let reads = !self.told_of_end && (self.closed || self.engine.get().wants_input());
        let arrival = incoming.next_arrival().filter(|_| reads).unwrap_or(u64::MAX);
        self.alarm.min(timer).min(arrival.max(now + 1))
    }

    fn output(&mut self, around: &mut Surroundings<'_>) -> bool {
        let most = self.dice.range(1, plan_of(around).writes as u64) as usize;
        let ready = self.engine.with(|endpoint| endpoint.poll_output().len()).min(most);
        if ready == 0 {
            return false;
        }
        // What the pipe keeps is no memory of the endpoint.
        let mut bytes = vec![0; ready];
        self.engine.with(|endpoint| bytes.copy_from_slice(&endpoint.poll_output()[..ready]));
        let Surroundings { place, outgoing, protocol, witness, .. } = around;
        let taken = outgoing.write(&bytes, place.now);
        bytes.truncate(taken);
        self.engine.with(|endpoint| endpoint.consume_output(taken));
        witness.sent(*place, &bytes);
        if let Err(text) = protocol.bytes(place.side, &bytes) {
            witness.violation(*place, &text);
        }
        taken > 0
    }

    fn input(&mut self, around: &mut Surroundings<'_>) -> bool {
        let now = around.place.now;
        if self.told_of_end {
            return false;
        }
        if around.incoming.has_ended(now) {
            self.told_of_end = true;
            around.witness.note(around.place, format_args!("end of stream"));
            self.engine.with(|endpoint| endpoint.handle_eof());
            return true;
        }
        let most = self.dice.range(1, plan_of(around).reads as u64) as usize;
        let in_place = self.dice.percent(50);
        let arrived = around.incoming.arrived(now);
        let bytes = &arrived[..most.min(arrived.len())];
        if bytes.is_empty() {
            return false;
        }
        let taken = if self.closed {
            bytes.len()
        } else if !self.engine.get().wants_input() {
            return false;
        } else {
            self.engine.with(|endpoint| {
                if !in_place {
                    return endpoint.handle_input(bytes);
                }
                let room = endpoint.input_buffer();
                let n = room.len().min(bytes.len());
                room[..n].copy_from_slice(&bytes[..n]);
                endpoint.input_filled(n);
                n
            })
        };
        if taken == 0 {
            around.witness.violation(around.place, "wants input, but takes none");
        }
        around.incoming.consume(taken);
        taken > 0
    }

    fn events(&mut self, around: &mut Surroundings<'_>) -> bool {
        let mut any = false;
        while let Some(happening) = self.engine.with(R::poll) {
            any = true;
            around.witness.note(around.place, format_args!("{happening:?}"));
            if self.closed {
                around.witness.violation(around.place, "an event after Closed");
            }
            if !matches!(happening, Happening::Rekeyed) {
                around.facts.progress = around.place.now;
            }
            self.happened(happening, around);
        }
        any
    }

    fn happened(&mut self, happening: Happening, around: &mut Surroundings<'_>) {
        let side = around.place.side;
        let Self { engine, application, dice, alarm, questions, clock, asked_for_proof, .. } = self;
        let mut scene = scene(around, dice, alarm);
        let of_connection = matches!(
            happening,
            Happening::Channel(..)
                | Happening::ChannelOpen(_)
                | Happening::Global(_)
                | Happening::Question(Question::HostKeys(_))
                | Happening::Proven(_)
        );
        if of_connection && !scene.facts.logged_in[side] {
            scene.violation("an event of the connection before the login");
        }
        match happening {
            Happening::Question(question) => {
                let due = scene.place.now + scene.thinking();
                questions.push((due, question));
            }
            Happening::Banner(text) => engine.spend(text),
            Happening::LoggedIn(how) => {
                if std::mem::replace(&mut scene.facts.logged_in[side], true) || !scene.facts.logged_in[1] {
                    scene.violation("logged in twice, or before the server says so");
                }
                engine.spend(how);
                application.logged_in(scene.place.now);
            }
            Happening::ChannelOpen(request) => application.wanted(request, &mut scene),
            Happening::Channel(id, event) => application.happened(id, event, engine, &mut scene),
            Happening::Global(event) => application.global(event, engine, &mut scene),
            Happening::Proven(keys) => {
                let waited = asked_for_proof.map(|since| clock.local(scene.place.now).saturating_since(since));
                let was_late = keys.is_none() && waited.is_some_and(|waited| waited >= Limits::default().proof_grace);
                if !was_late && keys != Some(vec![scene.plan.host_key.public_key().clone()]) {
                    scene.violation(&format!("the server's own keys were not proven: {keys:?}"));
                }
                engine.spend(keys);
            }
            Happening::Rekeyed => scene.facts.rekeyed[side] += 1,
            Happening::Unknown(text) => {
                scene.violation(&format!("an unknown event: {text}"));
                engine.spend(text);
            }
            Happening::Closed(reason) => {
                let by_us = scene.facts.ended_it[side];
                let by_them = scene.facts.ended_it[1 - side];
                let wrong = match reason {
                    CloseReason::Local => !by_us,
                    CloseReason::Peer => !by_them && application.has_open_channels(scene.facts, side),
                    _ => false,
                };
                if wrong {
                    scene.violation(&format!("the connection did not end that way: {reason:?}"));
                }
                scene.facts.closed[side] = Some(reason.clone());
                engine.spend(reason);
                engine.spend(std::mem::take(questions));
                self.closed = true;
            }
        }
    }

    fn act(&mut self, around: &mut Surroundings<'_>) -> bool {
        let mut progress = false;
        if !self.questions.is_empty() {
            let Self { dice, alarm, questions, .. } = self;
            if scene(around, dice, alarm).is_due(questions[0].0) {
                let (_, question) = questions.remove(0);
                if matches!(question, Question::HostKeys(_)) {
                    self.asked_for_proof = Some(self.clock.local(around.place.now));
                }
                let (plan, login) = (around.plan, &mut self.login);
                if let Err(text) = self.engine.with(|endpoint| R::answer(endpoint, question, plan, login)) {
                    // A clock that leaps may end the login in the midst of an answer.
                    if around.plan.is_faultless() {
                        around.witness.violation(around.place, &text);
                    }
                }
                progress = true;
            }
        }
        let Self { engine, application, dice, alarm, .. } = self;
        progress | application.act(engine, &mut scene(around, dice, alarm))
    }

    /// Ends the connection: with a DISCONNECT, or by closing our direction.
    pub(super) fn end(&mut self, orderly: bool, silent: bool, around: &mut Surroundings<'_>) {
        around.witness.note(around.place, format_args!("ends the connection, orderly {orderly}, silent {silent}"));
        around.facts.ended_it[around.place.side] = true;
        if silent {
            self.hangs_up = true;
            return;
        }
        let reason =
            if orderly { DisconnectReason::BY_APPLICATION } else { DisconnectReason::HOST_NOT_ALLOWED_TO_CONNECT };
        self.engine.with(|endpoint| endpoint.disconnect(reason, "done"));
        self.take_notes(around);
    }

    fn finish(&mut self, around: &mut Surroundings<'_>) {
        if self.closed && !self.finished && self.engine.get().is_finished() {
            self.finished = true;
            self.application.closed(&mut self.engine);
            around.outgoing.end(around.place.now);
            around.witness.note(around.place, format_args!("finished"));
        }
    }

    pub(super) fn summary(&self) -> String {
        let endpoint = self.engine.get();
        let (wants, timer) = (endpoint.wants_input(), endpoint.poll_timeout());
        format!("{}; wants input {wants}, timer {timer:?}, closed {}", self.application.summary(), self.closed)
    }
}

fn plan_of<'a>(around: &Surroundings<'a>) -> &'a SidePlan {
    &around.plan.sides[around.place.side]
}

fn scene<'a>(around: &'a mut Surroundings<'_>, dice: &'a mut Dice, alarm: &'a mut u64) -> Scene<'a> {
    Scene { place: around.place, plan: around.plan, facts: around.facts, witness: around.witness, dice, alarm }
}
