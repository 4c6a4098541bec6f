//! The world: one clock, many connections, and whatever happens next happening next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use ssh_core::{Client, ClientRole, Server, ServerRole};

use super::dice::{Dice, random};
use super::engine::Memory;
use super::facts::Facts;
use super::node::{Node, Surroundings};
use super::pipe::{Harm, Pipe};
use super::plan::{Ending, Fault, Leave, MILLISECOND, Plan, SECOND};
use super::protocol::Protocol;
use super::witness::{Place, Witness};

/// How long an application waits for anything to happen.
const PATIENCE: u64 = 600 * SECOND;

/// When everything must be over, however slow.
const HORIZON: u64 = 24 * 3600 * SECOND;

/// What is to be woken: 0 and 1 are sides.
const CONTROL: usize = 2;

/// Many connections under one clock.
pub(super) struct World {
    seed: u64,
    pub(super) now: u64,
    /// Time, order, connection, what.
    agenda: BinaryHeap<Reverse<(u64, u64, usize, usize)>>,
    order: u64,
    pub(super) connections: Vec<Option<Connection>>,
    plans: Vec<Option<Plan>>,
    pub(super) witness: Witness,
    pub(super) totals: Totals,
}

/// What happened in all, for a report.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Connections that came to an end.
    pub connections: u64,
    /// Of those, where nothing was to go wrong.
    pub faultless: u64,
    /// Of those, where the user was in.
    pub logged_in: u64,
    /// Channels asked for.
    pub channels: u64,
    /// Bytes of channel data read.
    pub data: u64,
    /// Bytes that crossed the network.
    pub bytes: u64,
    /// Key exchanges after the first.
    pub rekeys: u64,
    /// Events of all kinds.
    pub events: u64,
    /// The most heap that one endpoint held.
    pub memory: Memory,
}

impl Totals {
    /// Adds what another run did.
    pub fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.faultless += other.faultless;
        self.logged_in += other.logged_in;
        self.channels += other.channels;
        self.data += other.data;
        self.bytes += other.bytes;
        self.rekeys += other.rekeys;
        self.events += other.events;
        self.memory.max(&other.memory);
    }
}

/// One connection.
pub(super) struct Connection {
    plan: Plan,
    pub(super) client: Node<ClientRole>,
    pub(super) server: Node<ServerRole>,
    /// What the client sends, and what the server sends.
    pipes: [Pipe; 2],
    pub(super) facts: Facts,
    protocol: Protocol,
    /// When the end is due, once both sides are done.
    ends: Option<u64>,
    given_up: bool,
}

impl World {
    pub(super) fn new(seed: u64, plans: Vec<Plan>, detailed: bool) -> Self {
        let mut world = Self {
            seed,
            now: 0,
            agenda: BinaryHeap::new(),
            order: 0,
            connections: plans.iter().map(|_| None).collect(),
            plans: Vec::new(),
            witness: Witness::new(detailed),
            totals: Totals::default(),
        };
        for (number, plan) in plans.iter().enumerate() {
            world.plan_wake(plan.starts, number, CONTROL);
        }
        world.plans = plans.into_iter().map(Some).collect();
        world
    }

    fn plan_wake(&mut self, at: u64, connection: usize, what: usize) {
        self.order += 1;
        self.agenda.push(Reverse((at, self.order, connection, what)));
    }

    /// Lets everything happen that is due until `until`; says whether anything is left after it.
    pub(super) fn run(&mut self, until: u64) -> bool {
        while let Some(&Reverse((at, _, number, what))) = self.agenda.peek() {
            if at > until {
                self.now = until;
                return true;
            }
            self.agenda.pop();
            self.now = at.max(self.now);
            if self.witness.has_violations() {
                return false;
            }
            if let Some(plan) = self.plans[number].take() {
                self.connections[number] = Some(Connection::new(self.seed, number, self.now, plan));
                for what in [0, 1, CONTROL] {
                    self.plan_wake(self.now, number, what);
                }
                continue;
            }
            self.wake(number, what);
        }
        false
    }

    fn wake(&mut self, number: usize, what: usize) {
        let now = self.now;
        let Some(connection) = &mut self.connections[number] else { return };
        let mut plan = Vec::new();
        if what == CONTROL {
            connection.control(number, now, &mut self.witness, &mut plan);
        } else if *connection.scheduled(what) <= now {
            connection.wake(number, what, now, &mut self.witness);
            connection.reschedule(what, now, &mut plan);
        }
        if connection.is_over() {
            connection.judge(number, now, &mut self.witness, &mut self.totals);
            self.connections[number] = None;
            return;
        }
        for (at, what) in plan {
            self.plan_wake(at, number, what);
        }
    }
}

