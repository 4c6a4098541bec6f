//! Every message as a line, and what is never in one.

use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use super::*;
use crate::message::{self, Message, Rest};
use crate::wire::{NameList, Writer};

fn transcript() -> Transcript {
    Transcript::new(100, Timestamp::from_micros(7))
}

/// The line of a payload that was received first.
fn line(payload: &[u8]) -> String {
    let mut transcript = transcript();
    transcript.note(Direction::Received, 0, payload);
    transcript.take().expect("an entry").to_string()
}

/// The body that `write` writes, after a number.
fn payload(number: u8, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = vec![number];
    write(&mut Writer::new(&mut out));
    out
}

fn request(method: &str, fields: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    payload(50, |writer| {
        ["alice", "ssh-connection", method].iter().for_each(|text| writer.string(text.as_bytes()));
        fields(writer);
    })
}

#[test]
fn messages_of_the_transport() {
    assert_eq!(line(&message::NewKeys {}.to_payload()), "< 0 NEWKEYS");
    assert_eq!(
        line(&message::Disconnect { reason_code: 2, description: b"a\x1b[2J\"", language_tag: b"" }.to_payload()),
        "< 0 DISCONNECT reason_code=PROTOCOL_ERROR description=\"a\\u{1b}[2J\"\""
    );
    assert_eq!(line(&message::Ignore { data: b"abc" }.to_payload()), "< 0 IGNORE data=(3 bytes)");
    assert_eq!(
        line(&message::Unimplemented { packet_sequence_number: 9 }.to_payload()),
        "< 0 UNIMPLEMENTED packet_sequence_number=9"
    );
    assert_eq!(
        line(&message::Debug { always_display: true, message: b"hi", language_tag: b"" }.to_payload()),
        "< 0 DEBUG always_display=true message=\"hi\""
    );
    assert_eq!(
        line(&message::ServiceRequest { service_name: b"ssh-userauth" }.to_payload()),
        "< 0 SERVICE_REQUEST service_name=\"ssh-userauth\""
    );
    assert_eq!(
        line(&message::ServiceAccept { service_name: b"ssh-userauth" }.to_payload()),
        "< 0 SERVICE_ACCEPT service_name=\"ssh-userauth\""
    );
    let extensions = payload(7, |writer| {
        writer.uint32(1);
        writer.string(b"server-sig-algs");
        writer.string(b"ssh-ed25519");
    });
    assert_eq!(line(&extensions), "< 0 EXT_INFO extension_name=\"server-sig-algs\" extension_value=\"ssh-ed25519\"");
    assert_eq!(line(&message::Ping { data: b"12" }.to_payload()), "< 0 PING data=(2 bytes)");
    assert_eq!(line(&message::Pong { data: b"1" }.to_payload()), "< 0 PONG data=(1 bytes)");
    assert_eq!(line(&[30, 1, 2]), "< 0 KEX_ECDH_INIT fields=(2 bytes)");
    assert_eq!(line(&[150]), "< 0 number 150 fields=(0 bytes)");
}

#[test]
fn a_kexinit_is_the_same_in_every_session() {
    let kexinit = |cookie| {
        let list = |text| NameList::new(text).expect("names");
        line(
            &message::KexInit {
                cookie: [cookie; 16],
                kex_algorithms: list(b"curve25519-sha256,ext-info-c"),
                server_host_key_algorithms: list(b"ssh-ed25519"),
                encryption_algorithms_client_to_server: list(b"aes128-ctr"),
                encryption_algorithms_server_to_client: list(b"aes256-ctr"),
                mac_algorithms_client_to_server: list(b"hmac-sha2-256"),
                mac_algorithms_server_to_client: list(b"hmac-sha2-512"),
                compression_algorithms_client_to_server: list(b"none"),
                compression_algorithms_server_to_client: list(b"none"),
                languages_client_to_server: list(b""),
                languages_server_to_client: list(b""),
                first_kex_packet_follows: true,
                reserved: 0,
            }
            .to_payload(),
        )
    };
    assert_eq!(
        kexinit(1),
        "< 0 KEXINIT kex_algorithms=\"curve25519-sha256,ext-info-c\" server_host_key_algorithms=\"ssh-ed25519\" \
         encryption_algorithms_client_to_server=\"aes128-ctr\" encryption_algorithms_server_to_client=\"aes256-ctr\" \
         mac_algorithms_client_to_server=\"hmac-sha2-256\" mac_algorithms_server_to_client=\"hmac-sha2-512\" \
         compression_algorithms_client_to_server=\"none\" compression_algorithms_server_to_client=\"none\" \
         first_kex_packet_follows=true"
    );
    assert_eq!(kexinit(1), kexinit(2));
}

