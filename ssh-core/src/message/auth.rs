//! Messages of user authentication (RFC 4252, RFC 4256).
//!
//! Number 60 means three things, by the method in progress: [`UserauthPkOk`], [`UserauthPasswdChangereq`],
//! [`UserauthInfoRequest`].

use super::{Rest, messages};
use crate::wire::NameList;

messages! {
    /// Asks to be let in (RFC 4252 §5).
    UserauthRequest<'a> = USERAUTH_REQUEST {
        /// In UTF-8.
        user_name: &'a [u8],
        /// What to start afterwards: `ssh-connection`.
        service_name: &'a [u8],
        /// `none`, `password`, `publickey`, `keyboard-interactive`, ..
        method_name: &'a [u8],
        /// The method's own fields.
        method_fields: Rest<'a>,
    }

    /// Refuses a request, or asks for one more method (RFC 4252 §5.1).
    UserauthFailure<'a> = USERAUTH_FAILURE {
        /// Methods that may productively be tried next.
        authentications_that_can_continue: NameList<'a>,
        /// Whether the request succeeded and another method is wanted on top.
        partial_success: bool,
    }

    /// Authentication is complete (RFC 4252 §5.1).
    UserauthSuccess = USERAUTH_SUCCESS {}

    /// Text to be shown before authentication goes on (RFC 4252 §5.4).
    UserauthBanner<'a> = USERAUTH_BANNER {
        /// In UTF-8.
        message: &'a [u8],
        /// RFC 3066 tag of the text's language; usually empty.
        language_tag: &'a [u8],
    }

    /// The key would do: send a signature (RFC 4252 §7).
    UserauthPkOk<'a> = USERAUTH_METHOD_60 {
        /// The algorithm from the request.
        public_key_algorithm_name: &'a [u8],
        /// The key blob from the request.
        public_key_blob: &'a [u8],
    }

    /// The password has expired (RFC 4252 §8).
    UserauthPasswdChangereq<'a> = USERAUTH_METHOD_60 {
        /// Text for the user.
        prompt: &'a [u8],
        /// RFC 3066 tag of the text's language; usually empty.
        language_tag: &'a [u8],
    }

    /// Asks the user questions (RFC 4256 §3.2).
    UserauthInfoRequest<'a> = USERAUTH_METHOD_60 {
        /// A title.
        name: &'a [u8],
        /// Text above the questions.
        instruction: &'a [u8],
        /// RFC 3066 tag of the text's language; usually empty.
        language_tag: &'a [u8],
        /// How many prompts follow.
        num_prompts: u32,
        /// Pairs of `string prompt` and `boolean echo`.
        prompts: Rest<'a>,
    }

    /// The user's answers (RFC 4256 §3.4).
    UserauthInfoResponse<'a> = USERAUTH_INFO_RESPONSE {
        /// How many responses follow.
        num_responses: u32,
        /// One string each.
        responses: Rest<'a>,
    }
}
