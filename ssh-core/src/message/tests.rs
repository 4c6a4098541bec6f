use super::*;
use core::fmt;
use std::vec::Vec;

/// Decodes what was encoded, and refuses every prefix and every excess byte.
fn check<'a, M>(message: &M, payload: &'a [u8], open_ended: bool)
where
    M: Message + DecodeMessage<'a> + PartialEq + fmt::Debug,
{
    let (&number, body) = payload.split_first().expect("a number");
    assert_eq!(number, M::NUMBER.0);
    assert_eq!(M::decode(body).as_ref(), Ok(message));
    if !open_ended {
        for length in 0..body.len() {
            assert!(M::decode(&body[..length]).is_err(), "{length} bytes of {message:?}");
        }
    }
}

macro_rules! round_trip {
    ($message:expr) => {
        round_trip!($message, false)
    };
    ($message:expr, $open_ended:expr) => {{
        let message = $message;
        let payload: Vec<u8> = message.to_payload();
        check(&message, &payload, $open_ended);
    }};
}

#[test]
fn every_message_survives_and_refuses_truncation() {
    let list = NameList::new(b"a,b").expect("a list");
    round_trip!(Disconnect { reason_code: 2, description: b"why", language_tag: b"" });
    round_trip!(Ignore { data: b"x" });
    round_trip!(Unimplemented { packet_sequence_number: 7 });
    round_trip!(Debug { always_display: true, message: b"m", language_tag: b"en" });
    round_trip!(ServiceRequest { service_name: b"ssh-userauth" });
    round_trip!(ServiceAccept { service_name: b"ssh-userauth" });
    round_trip!(ExtInfo { nr_extensions: 1, extensions: Rest(b"rest") }, true);
    round_trip!(KexInit {
        cookie: [9; 16],
        kex_algorithms: list,
        server_host_key_algorithms: list,
        encryption_algorithms_client_to_server: list,
        encryption_algorithms_server_to_client: list,
        mac_algorithms_client_to_server: list,
        mac_algorithms_server_to_client: list,
        compression_algorithms_client_to_server: list,
        compression_algorithms_server_to_client: list,
        languages_client_to_server: NameList::default(),
        languages_server_to_client: NameList::default(),
        first_kex_packet_follows: false,
        reserved: 0,
    });
    round_trip!(NewKeys {});
    round_trip!(Ping { data: b"p" });
    round_trip!(Pong { data: b"p" });
    round_trip!(
        UserauthRequest {
            user_name: b"u",
            service_name: b"ssh-connection",
            method_name: b"none",
            method_fields: Rest(b"")
        },
        true
    );
    round_trip!(UserauthFailure { authentications_that_can_continue: list, partial_success: true });
    round_trip!(UserauthSuccess {});
    round_trip!(UserauthBanner { message: b"hi", language_tag: b"" });
    round_trip!(UserauthPkOk { public_key_algorithm_name: b"a", public_key_blob: b"b" });
    round_trip!(UserauthPasswdChangereq { prompt: b"a", language_tag: b"b" });
    round_trip!(
        UserauthInfoRequest { name: b"", instruction: b"", language_tag: b"", num_prompts: 1, prompts: Rest(b"x") },
        true
    );
    round_trip!(UserauthInfoResponse { num_responses: 0, responses: Rest(b"") }, true);
    round_trip!(GlobalRequest { request_name: b"r", want_reply: true, request_fields: Rest(b"x") }, true);
    round_trip!(RequestSuccess { response_fields: Rest(b"x") }, true);
    round_trip!(RequestFailure {});
    round_trip!(
        ChannelOpen {
            channel_type: b"session",
            sender_channel: 1,
            initial_window_size: 2,
            maximum_packet_size: 3,
            type_fields: Rest(b"")
        },
        true
    );
    round_trip!(
        ChannelOpenConfirmation {
            recipient_channel: 0,
            sender_channel: 1,
            initial_window_size: 2,
            maximum_packet_size: 3,
            type_fields: Rest(b"")
        },
        true
    );
    round_trip!(ChannelOpenFailure { recipient_channel: 0, reason_code: 1, description: b"d", language_tag: b"" });
    round_trip!(ChannelWindowAdjust { recipient_channel: 0, bytes_to_add: u32::MAX });
    round_trip!(ChannelData { recipient_channel: 0, data: b"data" });
    round_trip!(ChannelExtendedData { recipient_channel: 0, data_type_code: 1, data: b"data" });
    round_trip!(ChannelEof { recipient_channel: 0 });
    round_trip!(ChannelClose { recipient_channel: 0 });
    round_trip!(
        ChannelRequest { recipient_channel: 0, request_type: b"exec", want_reply: true, request_fields: Rest(b"") },
        true
    );
    round_trip!(ChannelSuccess { recipient_channel: 0 });
    round_trip!(ChannelFailure { recipient_channel: 0 });
}

#[test]
fn trailing_bytes_are_refused() {
    assert_eq!(ChannelEof::decode(&[0, 0, 0, 1, 9]), Err(DecodeError::TrailingBytes));
    assert_eq!(NewKeys::decode(&[0]), Err(DecodeError::TrailingBytes));
}
