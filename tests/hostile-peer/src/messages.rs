//! Every message as a payload: with its fields, and in a minimal form that is valid.

use crate::codec::{name_list, string, strings};

fn message(number: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[number], &parts.concat()[..]].concat()
}

/// `SSH_MSG_DISCONNECT`
pub fn disconnect(reason: u32, description: &str) -> Vec<u8> {
    message(1, &[&reason.to_be_bytes(), &string(description), &string("")])
}

/// `SSH_MSG_IGNORE`
pub fn ignore(data: &[u8]) -> Vec<u8> {
    message(2, &[&string(data)])
}

/// `SSH_MSG_UNIMPLEMENTED`
pub fn unimplemented(sequence_number: u32) -> Vec<u8> {
    message(3, &[&sequence_number.to_be_bytes()])
}

/// `SSH_MSG_DEBUG`
pub fn debug(text: &str) -> Vec<u8> {
    message(4, &[&[1], &string(text), &string("")])
}

/// `SSH_MSG_SERVICE_REQUEST`
pub fn service_request(name: &str) -> Vec<u8> {
    message(5, &[&string(name)])
}

/// `SSH_MSG_SERVICE_ACCEPT`
pub fn service_accept(name: &str) -> Vec<u8> {
    message(6, &[&string(name)])
}

/// `SSH_MSG_EXT_INFO`
pub fn ext_info(extensions: &[(&str, &str)]) -> Vec<u8> {
    let pairs: Vec<u8> = extensions.iter().flat_map(|(name, value)| strings(&[name, value])).collect();
    message(7, &[&(extensions.len() as u32).to_be_bytes(), &pairs])
}

/// `SSH_MSG_NEWKEYS`
pub fn newkeys() -> Vec<u8> {
    vec![21]
}

/// `SSH_MSG_KEX_ECDH_INIT`
pub fn kex_ecdh_init(client_value: &[u8]) -> Vec<u8> {
    message(30, &[&string(client_value)])
}

/// `SSH_MSG_KEX_ECDH_REPLY`
pub fn kex_ecdh_reply(host_key: &[u8], server_value: &[u8], signature: &[u8]) -> Vec<u8> {
    message(31, &[&strings(&[host_key, server_value, signature])])
}

/// `SSH_MSG_USERAUTH_REQUEST` for `ssh-connection`.
pub fn userauth_request(user: &str, method: &str, fields: &[u8]) -> Vec<u8> {
    message(50, &[&strings(&[user, "ssh-connection", method]), fields])
}

/// `SSH_MSG_USERAUTH_REQUEST` with a password.
pub fn password_request(user: &str, password: &str) -> Vec<u8> {
    userauth_request(user, "password", &[&[0], &string(password)[..]].concat())
}

/// `SSH_MSG_USERAUTH_FAILURE`
pub fn userauth_failure(methods: &[&str], partial_success: bool) -> Vec<u8> {
    message(51, &[&name_list(methods), &[u8::from(partial_success)]])
}

/// `SSH_MSG_USERAUTH_SUCCESS`
pub fn userauth_success() -> Vec<u8> {
    vec![52]
}

/// `SSH_MSG_USERAUTH_BANNER`
pub fn userauth_banner(text: &str) -> Vec<u8> {
    message(53, &[&strings(&[text, ""])])
}

/// `SSH_MSG_USERAUTH_PK_OK`
pub fn userauth_pk_ok(algorithm: &str, key: &[u8]) -> Vec<u8> {
    message(60, &[&strings(&[algorithm.as_bytes(), key])])
}

/// `SSH_MSG_USERAUTH_PASSWD_CHANGEREQ`
pub fn userauth_passwd_changereq(prompt: &str) -> Vec<u8> {
    message(60, &[&strings(&[prompt, ""])])
}

/// `SSH_MSG_USERAUTH_INFO_REQUEST`; prompts with whether their answer may be seen.
pub fn userauth_info_request(prompts: &[(&str, bool)]) -> Vec<u8> {
    let each = prompts.iter().flat_map(|(prompt, echo)| [string(prompt), vec![u8::from(*echo)]].concat());
    let fields: Vec<u8> = each.collect();
    message(60, &[&strings(&["", "", ""]), &(prompts.len() as u32).to_be_bytes(), &fields])
}

/// `SSH_MSG_USERAUTH_INFO_RESPONSE`
pub fn userauth_info_response(responses: &[&str]) -> Vec<u8> {
    message(61, &[&(responses.len() as u32).to_be_bytes(), &strings(responses)])
}

/// `SSH_MSG_GLOBAL_REQUEST`
pub fn global_request(name: &str, want_reply: bool, fields: &[u8]) -> Vec<u8> {
    message(80, &[&string(name), &[u8::from(want_reply)], fields])
}

/// `SSH_MSG_REQUEST_SUCCESS`
pub fn request_success(fields: &[u8]) -> Vec<u8> {
    message(81, &[fields])
}

