//! Why a message is refused: a closed list with stable codes, statuses and sentences.
//!
//! Sentences never quote the message: what came over the wire may be secret or hostile.

use std::fmt;

use crate::oddity::PathOddity;

/// Who sent the bytes that were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A client sent a request; it gets the refusal's own status.
    Client,
    /// An upstream sent a response; the client gets 502 and the upstream connection is dropped.
    Upstream,
}

/// Writes [`Refusal`] with its code, its status for a client's request, and its sentence.
macro_rules! refusals {
    ($($name:ident $code:literal $status:literal $sentence:literal;)*) => {
        /// Why a message is refused. `Display` is the sentence for the operator.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $(#[doc = $sentence] $name,)*
            /// The path of the target can be read in two ways.
            Path(PathOddity),
        }

        impl Refusal {
            const PLAIN: &[Self] = &[$(Self::$name,)*];

            /// The stable reason code, as in logs, metrics and policy exceptions: `h1.cl_te`.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Path(oddity) => oddity.code(),
                }
            }

            const fn request_status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                    Self::Path(PathOddity::TooManySegments) => 414,
                    Self::Path(_) => 400,
                }
            }
        }

        impl fmt::Display for Refusal {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($sentence),)*
                    Self::Path(oddity) => oddity.fmt(f),
                }
            }
        }
    };
}

refusals! {
    LeadingLines "h1.leading_lines" 400 "More than one empty line stands before the message.";
    BareLf "h1.bare_lf" 400 "A line ends in LF without CR.";
    BareCr "h1.bare_cr" 400 "A CR is not followed by LF.";
    RequestLine "h1.request_line" 400
        "The request line is not method, target and version with one space between them.";
    Http09 "h1.http09" 400 "The request line has no version, as in HTTP/0.9.";
    Http2Preface "h1.http2_preface" 0 "An HTTP/2 preface came to an HTTP/1.1 listener.";
    Version "h1.version" 505 "The version is neither HTTP/1.1 nor HTTP/1.0.";
    MethodInvalid "h1.method_invalid" 400 "The method is not a token.";
    MethodUnknown "h1.method_unknown" 501 "The method has other bytes than A to Z and hyphen.";
    MethodTooLong "limit.method" 501 "The method is longer than any known one.";
    MethodRefused "h1.method_refused" 405 "CONNECT and TRACE are not served.";
    TargetForm "h1.target_form" 400 "The target is neither a path nor an http URI.";
    TargetByte "h1.target_byte" 400 "The target has a byte that must be percent-encoded.";
    TargetFragment "h1.target_fragment" 400 "The target has a fragment.";
    TargetTooLong "limit.target" 414 "The target is longer than allowed.";
    QueryParameters "limit.query_parameters" 414 "The query has more parameters than allowed.";
    HostMissing "host.missing" 400 "An HTTP/1.1 request has no Host.";
    HostRepeated "host.repeated" 400 "The request has more than one Host.";
    HostInvalid "host.invalid" 400 "The Host is not a host name or address.";
    HostPort "host.port" 400 "The port in Host is not a plain number from 1 to 65535.";
    HostMismatch "host.mismatch" 400 "The target names another host than Host does.";
    FieldColon "h1.field_colon" 400 "A field line has no colon.";
    FieldName "h1.field_name" 400 "A field name has a byte that is not allowed.";
    FieldNameEmpty "h1.field_name_empty" 400 "A field line begins with its colon.";
    FieldNameSpace "h1.field_name_space" 400 "White space follows a field name.";
    FieldLeadingSpace "h1.field_leading_space" 400 "White space stands before the first field.";
    ObsFold "h1.obs_fold" 400 "A field continues on the next line.";
    FieldValue "h1.field_value" 400 "A field value has a control byte.";
    FieldTooLong "limit.field" 431 "A field line is longer than allowed.";
    TooManyFields "limit.fields" 431 "The head has more fields than allowed.";
    HeadTooLong "limit.head" 431 "The head is larger than allowed.";
    NameAlias "h1.name_alias" 400
        "A name differs from that of a framing field only in its punctuation.";
    ClTe "h1.cl_te" 400 "The message has both Content-Length and Transfer-Encoding.";
    ClRepeated "h1.cl_repeated" 400 "Content-Length is given more than once.";
    ClConflict "h1.cl_conflict" 400 "Content-Length is given twice with different values.";
    ClInvalid "h1.cl_invalid" 400 "Content-Length is not a plain decimal number below 2^63.";
    TeRepeated "h1.te_repeated" 400 "Transfer-Encoding is given more than once.";
    TeInvalid "h1.te_invalid" 400 "Transfer-Encoding is not a list that ends in chunked.";
    TeUnknown "h1.te_unknown" 501 "Transfer-Encoding has a coding other than chunked.";
    TeOnHttp10 "h1.te_http10" 400 "Transfer-Encoding is used with HTTP/1.0.";
    LengthRequired "h1.length_required" 411
        "An HTTP/1.0 request that should have a body gives no length.";
    ConnectionOption "h1.connection_option" 400
        "Connection names a field that must reach the server.";
    Expect "h1.expect" 417 "Expect is something else than 100-continue.";
    StatusLine "h1.status_line" 400 "The status line is not version, status and reason.";
    StatusCode "h1.status_code" 400 "The status is not a number from 100 to 999.";
    UnaskedSwitch "h1.unasked_switch" 400 "The upstream switches protocols unasked.";
    ChunkSize "chunk.size" 400 "A chunk size is not one to sixteen hexadecimal digits.";
    ChunkExtension "chunk.extension" 400 "A chunk extension is malformed.";
    ChunkExtensions "limit.chunk_extensions" 400 "The chunk extensions are longer than allowed.";
    ChunkEnd "chunk.end" 400 "A chunk is not followed by a line end where its size says so.";
    TrailerForbidden "h1.trailer_forbidden" 400
        "A trailer names a field that is only allowed in a head.";
    Trailers "limit.trailers" 431 "The trailer section is larger than allowed.";
    BodyTooLarge "limit.body" 413 "The body is larger than allowed.";
    ProxyHeader "proxy.header" 0 "The PROXY header is missing or malformed.";
    ProxyPeer "proxy.peer" 0 "The peer is not one of those that may send a PROXY header.";
    BodyTruncated "h1.body_truncated" 400 "The connection ended before the body did.";
}

