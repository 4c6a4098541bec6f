//! From a payload to the name and the fields that may be shown.

use alloc::vec::Vec;

use super::value::Value;
use crate::message::*;
use crate::wire::{ChannelOpenFailureReason, DataStream, DecodeError, DisconnectReason, MessageNumber, Reader};

type Fields = Vec<(&'static str, Value)>;

/// A message as it is shown.
pub(super) struct Description {
    pub(super) name: &'static str,
    pub(super) fields: Fields,
}

/// What earlier messages say about later ones: 60 and 61 mean what the method of authentication makes them.
#[derive(Default)]
pub(super) struct Context {
    method: Method,
}

#[derive(Clone, Copy, Default)]
enum Method {
    #[default]
    Other,
    Password,
    PublicKey,
    HostBased,
    KeyboardInteractive,
}

impl Context {
    /// Never fails: what cannot be read is shown as malformed.
    pub(super) fn describe(&mut self, number: MessageNumber, body: &[u8]) -> Description {
        if number == MessageNumber::USERAUTH_REQUEST {
            self.method = method_of(body);
        }
        let name = self.name(number);
        let mut fields = Fields::new();
        if self.fields(number, body, &mut fields).is_err() {
            fields = [("malformed", Value::Bytes(body.len()))].into();
        }
        Description { name, fields }
    }

    fn name(&self, number: MessageNumber) -> &'static str {
        match (number, self.method) {
            (MessageNumber::USERAUTH_METHOD_60, Method::PublicKey) => "USERAUTH_PK_OK",
            (MessageNumber::USERAUTH_METHOD_60, Method::Password) => "USERAUTH_PASSWD_CHANGEREQ",
            (MessageNumber::USERAUTH_METHOD_60, Method::KeyboardInteractive) => "USERAUTH_INFO_REQUEST",
            _ => number.name().unwrap_or("?"),
        }
    }

    fn fields(&self, number: MessageNumber, body: &[u8], fields: &mut Fields) -> Result<(), DecodeError> {
        match number.0 {
            80..=100 => connection(number, body, fields),
            50..=79 => self.authentication(number, body, fields),
            _ => transport(number, body, fields),
        }
    }

    fn authentication(&self, number: MessageNumber, body: &[u8], fields: &mut Fields) -> Result<(), DecodeError> {
        match (number, self.method) {
            (MessageNumber::USERAUTH_REQUEST, method) => return userauth_request(method, body, fields),
            (MessageNumber::USERAUTH_FAILURE, _) => {
                let message = UserauthFailure::decode(body)?;
                let methods = message.authentications_that_can_continue.as_str();
                fields.push(("authentications_that_can_continue", Value::text(methods.as_bytes())));
                fields.push(("partial_success", message.partial_success.into()));
            }
            (MessageNumber::USERAUTH_SUCCESS, _) => drop(UserauthSuccess::decode(body)?),
            (MessageNumber::USERAUTH_BANNER, _) => {
                fields.push(("message", Value::text(UserauthBanner::decode(body)?.message)));
            }
            (MessageNumber::USERAUTH_METHOD_60, Method::PublicKey) => {
                let message = UserauthPkOk::decode(body)?;
                fields.push(("public_key_algorithm_name", Value::text(message.public_key_algorithm_name)));
                fields.push(("public_key_blob", Value::Bytes(message.public_key_blob.len())));
            }
            (MessageNumber::USERAUTH_METHOD_60, Method::Password) => {
                fields.push(("prompt", Value::text(UserauthPasswdChangereq::decode(body)?.prompt)));
            }
            (MessageNumber::USERAUTH_METHOD_60, Method::KeyboardInteractive) => {
                let message = UserauthInfoRequest::decode(body)?;
                fields.push(("name", Value::text(message.name)));
                fields.push(("instruction", Value::text(message.instruction)));
                let mut reader = Reader::new(message.prompts.0);
                while reader.remaining() > 0 {
                    fields.push(("prompt", Value::text(reader.string()?)));
                    fields.push(("echo", reader.boolean()?.into()));
                }
            }
            (MessageNumber::USERAUTH_INFO_RESPONSE, _) => {
                fields.push(("num_responses", UserauthInfoResponse::decode(body)?.num_responses.into()));
                fields.push(("responses", Value::Hidden));
            }
            // Whatever it is, it may be a secret.
            _ => fields.push(("fields", Value::Hidden)),
        }
        Ok(())
    }
}

fn method_of(body: &[u8]) -> Method {
    match UserauthRequest::decode(body).map(|request| request.method_name) {
        Ok(b"password") => Method::Password,
        Ok(b"publickey" | b"publickey-hostbound-v00@openssh.com") => Method::PublicKey,
        Ok(b"keyboard-interactive") => Method::KeyboardInteractive,
        Ok(b"hostbased") => Method::HostBased,
        _ => Method::Other,
    }
}

