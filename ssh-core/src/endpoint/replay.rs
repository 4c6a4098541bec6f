//! Plays a recording again.

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};
use core::fmt;

use super::client::HostKeyAnswer;
use super::{Endpoint, Role};
use crate::auth::{AuthAnswer, AuthMethod, Prompt};
use crate::config::ConfigError;
use crate::connection::{ChannelId, ChannelOpenRequest, ChannelRequest, ChannelType, GlobalToken, RequestToken};
use crate::key::PublicKey;
use crate::random::ChaChaRandom;
use crate::recorder::{Kind, MAGIC, VERSION, output_digest};
use crate::secret::SecretBytes;
use crate::time::Timestamp;
use crate::transport::Side;
use crate::untrusted::Untrusted;
use crate::wire::{ChannelOpenFailureReason, DataStream, DecodeError, DisconnectReason, Reader, Writer};

/// What a recording led to when it was played again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Replay<E> {
    /// Every event, in order.
    pub events: Vec<E>,
    /// Every byte that the socket took, in order.
    pub output: Vec<u8>,
}

/// A recording that cannot be played again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// It is no recording, or one in a version of the format that this library does not know.
    NotARecording,
    /// It is one of the other role.
    OtherRole,
    /// The configuration cannot work.
    Config(ConfigError),
    /// The entry that begins at this byte is cut off or damaged.
    Malformed {
        /// Where in the recording.
        offset: usize,
    },
    /// The session went another way at the entry that begins at this byte: another configuration, or another version of
    /// the library.
    Diverged {
        /// Where in the recording.
        offset: usize,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotARecording => f.write_str("this is no recording that this version of the library can read"),
            Self::OtherRole => f.write_str("the recording is one of the other side: play it with the other role"),
            Self::Config(error) => write!(f, "the configuration for the replay cannot work: {error}"),
            Self::Malformed { offset } => write!(f, "the recording is damaged or cut off at byte {offset}"),
            Self::Diverged { offset } => write!(
                f,
                "the replay went another way at byte {offset} of the recording: play it with the configuration and the \
                 version of the library that it was made with"
            ),
        }
    }
}

impl core::error::Error for ReplayError {}

impl From<DecodeError> for Fault {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}

/// What is wrong with an entry, wherever it is.
enum Fault {
    Malformed,
    Diverged,
}

/// Plays a recording with the configuration it was made with: the same events and the same bytes, without a network and
/// without the application. See [`recording`](crate::recording).
///
/// # Errors
/// [`ReplayError`]
pub fn replay<R: Role>(config: Arc<R::Config>, recording: &[u8]) -> Result<Replay<R::Event>, ReplayError> {
    let mut reader = Reader::new(recording);
    let start = read_start(&mut reader).map_err(|_| ReplayError::NotARecording)?;
    let random = Box::new(ChaChaRandom::from_seed(&start.seed));
    let endpoint = Endpoint::<R>::new(config, random, start.time).map_err(ReplayError::Config)?;
    if endpoint.side() != start.side {
        return Err(ReplayError::OtherRole);
    }
    let mut player = Player { endpoint, replay: Replay { events: Vec::new(), output: Vec::new() } };
    while reader.remaining() > 0 {
        let offset = recording.len() - reader.remaining();
        player.play(&mut reader).map_err(|fault| match fault {
            Fault::Malformed => ReplayError::Malformed { offset },
            Fault::Diverged => ReplayError::Diverged { offset },
        })?;
    }
    Ok(player.replay)
}

struct Start {
    side: Side,
    seed: [u8; 32],
    time: Timestamp,
}

fn read_start(reader: &mut Reader<'_>) -> Result<Start, Fault> {
    if reader.string()? != MAGIC || reader.uint32()? != VERSION {
        return Err(Fault::Malformed);
    }
    let side = if reader.boolean()? { Side::Server } else { Side::Client };
    Ok(Start { side, seed: reader.array()?, time: Timestamp::from_micros(reader.uint64()?) })
}

/// An endpoint whose application is the recording.
struct Player<R: Role> {
    endpoint: Endpoint<R>,
    replay: Replay<R::Event>,
}

impl<R: Role> Player<R> {
    /// One entry.
    fn play(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        match Kind::from_byte(reader.byte()?).ok_or(Fault::Malformed)? {
            kind @ (Kind::Time | Kind::Input | Kind::EndOfInput | Kind::WriteClosed | Kind::Poll | Kind::Output) => {
                self.play_loop(kind, reader)
            }
            kind if (kind as u8) < Kind::AnswerHostKey as u8 => self.play_command(kind, reader),
            kind if (kind as u8) < Kind::ChannelConsume as u8 => self.play_answer(kind, reader),
            kind => self.play_channel(kind, reader),
        }
    }

