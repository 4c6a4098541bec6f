//! Every message as a borrowed struct with the RFC's field names.
//!
//! Decoding checks the whole message: a field that is cut off or bytes after the last field are errors, and nothing is
//! allocated for a count that a peer claims. Strings stay the bytes they are; what they mean is decided above.

mod auth;
mod connection;
mod transport;

use alloc::vec::Vec;

pub use auth::*;
pub use connection::*;
pub use transport::*;

use crate::wire::{DecodeError, MessageNumber, NameList, Reader, Writer};

/// A message that can be sent.
pub trait Message {
    /// Its number.
    const NUMBER: MessageNumber;

    /// Appends everything after the number.
    fn encode_body(&self, writer: &mut Writer<'_>);

    /// Appends number and body: a whole payload.
    fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.byte(Self::NUMBER.0);
        self.encode_body(&mut writer);
    }

    /// A whole payload in a buffer of its own.
    fn to_payload(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

/// A message that can be read from the bytes after its number.
pub trait DecodeMessage<'a>: Sized {
    /// Reads the whole of `body`.
    ///
    /// # Errors
    /// [`DecodeError`] says what is wrong with it.
    fn decode(body: &'a [u8]) -> Result<Self, DecodeError>;
}

/// A field type: how it stands on the wire.
trait Field<'a>: Sized {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
    fn write(&self, writer: &mut Writer<'_>);
}

impl Field<'_> for bool {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.boolean()
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.boolean(*self);
    }
}

impl Field<'_> for u32 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.uint32()
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.uint32(*self);
    }
}

impl<'a> Field<'a> for &'a [u8] {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.string()
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.string(self);
    }
}

impl<'a> Field<'a> for NameList<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.name_list()
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.name_list(*self);
    }
}

impl Field<'_> for [u8; 16] {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array()
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes(self);
    }
}

/// The rest of a message, whose form depends on the fields before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest<'a>(pub &'a [u8]);

impl<'a> Field<'a> for Rest<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self(reader.remainder()))
    }
    fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes(self.0);
    }
}

/// Declares messages as the RFCs print them: name, number, fields in order. A lifetime stands only where a field
/// borrows, so that messages of plain numbers have none.
macro_rules! messages {
    ($(
        $(#[$meta:meta])*
        $name:ident $(<$lifetime:lifetime>)? = $number:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name $(<$lifetime>)? {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $(<$lifetime>)? crate::message::Message for $name $(<$lifetime>)? {
            const NUMBER: crate::wire::MessageNumber = crate::wire::MessageNumber::$number;

            #[allow(unused_variables, reason = "a message may have no field")]
            fn encode_body(&self, writer: &mut crate::wire::Writer<'_>) {
                $(crate::message::Field::write(&self.$field, writer);)*
            }
        }

        messages!(@decode $name [$($lifetime)?] $($field),*);
    )*};
    (@decode $name:ident [] $($field:ident),*) => {
        impl crate::message::DecodeMessage<'_> for $name {
            fn decode(body: &[u8]) -> Result<Self, crate::wire::DecodeError> {
                messages!(@read body $name $($field),*)
            }
        }
    };
    (@decode $name:ident [$lifetime:lifetime] $($field:ident),*) => {
        impl<$lifetime> crate::message::DecodeMessage<$lifetime> for $name<$lifetime> {
            fn decode(body: &$lifetime [u8]) -> Result<Self, crate::wire::DecodeError> {
                messages!(@read body $name $($field),*)
            }
        }
    };
    (@read $body:ident $name:ident $($field:ident),*) => {{
        #[allow(unused_mut, reason = "a message may have no field")]
        let mut reader = crate::wire::Reader::new($body);
        $(let $field = crate::message::Field::read(&mut reader)?;)*
        reader.finish()?;
        Ok($name { $($field),* })
    }};
}
use messages;

#[cfg(test)]
mod tests;
