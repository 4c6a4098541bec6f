//! Messages: what can be read can be written, and is the same.

use core::fmt;

use super::input::Input;
use crate::message::{Debug as DebugMessage, *};
use crate::wire::{NameList, Reader, Writer};

/// Reads the body as every kind of message, and as the types messages consist of.
pub fn messages(data: &[u8]) {
    let body = Input::new(data, 64 * 1024).rest();
    macro_rules! each {
        ($($message:ident,)*) => { $(round_trip(body, $message::decode(body).ok());)* };
    }
    each! {
        Disconnect, Ignore, Unimplemented, DebugMessage, ServiceRequest, ServiceAccept, ExtInfo, KexInit, NewKeys, Ping, Pong,
        UserauthRequest, UserauthFailure, UserauthSuccess, UserauthBanner, UserauthPkOk, UserauthPasswdChangereq,
        UserauthInfoRequest, UserauthInfoResponse, GlobalRequest, RequestSuccess, RequestFailure, ChannelOpen,
        ChannelOpenConfirmation, ChannelOpenFailure, ChannelWindowAdjust, ChannelData, ChannelExtendedData, ChannelEof,
        ChannelClose, ChannelRequest, ChannelSuccess, ChannelFailure,
    }
    wire(body);
}

/// Only a boolean can be written in more than one way (RFC 4251 §5: what is not 0 is true, but is to be stored as 1).
fn round_trip<'a, M: Message + DecodeMessage<'a> + fmt::Debug>(body: &'a [u8], message: Option<M>) {
    let Some(message) = message else { return };
    let payload = message.to_payload();
    let (number, written) = payload.split_first().expect("a number");
    assert_eq!(*number, M::NUMBER.0);
    assert_eq!(written.len(), body.len());
    let same = |(written, read): (&u8, &u8)| written == read || (*written == 1 && *read != 0);
    assert!(written.iter().zip(body).all(same), "{message:?}");
}

fn wire(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    if let Ok(number) = reader.mpint() {
        let mut out = alloc::vec::Vec::new();
        Writer::new(&mut out).mpint(number);
        assert_eq!(out, bytes[..bytes.len() - reader.remaining()], "mpints have one form");
    }
    if let Ok(list) = NameList::new(bytes) {
        assert!(list.iter().all(|name| !name.is_empty() && list.contains(name)));
    }
}