    fn play_loop(&mut self, kind: Kind, reader: &mut Reader<'_>) -> Result<(), Fault> {
        match kind {
            Kind::Time => self.endpoint.handle_timeout(Timestamp::from_micros(reader.uint64()?)),
            Kind::Input => {
                let bytes = reader.string()?;
                if self.endpoint.handle_input(bytes) != bytes.len() {
                    return Err(Fault::Diverged);
                }
            }
            Kind::EndOfInput => self.endpoint.handle_eof(),
            Kind::WriteClosed => self.endpoint.handle_write_closed(),
            Kind::Poll => {
                let expected = reader.boolean()?;
                let event = self.endpoint.poll_core_event();
                if event.is_some() != expected {
                    return Err(Fault::Diverged);
                }
                self.replay.events.extend(event.and_then(R::happening));
            }
            _ => self.compare_output(reader)?,
        }
        Ok(())
    }

    fn compare_output(&mut self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let length = usize::try_from(reader.uint32()?).map_err(|_| Fault::Malformed)?;
        let digest: [u8; 8] = reader.array()?;
        let taken = self.endpoint.poll_output().get(..length).ok_or(Fault::Diverged)?;
        if output_digest(taken) != digest {
            return Err(Fault::Diverged);
        }
        self.replay.output.extend_from_slice(taken);
        self.endpoint.consume_output(length);
        Ok(())
    }

    fn play_command(&mut self, kind: Kind, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let core = &mut self.endpoint.core;
        match kind {
            Kind::OpenChannel => heedless(core.open_channel(&channel_type(reader)?)),
            Kind::AcceptChannel => heedless(core.accept_channel(&open_request(reader)?)),
            Kind::RejectChannel => {
                let request = open_request(reader)?;
                let reason = ChannelOpenFailureReason(reader.uint32()?);
                heedless(core.reject_channel(&request, reason, text(reader)?));
            }
            Kind::Reply => {
                let token = RequestToken { channel: ChannelId(reader.uint32()?), turn: reader.uint64()? };
                heedless(core.reply(&token, reader.boolean()?));
            }
            Kind::GlobalRequest => heedless(core.global_request(reader.string()?, reader.string()?)),
            Kind::AnswerGlobal => {
                let token = GlobalToken { turn: reader.uint64()? };
                heedless(core.answer_global(&token, optional(reader)?));
            }
            Kind::Rekey => heedless(core.rekey()),
            Kind::ProveHostKeys => {
                let keys = read_list(reader, read_key)?;
                heedless(core.prove_host_keys(&keys));
            }
            Kind::Disconnect => core.disconnect(DisconnectReason(reader.uint32()?), text(reader)?),
            _ => {
                let turn = reader.uint64()?;
                let signature = optional(reader)?;
                heedless(match core.side() {
                    Side::Client => core.answer_user_signature(turn, signature),
                    Side::Server => core.answer_host_signature(turn, signature),
                });
            }
        }
        Ok(())
    }

    fn play_answer(&mut self, kind: Kind, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let core = &mut self.endpoint.core;
        match kind {
            Kind::AnswerHostKey => {
                let turn = reader.uint64()?;
                let answer = if reader.boolean()? { HostKeyAnswer::Accept } else { HostKeyAnswer::Reject };
                heedless(core.answer_host_key(turn, answer));
            }
            Kind::Authenticate => heedless(core.authenticate(reader.string()?, read_method(reader)?)),
            Kind::AnswerPrompts => {
                let turn = reader.uint64()?;
                let answers = read_list(reader, |reader| Ok(SecretBytes::copied_from(reader.string()?)))?;
                heedless(core.answer_prompts(turn, &answers));
            }
            Kind::AnswerKeyOffer => heedless(core.answer_key_offer(reader.uint64()?, reader.boolean()?)),
            Kind::AnswerAuth => heedless(core.answer_auth(reader.uint64()?, read_auth_answer(reader)?)),
            _ => heedless(core.send_banner(text(reader)?)),
        }
        Ok(())
    }

    fn play_channel(&mut self, kind: Kind, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let id = ChannelId(reader.uint32()?);
        let mut channel = self.endpoint.channel(id).ok_or(Fault::Diverged)?;
        match kind {
            Kind::ChannelConsume => {
                let stream = DataStream(reader.uint32()?);
                channel.consume(stream, usize::try_from(reader.uint64()?).unwrap_or(usize::MAX));
            }
            Kind::ChannelWrite => {
                let stream = DataStream(reader.uint32()?);
                let data = reader.string()?;
                if channel.write(stream, data) != Ok(data.len()) {
                    return Err(Fault::Diverged);
                }
                // Where a write was cut short, the channel waits for room: nothing more fits.
                if reader.boolean()? && channel.write(stream, &[0]) != Ok(0) {
                    return Err(Fault::Diverged);
                }
            }
            Kind::ChannelRequest => {
                let (name, fields) = (reader.string()?, reader.string()?);
                heedless(channel.request(&ChannelRequest::decode(name, fields)?, reader.boolean()?));
            }
            Kind::ChannelEof => heedless(channel.send_eof()),
            Kind::ChannelClose => channel.close(),
            _ => channel.abandon(),
        }
        Ok(())
    }
}

/// What a call returned shows in the events and the output, if anywhere.
fn heedless<T>(_: T) {}

fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Fault> {
    core::str::from_utf8(reader.string()?).map_err(|_| Fault::Malformed)
}