impl Connection {
    fn new(seed: u64, number: usize, now: u64, plan: Plan) -> Self {
        let purpose = number as u64 * 16;
        let place = |side| Place { now, connection: number, side };
        let harm = |side| match plan.fault {
            Fault::Pipe { side: harmed, at, harm } if harmed == side => Some((at, harm)),
            _ => None,
        };
        let pipe =
            |side: usize| Pipe::new(plan.pipes[side].clone(), Dice::new(seed, purpose + 2 + side as u64), harm(side));
        let (client, server) = (Arc::clone(&plan.client), Arc::clone(&plan.server));
        let (limits_of_client, limits_of_server) = (client.limits, server.limits);
        let client = Node::new(place(0), &plan, limits_of_client, Dice::new(seed, purpose), |local| {
            Client::new(client, Box::new(random(seed, purpose + 4)), local).expect("a configuration that works")
        });
        let server = Node::new(place(1), &plan, limits_of_server, Dice::new(seed, purpose + 1), |local| {
            Server::new(server, Box::new(random(seed, purpose + 5)), local).expect("a configuration that works")
        });
        let mut connection = Self {
            pipes: [pipe(0), pipe(1)],
            facts: Facts::new(plan.channels.len()),
            client,
            server,
            plan,
            protocol: Protocol::default(),
            ends: None,
            given_up: false,
        };
        connection.facts.progress = now;
        connection.client.scheduled = now;
        connection.server.scheduled = now;
        connection
    }

    fn scheduled(&mut self, side: usize) -> &mut u64 {
        if side == 0 { &mut self.client.scheduled } else { &mut self.server.scheduled }
    }

    /// Wakes a side, and sees whether what it wrote met with harm.
    fn wake(&mut self, number: usize, side: usize, now: u64, witness: &mut Witness) {
        *self.scheduled(side) = u64::MAX;
        self.with(
            number,
            side,
            now,
            witness,
            |client, around| client.wake(around),
            |server, around| server.wake(around),
        );
        let (harmed, harm) = (self.pipes[side].harmed, self.pipes[side].planned_harm());
        if harmed == Some(now) && !self.facts.harmed && harm.is_none() {
            self.facts.harmed = true;
            let place = Place { now, connection: number, side };
            witness.note(place, format_args!("the fault comes: {:?}", self.plan.fault));
            if let Fault::Pipe { harm: harm @ (Harm::Cut | Harm::Silence), .. } = self.plan.fault {
                self.pipes[1 - side].share(harm, now);
            }
        }
    }