#[test]
fn secrets_are_hidden() {
    let password = request("password", |writer| {
        writer.boolean(false);
        writer.string(b"hunter2");
    });
    let who = "user_name=\"alice\" service_name=\"ssh-connection\"";
    assert_eq!(line(&password), format!("< 0 USERAUTH_REQUEST {who} method_name=\"password\" password=(hidden)"));
    let change = request("password", |writer| {
        writer.boolean(true);
        writer.string(b"hunter2");
        writer.string(b"hunter3");
    });
    assert_eq!(
        line(&change),
        format!("< 0 USERAUTH_REQUEST {who} method_name=\"password\" new_password=(hidden) password=(hidden)")
    );
    let other = request("vendor", |writer| writer.string(b"hunter2"));
    assert_eq!(line(&other), format!("< 0 USERAUTH_REQUEST {who} method_name=\"vendor\" method_fields=(hidden)"));
    assert_eq!(line(&request("none", |_| ())), format!("< 0 USERAUTH_REQUEST {who} method_name=\"none\""));
    let answers = payload(61, |writer| {
        writer.uint32(1);
        writer.string(b"hunter2");
    });
    assert_eq!(line(&answers), "< 0 USERAUTH_INFO_RESPONSE num_responses=1 responses=(hidden)");
    // Cut off, a password is one all the same.
    for length in 0..password.len() {
        assert!(!line(&password[..=length]).contains("hunter"));
    }
    assert_eq!(line(&[70, b'h', b'u']), "< 0 number 70 fields=(hidden)");
}

/// 60 and 61 mean what the request before them makes them.
#[test]
fn number_60_by_method() {
    let info = payload(60, |writer| {
        writer.string(b"title");
        writer.string(b"please");
        writer.string(b"");
        writer.uint32(1);
        writer.string(b"Code: ");
        writer.boolean(false);
    });
    let two = |first: &str, second: &str| {
        payload(60, |writer| {
            writer.string(first.as_bytes());
            writer.string(second.as_bytes());
        })
    };
    let offer = request("publickey", |writer| {
        writer.boolean(false);
        writer.string(b"ssh-ed25519");
        writer.string(b"blob");
    });
    let password = request("password", |writer| {
        writer.boolean(false);
        writer.string(b"x");
    });
    let interactive = request("keyboard-interactive", |writer| {
        writer.string(b"");
        writer.string(b"pam");
    });
    for (request, answer, expected) in [
        (
            &offer,
            two("ssh-ed25519", "blob"),
            "< 4 USERAUTH_PK_OK public_key_algorithm_name=\"ssh-ed25519\" public_key_blob=(4 bytes)",
        ),
        (&password, two("too old", ""), "< 4 USERAUTH_PASSWD_CHANGEREQ prompt=\"too old\""),
        (
            &interactive,
            info,
            "< 4 USERAUTH_INFO_REQUEST name=\"title\" instruction=\"please\" prompt=\"Code: \" echo=false",
        ),
        (&request("vendor", |_| ()), vec![60, 1], "< 4 USERAUTH_METHOD_60 fields=(hidden)"),
    ] {
        let mut transcript = transcript();
        transcript.note(Direction::Sent, 3, request);
        transcript.note(Direction::Received, 4, &answer);
        assert!(transcript.take().expect("an entry").to_string().starts_with("> 3 USERAUTH_REQUEST"));
        assert_eq!(transcript.take().expect("an entry").to_string(), expected);
    }
    let signed = request("publickey", |writer| {
        writer.boolean(true);
        ["ssh-ed25519", "blob", "signature"].iter().for_each(|text| writer.string(text.as_bytes()));
    });
    assert!(line(&signed).ends_with("public_key_blob=(4 bytes) signature=(9 bytes)"));
    let bound = request("publickey-hostbound-v00@openssh.com", |writer| {
        writer.boolean(true);
        ["ssh-ed25519", "blob", "host key", "signature"].iter().for_each(|text| writer.string(text.as_bytes()));
    });
    assert!(line(&bound).ends_with("public_key_blob=(4 bytes) server_host_key=(8 bytes) signature=(9 bytes)"));
    let by_host = request("hostbased", |writer| {
        let fields = ["ssh-ed25519", "blob", "client.example.", "me", "signature"];
        fields.iter().for_each(|text| writer.string(text.as_bytes()));
    });
    assert!(line(&by_host).ends_with(
        "public_key_blob=(4 bytes) client_host_name=\"client.example.\" client_user_name=\"me\" signature=(9 bytes)"
    ));
    assert!(line(&interactive).ends_with("method_name=\"keyboard-interactive\" submethods=\"pam\""));
    let list = NameList::new(b"publickey,password").expect("names");
    let failure = message::UserauthFailure { authentications_that_can_continue: list, partial_success: true };
    assert_eq!(
        line(&failure.to_payload()),
        "< 0 USERAUTH_FAILURE authentications_that_can_continue=\"publickey,password\" partial_success=true"
    );
    assert_eq!(line(&message::UserauthSuccess {}.to_payload()), "< 0 USERAUTH_SUCCESS");
    assert_eq!(
        line(&message::UserauthBanner { message: b"Hello\n", language_tag: b"" }.to_payload()),
        "< 0 USERAUTH_BANNER message=\"Hello\\u{a}\""
    );
}