/// `SSH_MSG_REQUEST_FAILURE`
pub fn request_failure() -> Vec<u8> {
    vec![82]
}

/// `SSH_MSG_CHANNEL_OPEN`
pub fn channel_open(kind: &str, sender: u32, window: u32, packet: u32, fields: &[u8]) -> Vec<u8> {
    let [sender, window, packet] = [sender, window, packet].map(u32::to_be_bytes);
    message(90, &[&string(kind), &sender, &window, &packet, fields])
}

/// `SSH_MSG_CHANNEL_OPEN_CONFIRMATION`
pub fn channel_open_confirmation(recipient: u32, sender: u32, window: u32, packet: u32) -> Vec<u8> {
    let fields = [recipient, sender, window, packet].map(u32::to_be_bytes).concat();
    message(91, &[&fields])
}

/// `SSH_MSG_CHANNEL_OPEN_FAILURE`
pub fn channel_open_failure(recipient: u32, reason: u32, description: &str) -> Vec<u8> {
    message(92, &[&recipient.to_be_bytes(), &reason.to_be_bytes(), &strings(&[description, ""])])
}

/// `SSH_MSG_CHANNEL_WINDOW_ADJUST`
pub fn channel_window_adjust(recipient: u32, bytes_to_add: u32) -> Vec<u8> {
    message(93, &[&recipient.to_be_bytes(), &bytes_to_add.to_be_bytes()])
}

/// `SSH_MSG_CHANNEL_DATA`
pub fn channel_data(recipient: u32, data: &[u8]) -> Vec<u8> {
    message(94, &[&recipient.to_be_bytes(), &string(data)])
}

/// `SSH_MSG_CHANNEL_EXTENDED_DATA`
pub fn channel_extended_data(recipient: u32, stream: u32, data: &[u8]) -> Vec<u8> {
    message(95, &[&recipient.to_be_bytes(), &stream.to_be_bytes(), &string(data)])
}

/// `SSH_MSG_CHANNEL_EOF`
pub fn channel_eof(recipient: u32) -> Vec<u8> {
    message(96, &[&recipient.to_be_bytes()])
}

/// `SSH_MSG_CHANNEL_CLOSE`
pub fn channel_close(recipient: u32) -> Vec<u8> {
    message(97, &[&recipient.to_be_bytes()])
}

/// `SSH_MSG_CHANNEL_REQUEST`
pub fn channel_request(recipient: u32, kind: &str, want_reply: bool, fields: &[u8]) -> Vec<u8> {
    message(98, &[&recipient.to_be_bytes(), &string(kind), &[u8::from(want_reply)], fields])
}

/// `SSH_MSG_CHANNEL_SUCCESS`
pub fn channel_success(recipient: u32) -> Vec<u8> {
    message(99, &[&recipient.to_be_bytes()])
}

/// `SSH_MSG_CHANNEL_FAILURE`
pub fn channel_failure(recipient: u32) -> Vec<u8> {
    message(100, &[&recipient.to_be_bytes()])
}

/// `SSH2_MSG_PING`
pub fn ping(data: &[u8]) -> Vec<u8> {
    message(192, &[&string(data)])
}

/// `SSH2_MSG_PONG`
pub fn pong(data: &[u8]) -> Vec<u8> {
    message(193, &[&string(data)])
}

/// A valid message of this number that concerns `channel` where it concerns one. For a number that no RFC gives a form
/// it is the number alone. 20 is [`KexInit`](crate::KexInit)'s; 60 is a question.
pub fn minimal(number: u8, channel: u32) -> Vec<u8> {
    match number {
        1 => disconnect(11, ""),
        2 => ignore(b"data"),
        3 => unimplemented(0),
        4 => debug("text"),
        5 => service_request("ssh-userauth"),
        6 => service_accept("ssh-userauth"),
        7 => ext_info(&[]),
        30 => kex_ecdh_init(&BASEPOINT),
        31 => kex_ecdh_reply(b"key", &BASEPOINT, b"signature"),
        50 => userauth_request("root", "none", b""),
        51 => userauth_failure(&["password"], false),
        53 => userauth_banner("banner"),
        60 => userauth_info_request(&[]),
        61 => userauth_info_response(&[]),
        80 => global_request("tcpip-forward", true, b""),
        90 => channel_open("session", channel, 0, 0, b""),
        91 => channel_open_confirmation(channel, 0, 0, 0),
        92 => channel_open_failure(channel, 0, ""),
        93 => channel_window_adjust(channel, 0),
        94 => channel_data(channel, b"data"),
        95 => channel_extended_data(channel, 1, b"data"),
        96 => channel_eof(channel),
        97 => channel_close(channel),
        98 => channel_request(channel, "exec", true, &string("id")),
        99 => channel_success(channel),
        100 => channel_failure(channel),
        192 => ping(b"data"),
        193 => pong(b"data"),
        _ => vec![number],
    }
}

/// The basepoint of X25519: a public value that is as good as any other.
pub const BASEPOINT: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 9;
    point
};