/// RFC 4252 §5 and the methods' own fields.
fn userauth_request(method: Method, body: &[u8], fields: &mut Fields) -> Result<(), DecodeError> {
    let message = UserauthRequest::decode(body)?;
    fields.push(("user_name", Value::text(message.user_name)));
    fields.push(("service_name", Value::text(message.service_name)));
    fields.push(("method_name", Value::text(message.method_name)));
    let mut reader = Reader::new(message.method_fields.0);
    match method {
        Method::Password => {
            if reader.boolean()? {
                fields.push(("new_password", Value::Hidden));
            }
            fields.push(("password", Value::Hidden));
        }
        Method::PublicKey => {
            let signed = reader.boolean()?;
            fields.push(("public_key_algorithm_name", Value::text(reader.string()?)));
            fields.push(("public_key_blob", Value::Bytes(reader.string()?.len())));
            if message.method_name != b"publickey" {
                fields.push(("server_host_key", Value::Bytes(reader.string()?.len())));
            }
            if signed {
                fields.push(("signature", Value::Bytes(reader.string()?.len())));
            }
        }
        Method::KeyboardInteractive => {
            let _language_tag = reader.string()?;
            fields.push(("submethods", Value::text(reader.string()?)));
        }
        Method::HostBased => {
            fields.push(("public_key_algorithm_name", Value::text(reader.string()?)));
            fields.push(("public_key_blob", Value::Bytes(reader.string()?.len())));
            fields.push(("client_host_name", Value::text(reader.string()?)));
            fields.push(("client_user_name", Value::text(reader.string()?)));
            fields.push(("signature", Value::Bytes(reader.string()?.len())));
        }
        Method::Other if reader.remaining() > 0 => fields.push(("method_fields", Value::Hidden)),
        Method::Other => {}
    }
    Ok(())
}

/// 1 to 49, 192 and 193, and what nobody knows.
fn transport(number: MessageNumber, body: &[u8], fields: &mut Fields) -> Result<(), DecodeError> {
    match number {
        MessageNumber::DISCONNECT => {
            let message = Disconnect::decode(body)?;
            let reason = DisconnectReason(message.reason_code);
            fields.push(("reason_code", Value::registered(reason.0, reason.name())));
            fields.push(("description", Value::text(message.description)));
        }
        MessageNumber::IGNORE => fields.push(("data", Value::Bytes(Ignore::decode(body)?.data.len()))),
        MessageNumber::UNIMPLEMENTED => {
            fields.push(("packet_sequence_number", Unimplemented::decode(body)?.packet_sequence_number.into()));
        }
        MessageNumber::DEBUG => {
            let message = Debug::decode(body)?;
            fields.push(("always_display", message.always_display.into()));
            fields.push(("message", Value::text(message.message)));
        }
        MessageNumber::SERVICE_REQUEST => {
            fields.push(("service_name", Value::text(ServiceRequest::decode(body)?.service_name)));
        }
        MessageNumber::SERVICE_ACCEPT => {
            fields.push(("service_name", Value::text(ServiceAccept::decode(body)?.service_name)));
        }
        MessageNumber::EXT_INFO => {
            let mut reader = Reader::new(ExtInfo::decode(body)?.extensions.0);
            while reader.remaining() > 0 {
                fields.push(("extension_name", Value::text(reader.string()?)));
                fields.push(("extension_value", Value::text(reader.string()?)));
            }
        }
        MessageNumber::KEXINIT => kexinit(&KexInit::decode(body)?, fields),
        MessageNumber::NEWKEYS => drop(NewKeys::decode(body)?),
        MessageNumber::PING => fields.push(("data", Value::Bytes(Ping::decode(body)?.data.len()))),
        MessageNumber::PONG => fields.push(("data", Value::Bytes(Pong::decode(body)?.data.len()))),
        _ => fields.push(("fields", Value::Bytes(body.len()))),
    }
    Ok(())
}

/// RFC 4253 §7.1, without the cookie: it would be another in every session.
fn kexinit(message: &KexInit<'_>, fields: &mut Fields) {
    for (name, list) in [
        ("kex_algorithms", message.kex_algorithms),
        ("server_host_key_algorithms", message.server_host_key_algorithms),
        ("encryption_algorithms_client_to_server", message.encryption_algorithms_client_to_server),
        ("encryption_algorithms_server_to_client", message.encryption_algorithms_server_to_client),
        ("mac_algorithms_client_to_server", message.mac_algorithms_client_to_server),
        ("mac_algorithms_server_to_client", message.mac_algorithms_server_to_client),
        ("compression_algorithms_client_to_server", message.compression_algorithms_client_to_server),
        ("compression_algorithms_server_to_client", message.compression_algorithms_server_to_client),
    ] {
        fields.push((name, Value::text(list.as_str().as_bytes())));
    }
    fields.push(("first_kex_packet_follows", message.first_kex_packet_follows.into()));
}

