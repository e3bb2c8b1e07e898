//! Every bound this crate puts on traffic, with its default and its reason.

/// A request target of 8 KiB: what nginx and Apache accept in their default setting.
pub const TARGET_BYTES: usize = 8 * 1024;

/// The longest method: the longest registered one (`UPDATEREDIRECTREF`) has 17 bytes.
pub const METHOD_BYTES: usize = 32;

/// One field line of a request. Cookies and tokens fit; a bigger one is refused by most servers.
pub const REQUEST_FIELD_BYTES: usize = 8 * 1024;

/// One field line of a response. Content security policies are longer than any request field.
pub const RESPONSE_FIELD_BYTES: usize = 32 * 1024;

/// All field lines of a head, names and values plus [`FIELD_OVERHEAD`] each: Envoy allows 60 KiB.
pub const HEAD_BYTES: usize = 64 * 1024;

/// What each field weighs beside its bytes, so that many tiny fields are not free (RFC 7541 §4.1).
pub const FIELD_OVERHEAD: usize = 32;

/// Field lines in one head: Envoy's and hyper's default.
pub const FIELDS: usize = 100;

/// Query parameters in one target: enough for any form sent by GET, too few for a hash flood.
pub const QUERY_PARAMETERS: usize = 256;

/// Path segments: routing walks them, and no API nests this deep.
pub const PATH_SEGMENTS: usize = 256;

/// Bytes a [`Fields`](crate::Fields) list may hold when it is filled from a recording.
pub const FIELDS_BYTES: usize = 1024 * 1024;

/// A request body of 10 MiB: above what JSON APIs take, below what hurts to hold.
pub const REQUEST_BODY_BYTES: u64 = 10 * 1024 * 1024;

/// Chunk extensions of one body, all together: hyper's figure. They carry nothing we forward.
pub const CHUNK_EXTENSION_BYTES: usize = 16 * 1024;

/// The trailer section of one body in bytes: hyper's figure.
pub const TRAILER_BYTES: usize = 16 * 1024;

/// Field lines in one trailer section: as in a head.
pub const TRAILERS: usize = FIELDS;

/// Digits of one chunk size: a `u64` has sixteen.
pub const CHUNK_SIZE_DIGITS: u32 = 16;

/// Interim (1xx) responses before a final one; the shell counts them. More is an endless answer.
pub const INTERIM_RESPONSES: usize = 8;

/// What the shell reads and throws away of a body nobody wants, before it closes the connection
/// instead: cheaper than a new connection, and not enough to be worth an attack.
pub const DRAIN_BYTES: usize = 64 * 1024;

/// A PROXY header of version 1, with its line end: the longest that its format allows.
pub const PROXY_V1_BYTES: usize = 107;

/// A PROXY header of version 2. Addresses take 36 bytes; what balancers add (a host name, names of
/// a certificate, identities of cloud networks) stays below 1 KiB.
pub const PROXY_V2_BYTES: usize = 2 * 1024;

/// Bounds on one head. [`HeadLimits::request`] and [`HeadLimits::response`] are the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the request target.
    pub target_bytes: usize,
    /// Bytes of the method.
    pub method_bytes: usize,
    /// Bytes of one field line, and of a status line, without the line end.
    pub field_bytes: usize,
    /// Bytes of all names and values, with [`FIELD_OVERHEAD`] for each field.
    pub head_bytes: usize,
    /// Number of field lines.
    pub fields: usize,
    /// Number of query parameters.
    pub query_parameters: usize,
}

impl HeadLimits {
    /// What clients may send.
    pub const fn request() -> Self {
        Self {
            target_bytes: TARGET_BYTES,
            method_bytes: METHOD_BYTES,
            field_bytes: REQUEST_FIELD_BYTES,
            head_bytes: HEAD_BYTES,
            fields: FIELDS,
            query_parameters: QUERY_PARAMETERS,
        }
    }

    /// What upstreams may send.
    pub const fn response() -> Self {
        Self { field_bytes: RESPONSE_FIELD_BYTES, ..Self::request() }
    }
}

/// Bounds on one body. [`BodyLimits::request`] and [`BodyLimits::response`] are the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of content, after chunk framing is removed.
    pub bytes: u64,
    /// Bytes of all chunk extensions together.
    pub extension_bytes: usize,
    /// Bytes of the trailer section.
    pub trailer_bytes: usize,
    /// Number of trailer fields.
    pub trailers: usize,
}

impl BodyLimits {
    /// What clients may send.
    pub const fn request() -> Self {
        Self {
            bytes: REQUEST_BODY_BYTES,
            extension_bytes: CHUNK_EXTENSION_BYTES,
            trailer_bytes: TRAILER_BYTES,
            trailers: TRAILERS,
        }
    }

    /// What upstreams may send: a stream without end is legal and costs no memory, so the content
    /// has no bound unless a route sets one.
    pub const fn response() -> Self {
        Self { bytes: u64::MAX, ..Self::request() }
    }
}