    /// Calls either with the parts that its side touches.
    fn with(
        &mut self,
        number: usize,
        side: usize,
        now: u64,
        witness: &mut Witness,
        client: impl FnOnce(&mut Node<ClientRole>, &mut Surroundings<'_>),
        server: impl FnOnce(&mut Node<ServerRole>, &mut Surroundings<'_>),
    ) {
        let [up, down] = &mut self.pipes;
        let (incoming, outgoing) = if side == 0 { (down, up) } else { (up, down) };
        let place = Place { now, connection: number, side };
        let (plan, facts, protocol) = (&self.plan, &mut self.facts, &mut self.protocol);
        let mut around = Surroundings { place, plan, incoming, outgoing, facts, protocol, witness };
        match side {
            0 => client(&mut self.client, &mut around),
            _ => server(&mut self.server, &mut around),
        }
    }

    fn end(&mut self, number: usize, side: usize, now: u64, witness: &mut Witness, orderly: bool, silent: bool) {
        self.with(
            number,
            side,
            now,
            witness,
            |client, around| client.end(orderly, silent, around),
            |server, around| server.end(orderly, silent, around),
        );
    }

    /// After a side was woken: when either is to be woken next.
    fn reschedule(&mut self, side: usize, now: u64, plan: &mut Vec<(u64, usize)>) {
        let other = 1 - side;
        let own = match side {
            0 => self.client.next_wake(&self.pipes[1], now),
            _ => self.server.next_wake(&self.pipes[0], now),
        };
        let mut others = match other {
            0 => self.client.next_wake(&self.pipes[1], now),
            _ => self.server.next_wake(&self.pipes[0], now),
        };
        // The writer learns that there is room again.
        if std::mem::take(&mut self.pipes[other].writer_waits) {
            others = others.min(now + MILLISECOND);
            self.pipes[other].writer_waits = true;
        }
        for (what, at) in [(side, own), (other, others)] {
            let scheduled = self.scheduled(what);
            if at < *scheduled {
                *scheduled = at;
                plan.push((at, what));
            }
        }
        if self.facts.done == [true; 2] && self.ends.is_none() && !self.facts.ended_it.contains(&true) {
            // Nobody knows when a channel is over that was abandoned.
            let abandoned = |end: &super::plan::EndPlan| matches!(end.leave, Leave::Abandon(_));
            let lingering = self.plan.channels.iter().flat_map(|channel| &channel.ends).any(abandoned);
            let rest = if lingering { self.plan.rest.max(60 * SECOND) } else { self.plan.rest };
            self.ends = Some(now + rest);
            plan.push((now + rest, CONTROL));
        }
    }

    /// What happens to a connection from outside.
    fn control(&mut self, number: usize, now: u64, witness: &mut Witness, plan: &mut Vec<(u64, usize)>) {
        if let Fault::Disconnect { side, at, orderly } = self.plan.fault {
            let at = self.plan.starts + at;
            if now >= at && !self.facts.harmed {
                self.facts.harmed = true;
                self.end(number, side, now, witness, orderly, false);
            } else if now < at {
                plan.push((at, CONTROL));
            }
        }
        if self.ends.is_some_and(|at| at <= now) && !self.facts.ended_it.contains(&true) {
            match self.plan.ending {
                Ending::Disconnect(side) => self.end(number, side, now, witness, true, false),
                Ending::Silent(side) => self.end(number, side, now, witness, true, true),
                Ending::Both => (0..2).for_each(|side| self.end(number, side, now, witness, true, false)),
            }
        }
        let deadline = self.facts.progress + PATIENCE;
        if now >= deadline || now >= HORIZON {
            let place = Place { now, connection: number, side: 0 };
            if self.plan.is_faultless() || self.given_up {
                witness.violation(place, &format!("stands still: {}", self.summary()));
            }
            self.given_up = true;
            self.facts.progress = now;
            (0..2).for_each(|side| self.end(number, side, now, witness, false, false));
        }
        plan.push((self.facts.progress + PATIENCE, CONTROL));
        for side in 0..2 {
            let scheduled = self.scheduled(side);
            if *scheduled > now {
                *scheduled = now;
                plan.push((now, side));
            }
        }
    }

    fn is_over(&self) -> bool {
        self.client.finished && self.server.finished
            || (self.given_up && self.facts.closed.iter().all(Option::is_some))
            || (self.plan.fault_is_silence() && self.facts.closed.iter().all(Option::is_some))
    }

    /// The last word on a connection.
    fn judge(&mut self, number: usize, now: u64, witness: &mut Witness, totals: &mut Totals) {
        for side in 0..2 {
            let place = Place { now, connection: number, side };
            let reason = self.facts.closed[side].clone();
            let error = reason.as_ref().and_then(|reason| reason.error());
            if self.plan.is_faultless() {
                if let Some(error) = error {
                    witness.violation(place, &format!("failed, but nothing was wrong: {error}"));
                }
                if !self.facts.logged_in[side] {
                    witness.violation(place, "over without a login");
                }
            }
            if self.facts.rekeyed[side] > self.protocol.rekeys(side) {
                witness.violation(place, "more fresh keys than key exchanges");
            }
        }
        totals.connections += 1;
        totals.faultless += u64::from(self.plan.is_faultless());
        totals.logged_in += u64::from(self.facts.logged_in == [true; 2]);
        totals.channels += self.plan.channels.len() as u64;
        totals.data += self.facts.data;
        totals.rekeys += self.facts.rekeyed[0];
        totals.memory.max(self.client.engine.memory());
        totals.memory.max(self.server.engine.memory());
    }

    fn summary(&self) -> String {
        let (client, server) = (self.client.summary(), self.server.summary());
        let Plan { pipes, sides, channels, ending, .. } = &self.plan;
        let empty = self.pipes.each_ref().map(Pipe::is_empty);
        format!(
            "client: {client}\n  server: {server}\n  {}\n  empty pipes {empty:?}\n  {:?}\n  {channels:?}\n  {pipes:?}\n  {sides:?}\n  {ending:?}",
            self.protocol.summary(),
            self.facts,
        )
    }
}