/// 80 to 100.
fn connection(number: MessageNumber, body: &[u8], fields: &mut Fields) -> Result<(), DecodeError> {
    match number {
        MessageNumber::GLOBAL_REQUEST => {
            let message = GlobalRequest::decode(body)?;
            fields.push(("request_name", Value::text(message.request_name)));
            fields.push(("want_reply", message.want_reply.into()));
            rest("request_fields", message.request_fields, fields);
        }
        MessageNumber::REQUEST_SUCCESS => {
            rest("response_fields", RequestSuccess::decode(body)?.response_fields, fields);
        }
        MessageNumber::REQUEST_FAILURE => drop(RequestFailure::decode(body)?),
        MessageNumber::CHANNEL_OPEN => {
            let message = ChannelOpen::decode(body)?;
            fields.push(("channel_type", Value::text(message.channel_type)));
            fields.push(("sender_channel", message.sender_channel.into()));
            fields.push(("initial_window_size", message.initial_window_size.into()));
            fields.push(("maximum_packet_size", message.maximum_packet_size.into()));
            rest("type_fields", message.type_fields, fields);
        }
        _ => channel(number, body, fields)?,
    }
    Ok(())
}

/// 91 to 100: what concerns a channel that was asked for.
fn channel(number: MessageNumber, body: &[u8], fields: &mut Fields) -> Result<(), DecodeError> {
    fields.push(("recipient_channel", Reader::new(body).uint32()?.into()));
    match number {
        MessageNumber::CHANNEL_OPEN_CONFIRMATION => {
            let message = ChannelOpenConfirmation::decode(body)?;
            fields.push(("sender_channel", message.sender_channel.into()));
            fields.push(("initial_window_size", message.initial_window_size.into()));
            fields.push(("maximum_packet_size", message.maximum_packet_size.into()));
            rest("type_fields", message.type_fields, fields);
        }
        MessageNumber::CHANNEL_OPEN_FAILURE => {
            let message = ChannelOpenFailure::decode(body)?;
            let reason = ChannelOpenFailureReason(message.reason_code);
            fields.push(("reason_code", Value::registered(reason.0, reason.name())));
            fields.push(("description", Value::text(message.description)));
        }
        MessageNumber::CHANNEL_WINDOW_ADJUST => {
            fields.push(("bytes_to_add", ChannelWindowAdjust::decode(body)?.bytes_to_add.into()));
        }
        MessageNumber::CHANNEL_DATA => fields.push(("data", Value::Bytes(ChannelData::decode(body)?.data.len()))),
        MessageNumber::CHANNEL_EXTENDED_DATA => {
            let message = ChannelExtendedData::decode(body)?;
            let stream = DataStream(message.data_type_code);
            fields.push(("data_type_code", Value::registered(stream.0, stream.name())));
            fields.push(("data", Value::Bytes(message.data.len())));
        }
        MessageNumber::CHANNEL_REQUEST => {
            let message = ChannelRequest::decode(body)?;
            fields.push(("request_type", Value::text(message.request_type)));
            fields.push(("want_reply", message.want_reply.into()));
            request_fields(&message, fields)?;
        }
        // EOF, CLOSE, SUCCESS and FAILURE, which have nothing else.
        _ => drop(ChannelEof::decode(body)?),
    }
    Ok(())
}

/// RFC 4254 §6.2 to §6.10.
fn request_fields(message: &ChannelRequest<'_>, fields: &mut Fields) -> Result<(), DecodeError> {
    let mut reader = Reader::new(message.request_fields.0);
    match message.request_type {
        b"pty-req" => {
            fields.push(("term", Value::text(reader.string()?)));
            size(&mut reader, fields)?;
        }
        b"window-change" => size(&mut reader, fields)?,
        b"env" => {
            fields.push(("variable_name", Value::text(reader.string()?)));
            fields.push(("variable_value", Value::Bytes(reader.string()?.len())));
        }
        b"exec" => fields.push(("command", Value::Bytes(reader.string()?.len()))),
        b"subsystem" => fields.push(("subsystem_name", Value::text(reader.string()?))),
        b"signal" => fields.push(("signal_name", Value::text(reader.string()?))),
        b"exit-status" => fields.push(("exit_status", reader.uint32()?.into())),
        b"exit-signal" => {
            fields.push(("signal_name", Value::text(reader.string()?)));
            fields.push(("core_dumped", reader.boolean()?.into()));
            fields.push(("error_message", Value::text(reader.string()?)));
        }
        _ => rest("request_fields", message.request_fields, fields),
    }
    Ok(())
}

/// A terminal's, in characters.
fn size(reader: &mut Reader<'_>, fields: &mut Fields) -> Result<(), DecodeError> {
    fields.push(("columns", reader.uint32()?.into()));
    fields.push(("rows", reader.uint32()?.into()));
    Ok(())
}

/// What has a form of its own, unless there is nothing.
fn rest(name: &'static str, bytes: Rest<'_>, fields: &mut Fields) {
    if !bytes.0.is_empty() {
        fields.push((name, Value::Bytes(bytes.0.len())));
    }
}