#[test]
fn messages_of_the_connection() {
    let open = message::ChannelOpen {
        channel_type: b"direct-tcpip",
        sender_channel: 1,
        initial_window_size: 2,
        maximum_packet_size: 3,
        type_fields: Rest(b"abcd"),
    };
    assert_eq!(
        line(&open.to_payload()),
        "< 0 CHANNEL_OPEN channel_type=\"direct-tcpip\" sender_channel=1 initial_window_size=2 maximum_packet_size=3 \
         type_fields=(4 bytes)"
    );
    let confirmation = message::ChannelOpenConfirmation {
        recipient_channel: 1,
        sender_channel: 2,
        initial_window_size: 3,
        maximum_packet_size: 4,
        type_fields: Rest(b""),
    };
    assert_eq!(
        line(&confirmation.to_payload()),
        "< 0 CHANNEL_OPEN_CONFIRMATION recipient_channel=1 sender_channel=2 initial_window_size=3 maximum_packet_size=4"
    );
    let failure = |reason_code| message::ChannelOpenFailure {
        recipient_channel: 1,
        reason_code,
        description: b"no",
        language_tag: b"",
    };
    assert_eq!(
        line(&failure(1).to_payload()),
        "< 0 CHANNEL_OPEN_FAILURE recipient_channel=1 reason_code=ADMINISTRATIVELY_PROHIBITED description=\"no\""
    );
    assert!(line(&failure(77).to_payload()).contains("reason_code=77"));
    assert_eq!(
        line(&message::ChannelWindowAdjust { recipient_channel: 1, bytes_to_add: 5 }.to_payload()),
        "< 0 CHANNEL_WINDOW_ADJUST recipient_channel=1 bytes_to_add=5"
    );
    assert_eq!(
        line(&message::ChannelData { recipient_channel: 1, data: b"secret" }.to_payload()),
        "< 0 CHANNEL_DATA recipient_channel=1 data=(6 bytes)"
    );
    assert_eq!(
        line(&message::ChannelExtendedData { recipient_channel: 1, data_type_code: 1, data: b"no" }.to_payload()),
        "< 0 CHANNEL_EXTENDED_DATA recipient_channel=1 data_type_code=STDERR data=(2 bytes)"
    );
    assert_eq!(line(&message::ChannelEof { recipient_channel: 4 }.to_payload()), "< 0 CHANNEL_EOF recipient_channel=4");
    assert_eq!(
        line(&message::ChannelFailure { recipient_channel: 4 }.to_payload()),
        "< 0 CHANNEL_FAILURE recipient_channel=4"
    );
    let global =
        message::GlobalRequest { request_name: b"tcpip-forward", want_reply: true, request_fields: Rest(b"abc") };
    assert_eq!(
        line(&global.to_payload()),
        "< 0 GLOBAL_REQUEST request_name=\"tcpip-forward\" want_reply=true request_fields=(3 bytes)"
    );
    assert_eq!(
        line(&message::RequestSuccess { response_fields: Rest(b"1") }.to_payload()),
        "< 0 REQUEST_SUCCESS response_fields=(1 bytes)"
    );
    assert_eq!(line(&message::RequestFailure {}.to_payload()), "< 0 REQUEST_FAILURE");
}

