//! What an adapter adds: mailboxes, whole commands, logins, connections inside of channels.

use alloc::{string::ToString, vec};

use ssh_core::adapter::{Communication, Inbox};
use ssh_core::key::PrivateKey;
use ssh_core::login::{Conversation, Step};
use ssh_core::random::ChaChaRandom;
use ssh_core::wire::DataStream;
use ssh_core::*;

use crate::consider;

/// Sorts what a client hears.
#[unsafe(no_mangle)]
pub extern "C" fn client_inbox(inbox: &mut Inbox<ClientRole>, buffer: &mut &mut [u8], request: &ChannelRequest) {
    consider(inbox.login_event());
    if let Some(keys) = inbox.announced_host_keys() {
        consider(inbox.prove_host_keys(&keys));
    }
    consider(inbox.host_keys_proven());
    use_inbox(inbox, buffer, request);
}

/// Sorts what a server hears.
#[unsafe(no_mangle)]
pub extern "C" fn server_inbox(
    inbox: &mut Inbox<ServerRole>,
    buffer: &mut &mut [u8],
    request: &ChannelRequest,
    keys: &&[PrivateKey],
    random: &mut ChaChaRandom,
) {
    match inbox.events.pop_front() {
        Some(ServerEvent::Sign(request)) => inbox.sign(request, keys, random),
        Some(ServerEvent::ChannelOpen(request)) => consider(inbox.accept_session(request, None)),
        event => consider(event),
    }
    use_inbox(inbox, buffer, request);
}

fn use_inbox<R: Role>(inbox: &mut Inbox<R>, buffer: &mut [u8], request: &ChannelRequest) {
    while let Some(concern) = inbox.poll() {
        consider(concern);
    }
    let Some(Ok(id)) = inbox.open_channel(&ChannelType::Session) else { return };
    if let Some(Err(error)) = inbox.opened(id) {
        consider(error.to_string());
    }
    if let Some(Ok(Some(asked))) = inbox.request(id, request, true) {
        consider(inbox.reply(id, asked, request));
    }
    consider(Communication::new(id, buffer, buffer.len()).advance(inbox));
    consider(inbox.write(id, DataStream::STDOUT, buffer));
    consider(inbox.read(id, DataStream::STDERR, buffer));
    consider(inbox.next_request(id));
    inbox.send_eof(id);
    inbox.close(id);
    consider(inbox.exit(id).map(|exit| exit.code()));
    consider(inbox.ended(id));
    inbox.release(id);
}

/// Logs a client in, as far as one event carries it.
#[unsafe(no_mangle)]
pub extern "C" fn log_in(login: &mut Conversation, client: &mut Client, random: &mut ChaChaRandom, answer: &&[u8]) {
    let secret = || Some(SecretBytes::copied_from(answer));
    while let Some(event) = client.poll_event() {
        let step = match login.handle(client, random, event) {
            Step::AskPassword { .. } => login.give_password(client, secret()),
            Step::AskNewPassword(_) => login.give_new_password(client, secret()),
            Step::AskAnswers => login.give_answers(client, secret().map(|answer| vec![answer])),
            step => step,
        };
        if let Step::Failed(error) = step {
            consider(error.to_string());
        }
    }
    consider(login.unanswered());
}

/// Runs a connection inside of a channel of another.
#[unsafe(no_mangle)]
pub extern "C" fn splice_inner(channel: &mut Channel<'_>, inner: &mut Client) -> bool {
    splice(channel, inner)
}
