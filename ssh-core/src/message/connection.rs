//! Messages of the connection protocol (RFC 4254).

use super::{Rest, messages};

messages! {
    /// A request that concerns no channel (RFC 4254 §4).
    GlobalRequest<'a> = GLOBAL_REQUEST {
        /// `tcpip-forward`, say.
        request_name: &'a [u8],
        /// Whether an answer is expected.
        want_reply: bool,
        /// The request's own fields.
        request_fields: Rest<'a>,
    }

    /// Grants the oldest unanswered global request (RFC 4254 §4).
    RequestSuccess<'a> = REQUEST_SUCCESS {
        /// The answer's own fields.
        response_fields: Rest<'a>,
    }

    /// Refuses the oldest unanswered global request (RFC 4254 §4).
    RequestFailure = REQUEST_FAILURE {}

    /// Asks for a channel (RFC 4254 §5.1).
    ChannelOpen<'a> = CHANNEL_OPEN {
        /// `session`, say.
        channel_type: &'a [u8],
        /// The sender's number for the channel.
        sender_channel: u32,
        /// How many bytes may be sent to the sender.
        initial_window_size: u32,
        /// How many of them in one message.
        maximum_packet_size: u32,
        /// The type's own fields.
        type_fields: Rest<'a>,
    }

    /// The channel is open (RFC 4254 §5.1).
    ChannelOpenConfirmation<'a> = CHANNEL_OPEN_CONFIRMATION {
        /// The recipient's number for the channel.
        recipient_channel: u32,
        /// The sender's number for the channel.
        sender_channel: u32,
        /// How many bytes may be sent to the sender.
        initial_window_size: u32,
        /// How many of them in one message.
        maximum_packet_size: u32,
        /// The type's own fields.
        type_fields: Rest<'a>,
    }

    /// The channel is not opened (RFC 4254 §5.1).
    ChannelOpenFailure<'a> = CHANNEL_OPEN_FAILURE {
        /// The recipient's number for the channel.
        recipient_channel: u32,
        /// A [`ChannelOpenFailureReason`](crate::wire::ChannelOpenFailureReason).
        reason_code: u32,
        /// Text for a person.
        description: &'a [u8],
        /// RFC 3066 tag of the text's language; usually empty.
        language_tag: &'a [u8],
    }

    /// Lets the recipient send more (RFC 4254 §5.2).
    ChannelWindowAdjust = CHANNEL_WINDOW_ADJUST {
        /// The recipient's number for the channel.
        recipient_channel: u32,
        /// How many bytes more.
        bytes_to_add: u32,
    }

    /// Bytes of the ordinary stream (RFC 4254 §5.2).
    ChannelData<'a> = CHANNEL_DATA {
        /// The recipient's number for the channel.
        recipient_channel: u32,
        /// The bytes.
        data: &'a [u8],
    }

    /// Bytes of another stream (RFC 4254 §5.2).
    ChannelExtendedData<'a> = CHANNEL_EXTENDED_DATA {
        /// The recipient's number for the channel.
        recipient_channel: u32,
        /// A [`DataStream`](crate::wire::DataStream).
        data_type_code: u32,
        /// The bytes.
        data: &'a [u8],
    }

    /// No more bytes will come (RFC 4254 §5.3).
    ChannelEof = CHANNEL_EOF {
        /// The recipient's number for the channel.
        recipient_channel: u32,
    }

    /// The channel is over (RFC 4254 §5.3).
    ChannelClose = CHANNEL_CLOSE {
        /// The recipient's number for the channel.
        recipient_channel: u32,
    }

    /// A request that concerns one channel (RFC 4254 §5.4).
    ChannelRequest<'a> = CHANNEL_REQUEST {
        /// The recipient's number for the channel.
        recipient_channel: u32,
        /// `exec`, say.
        request_type: &'a [u8],
        /// Whether an answer is expected.
        want_reply: bool,
        /// The request's own fields.
        request_fields: Rest<'a>,
    }

    /// Grants the channel's oldest unanswered request (RFC 4254 §5.4).
    ChannelSuccess = CHANNEL_SUCCESS {
        /// The recipient's number for the channel.
        recipient_channel: u32,
    }

    /// Refuses the channel's oldest unanswered request (RFC 4254 §5.4).
    ChannelFailure = CHANNEL_FAILURE {
        /// The recipient's number for the channel.
        recipient_channel: u32,
    }
}