#[test]
fn requests_on_a_channel() {
    let request = |name: &str, fields: &dyn Fn(&mut Writer<'_>)| {
        let payload = payload(98, |writer| {
            writer.uint32(0);
            writer.string(name.as_bytes());
            writer.boolean(false);
            fields(writer);
        });
        let line = line(&payload);
        let (head, tail) = line.split_once(" want_reply=false").expect("the head");
        assert_eq!(head, format!("< 0 CHANNEL_REQUEST recipient_channel=0 request_type=\"{name}\""));
        String::from(tail)
    };
    let size = |writer: &mut Writer<'_>| [80, 24, 0, 0].iter().for_each(|&n| writer.uint32(n));
    let pty = |writer: &mut Writer<'_>| {
        writer.string(b"xterm");
        size(writer);
        writer.string(b"\0");
    };
    assert_eq!(request("pty-req", &pty), " term=\"xterm\" columns=80 rows=24");
    assert_eq!(request("window-change", &size), " columns=80 rows=24");
    let env = |writer: &mut Writer<'_>| {
        writer.string(b"TOKEN");
        writer.string(b"secret");
    };
    assert_eq!(request("env", &env), " variable_name=\"TOKEN\" variable_value=(6 bytes)");
    assert_eq!(request("exec", &|writer| writer.string(b"id")), " command=(2 bytes)");
    assert_eq!(request("subsystem", &|writer| writer.string(b"sftp")), " subsystem_name=\"sftp\"");
    assert_eq!(request("signal", &|writer| writer.string(b"TERM")), " signal_name=\"TERM\"");
    assert_eq!(request("exit-status", &|writer| writer.uint32(3)), " exit_status=3");
    let signal = |writer: &mut Writer<'_>| {
        writer.string(b"KILL");
        writer.boolean(true);
        writer.string(b"bye");
        writer.string(b"");
    };
    assert_eq!(request("exit-signal", &signal), " signal_name=\"KILL\" core_dumped=true error_message=\"bye\"");
    assert_eq!(request("x11-req", &|writer| writer.string(b"cookie")), " request_fields=(10 bytes)");
    assert_eq!(request("shell", &|_| ()), "");
}

/// Whatever the bytes, there is an entry, and it says what is wrong.
#[test]
fn malformed_messages_are_entries() {
    for number in 0..=255 {
        for length in 0..6 {
            let payload = [&[number][..], &vec![0xff; length]].concat();
            assert!(line(&payload).starts_with("< 0 "));
        }
    }
    assert_eq!(line(&[94, 1]), "< 0 CHANNEL_DATA malformed=(1 bytes)");
    assert!(transcript().take().is_none());
    let mut transcript = transcript();
    transcript.note(Direction::Sent, 0, &[]);
    assert!(transcript.take().is_none());
}

#[test]
fn entries_that_nobody_takes_are_counted() {
    let mut transcript = Transcript::new(2, Timestamp::ZERO);
    for sequence_number in 0..5 {
        transcript.set_time(Timestamp::from_micros(sequence_number.into()));
        transcript.note(Direction::Sent, sequence_number, &[21]);
    }
    let (first, second) = (transcript.take().expect("one"), transcript.take().expect("two"));
    assert_eq!((first.sequence_number, first.missed, second.missed), (0, 0, 0));
    assert_eq!((first.time, second.time), (Timestamp::ZERO, Timestamp::from_micros(1)));
    assert!(transcript.take().is_none());
    transcript.note(Direction::Received, 5, &[21]);
    assert_eq!(transcript.take().expect("one more").missed, 3);
}

/// A name-list of a KEXINIT may be long; what an entry keeps of a text is bounded.
#[test]
fn texts_are_cut() {
    let long = vec![b'x'; 100_000];
    let line = line(&message::ServiceRequest { service_name: &long }.to_payload());
    assert!(line.len() < Value::MAX_TEXT + 100, "{}", line.len());
}