impl Refusal {
    /// All refusals there are, for documentation and tests.
    pub fn all() -> impl Iterator<Item = Self> {
        let paths = PathOddity::ALL.iter().map(|&oddity| Self::Path(oddity));
        Self::PLAIN.iter().copied().chain(paths)
    }

    /// The status to answer the client with; `None` closes the connection without an answer.
    pub const fn status(self, sender: Sender) -> Option<u16> {
        match (sender, self) {
            (Sender::Upstream, _) => Some(502),
            (Sender::Client, Self::Http2Preface | Self::ProxyHeader | Self::ProxyPeer) => None,
            (Sender::Client, refusal) => Some(refusal.request_status()),
        }
    }

    /// Whether the client's connection can carry another request after the answer.
    ///
    /// Not after a refused request: where it ends is exactly what is in doubt, so its remaining
    /// bytes must never be read as the next one. A bad upstream does no harm to it, unless part of
    /// the response was forwarded already, which only the shell knows.
    pub const fn client_connection_survives(self, sender: Sender) -> bool {
        matches!(sender, Sender::Upstream)
    }

    /// What the client may read about it: enough to mend a client, nothing about our insides.
    pub const fn client_message(self, sender: Sender) -> &'static str {
        match self.status(sender) {
            Some(405) => "This method is not supported.",
            Some(411) => "The request needs a Content-Length.",
            Some(413) => "The request body is too large.",
            Some(414) => "The request target is too long.",
            Some(417) => "This expectation is not supported.",
            Some(431) => "The request header fields are too large.",
            Some(501) => "The request uses something that is not implemented.",
            Some(502) => "The server sent a response that cannot be forwarded.",
            Some(505) => "Only HTTP/1.1 and HTTP/1.0 are supported.",
            _ => "The request is malformed or ambiguous.",
        }
    }
}

impl std::error::Error for Refusal {}