fn optional<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, Fault> {
    let present = reader.boolean()?;
    let bytes = reader.string()?;
    Ok(present.then_some(bytes))
}

fn open_request(reader: &mut Reader<'_>) -> Result<ChannelOpenRequest, Fault> {
    // Which channel it is about is all that an answer needs.
    Ok(ChannelOpenRequest { channel_type: ChannelType::Session, id: ChannelId(reader.uint32()?) })
}

fn channel_type(reader: &mut Reader<'_>) -> Result<ChannelType, Fault> {
    Ok(match (reader.string()?, reader.string()?) {
        (b"session", b"") => ChannelType::Session,
        (name, data) => ChannelType::Other { name: name.to_vec(), data: data.to_vec() },
    })
}

/// A number of items, then the items; no room is made for a number.
fn read_list<'a, T>(
    reader: &mut Reader<'a>,
    item: impl Fn(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut items = Vec::new();
    for _ in 0..reader.uint32()? {
        items.push(item(reader)?);
    }
    Ok(items)
}

pub(super) fn write_method(writer: &mut Writer<'_>, method: &AuthMethod) {
    match method {
        AuthMethod::None => writer.byte(0),
        AuthMethod::Password(password) => {
            writer.byte(1);
            writer.string(password.expose());
        }
        AuthMethod::PasswordChange { old, new } => {
            writer.byte(2);
            writer.string(old.expose());
            writer.string(new.expose());
        }
        AuthMethod::PublicKey(key) => {
            writer.byte(3);
            writer.string(key.blob());
        }
        AuthMethod::KeyboardInteractive { submethods } => {
            writer.byte(4);
            writer.string(submethods.as_bytes());
        }
        AuthMethod::HostBased { key, host_name, user_name } => {
            writer.byte(5);
            writer.string(key.blob());
            writer.string(host_name.as_bytes());
            writer.string(user_name.as_bytes());
        }
    }
}

fn read_method(reader: &mut Reader<'_>) -> Result<AuthMethod, Fault> {
    let secret = |reader: &mut Reader<'_>| Ok::<_, Fault>(SecretBytes::copied_from(reader.string()?));
    Ok(match reader.byte()? {
        0 => AuthMethod::None,
        1 => AuthMethod::Password(secret(reader)?),
        2 => AuthMethod::PasswordChange { old: secret(reader)?, new: secret(reader)? },
        3 => AuthMethod::PublicKey(read_key(reader)?),
        4 => AuthMethod::KeyboardInteractive { submethods: text(reader)?.into() },
        5 => AuthMethod::HostBased {
            key: read_key(reader)?,
            host_name: text(reader)?.into(),
            user_name: text(reader)?.into(),
        },
        _ => return Err(Fault::Malformed),
    })
}

fn read_key(reader: &mut Reader<'_>) -> Result<PublicKey, Fault> {
    PublicKey::from_blob(reader.string()?).map_err(|_| Fault::Malformed)
}

pub(super) fn write_auth_answer(writer: &mut Writer<'_>, answer: &AuthAnswer) {
    match answer {
        AuthAnswer::Accept => writer.byte(0),
        AuthAnswer::Reject => writer.byte(1),
        AuthAnswer::Partial { methods_that_can_continue } => {
            writer.byte(2);
            write_count(writer, methods_that_can_continue.len());
            methods_that_can_continue.iter().for_each(|method| writer.string(method.as_bytes()));
        }
        AuthAnswer::Prompts { name, instruction, prompts } => {
            writer.byte(3);
            writer.string(name.as_bytes());
            writer.string(instruction.as_bytes());
            write_count(writer, prompts.len());
            for prompt in prompts {
                writer.string(prompt.prompt.as_bytes());
                writer.boolean(prompt.echo);
            }
        }
        AuthAnswer::ChangePassword { prompt } => {
            writer.byte(4);
            writer.string(prompt.as_bytes());
        }
    }
}

fn read_auth_answer(reader: &mut Reader<'_>) -> Result<AuthAnswer, Fault> {
    let owned = |reader: &mut Reader<'_>| Ok::<String, Fault>(text(reader)?.into());
    Ok(match reader.byte()? {
        0 => AuthAnswer::Accept,
        1 => AuthAnswer::Reject,
        2 => AuthAnswer::Partial { methods_that_can_continue: read_list(reader, owned)? },
        3 => AuthAnswer::Prompts {
            name: owned(reader)?,
            instruction: owned(reader)?,
            prompts: read_list(reader, |reader| {
                Ok(Prompt { prompt: Untrusted::new(reader.string()?), echo: reader.boolean()? })
            })?,
        },
        4 => AuthAnswer::ChangePassword { prompt: owned(reader)? },
        _ => return Err(Fault::Malformed),
    })
}

pub(super) fn write_optional(writer: &mut Writer<'_>, bytes: Option<&[u8]>) {
    writer.boolean(bytes.is_some());
    writer.string(bytes.unwrap_or_default());
}

pub(super) fn write_count(writer: &mut Writer<'_>, count: usize) {
    writer.uint32(u32::try_from(count).unwrap_or(u32::MAX));
}
