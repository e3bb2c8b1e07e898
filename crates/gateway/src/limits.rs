//! Every bound and every period of the gateway, with its reason.

use std::time::Duration;

/// How long a client may take for the first byte of its first request, and then of every other
/// one: nginx and most load balancers keep idle connections for 60 to 75 s.
pub const IDLE: Duration = Duration::from_secs(75);

/// How long a request's head may take from its first byte to its last, however it trickles in.
/// Also how long a connection may stay without its first byte.
pub const REQUEST_HEAD: Duration = Duration::from_secs(10);

/// How long a PROXY header may take: balancers send it with the connection.
pub const PROXY_HEADER: Duration = Duration::from_secs(5);

/// How long an upstream may stand still in the middle of a message: nginx's `proxy_read_timeout`.
pub const STALL: Duration = Duration::from_secs(60);

/// How long a client may stand still in the middle of a message, and take for [`FLUSH_BYTES`] of an
/// answer, which is also the slowest that it may read: 2 KiB/s.
pub const CLIENT_STALL: Duration = Duration::from_secs(30);

/// Bytes per second that a client must send while its body is waited for. A modem of 1990 did.
pub const BODY_RATE_MIN: u64 = 1 << 10;

/// How far a client may fall behind [`BODY_RATE_MIN`]: a phone that changes cells is silent so
/// long.
pub const BODY_GRACE: Duration = Duration::from_secs(5);

/// Percent of the memory limit from which on connections are not kept for another exchange.
pub const MEMORY_SAVING_PERCENT: u64 = 85;

/// Percent of the memory limit from which on new connections are turned away.
pub const MEMORY_TURNING_AWAY_PERCENT: u64 = 92;

/// Percent of the memory limit from which on requests are refused.
pub const MEMORY_REFUSING_PERCENT: u64 = 95;

/// File descriptors of one client connection: its own, and one to an upstream.
pub const DESCRIPTORS_EACH: u64 = 2;

/// File descriptors that connections must leave: for listeners, database, console, telemetry,
/// control socket, contracts that are read again.
pub const DESCRIPTORS_RESERVED: u64 = 256;

/// Client connections that are served however few file descriptors there are.
pub const CONNECTIONS_MIN: usize = 16;

/// How long a connection that has changed its protocol may stay silent in both directions; who
/// wants to keep a WebSocket for longer sends pings, as most libraries do every 20 to 60 s.
pub const TUNNEL_IDLE: Duration = Duration::from_secs(300);

/// How long connecting to one upstream address may take; on a local network it takes none.
pub const CONNECT: Duration = Duration::from_secs(5);

/// How long an upstream may think before the head of its answer: nginx's `proxy_read_timeout`.
pub const RESPONSE_HEAD: Duration = Duration::from_secs(60);

/// How long what a client still sends is read and thrown away after our last answer, so that the
/// answer is not lost to a reset.
pub const LINGER: Duration = Duration::from_secs(5);

/// Bytes that are thrown away while lingering.
pub const LINGER_BYTES_MAX: usize = 16 << 20;

/// How long an upstream connection may lie idle before it is closed.
pub const UPSTREAM_IDLE: Duration = Duration::from_secs(60);

/// Idle connections kept to one upstream by one worker.
pub const UPSTREAM_IDLE_MAX: usize = 256;

/// Addresses, of all upstreams of a service together, that are tried for one request when they
/// cannot be connected to.
pub const UPSTREAM_TRIES_MAX: usize = 3;

/// How long an upstream that could not be connected to, or failed too often, is passed over the
/// first time.
pub const UPSTREAM_DOWN: Duration = Duration::from_secs(5);

/// How long it is passed over at the most, however often it failed.
pub const UPSTREAM_DOWN_MAX: Duration = Duration::from_secs(60);

/// How long an upstream must have been back for its failures to be forgotten.
pub const UPSTREAM_DOWN_FORGOTTEN: Duration = Duration::from_secs(120);

/// Requests in a row that an upstream fails before it is passed over: Envoy's figure.
pub const UPSTREAM_FAILURES_MAX: u32 = 5;

/// Of the requests of a service within [`RETRIES_WINDOW`], so many per cent may be sent twice:
/// Envoy's and Finagle's figure.
pub const RETRIES_PERCENT: u32 = 20;

/// Requests within [`RETRIES_WINDOW`] that may be sent twice however few there are.
pub const RETRIES_FREE: u32 = 10;

/// How far back requests are counted for [`RETRIES_PERCENT`].
pub const RETRIES_WINDOW: Duration = Duration::from_secs(10);

/// Addresses of one name that are kept; more are not tried for one request anyway, and each
/// look-up may bring others.
pub const UPSTREAM_ADDRESSES_MAX: usize = 16;

/// How long a name that could not be looked up is not looked up again, so that requests for it do
/// not become a flood of look-ups.
pub const UPSTREAM_NAME_FAILED: Duration = Duration::from_secs(1);

/// How long the addresses of an upstream's name are used before they are looked up again. After
/// that the last good ones serve until a look-up succeeds. The system's resolver keeps to the
/// times to live of the records; programs do not learn them from it.
pub const UPSTREAM_NAME: Duration = Duration::from_secs(30);

/// How long a drain leaves idle client connections open: who is about to ask is answered once more,
/// with the word that the connection closes, and not cut off with its request under way.
pub const DRAIN_IDLE: Duration = Duration::from_millis(500);

/// Client connections of all workers together, unless the settings say otherwise.
pub const CONNECTIONS_MAX: usize = 10_000;

/// Seconds after which a client that met too many others may come again.
pub const RETRY_AFTER_S: u32 = 1;

/// How long accepting pauses when the process is out of file descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that wait to be accepted, per socket.
pub const BACKLOG: i32 = 1_024;

/// How long a TLS handshake may take: two round trips over the worst of networks take less.
pub const TLS_HANDSHAKE: Duration = Duration::from_secs(5);

/// TLS handshakes under way in one worker; each has buffers of up to 64 KiB.
pub const TLS_HANDSHAKES_MAX: usize = 1_024;

/// Certificates that a client may send: its own, and a chain longer than any authority's.
pub const CLIENT_CERTIFICATES_MAX: usize = 8;

/// Names of a client's certificate that are looked at.
pub const CLIENT_NAMES_MAX: usize = 100;

/// Bytes of a connection's buffer when nothing asks for more: a typical request or response.
pub const BUFFER_BYTES: usize = 8 << 10;

/// How long a connection keeps its buffers for the next request. A client that pauses for longer
/// does not notice one more system call.
pub const SETTLE: Duration = Duration::from_secs(1);

/// Bytes of the buffer of a connection that waits for longer than [`SETTLE`]: of ten thousand such
/// connections every byte counts.
pub const IDLE_BUFFER_BYTES: usize = 64;

/// A chunk of a request's body up to this size is gathered with those that follow, so that a body
/// in a million chunks costs what its bytes cost.
pub const SMALL_CHUNK_BYTES: usize = 512;

/// Bytes to which a buffer grows while a large body streams through it.
pub const STREAM_BYTES: usize = 64 << 10;

/// Bytes to which a buffer grows for a head: all that `wire` lets pass, with its punctuation.
pub const HEAD_BUFFER_BYTES: usize = 128 << 10;

/// Bytes that wait for one write while a body streams.
pub const FLUSH_BYTES: usize = 64 << 10;

/// Bytes of a held body over the service's own limit at which the shell stops believing that
/// inspection will ever decide: one buffer, since bodies come in pieces of that size.
pub const HOLD_SLACK_BYTES: usize = STREAM_BYTES;

/// How often each worker looks at its deadlines.
pub const TICK: Duration = Duration::from_millis(250);

/// How often a reader of the outlet looks again: a batch of so long costs little more than one
/// observation, and nobody who watches notices the wait.
pub const OUTLET_POLL: Duration = Duration::from_millis(50);

/// Looks at an empty outlet before its reader goes to sleep until it is woken.
pub const OUTLET_POLLS_MAX: u32 = 20;

/// Lines of the access log that wait for its writer: with the bounds below 32 MiB at the very most,
/// and a tenth of a second of more traffic than one process carries.
pub const ACCESS_LOG_ENTRIES_MAX: usize = 8_192;

/// How long the access log's writer sleeps when nothing waits: waking it costs more than a line.
pub const ACCESS_LOG_PERIOD: Duration = Duration::from_millis(100);

/// Bytes of access log that are written at once.
pub const ACCESS_LOG_PIECE_BYTES: usize = 64 << 10;

/// Bytes of a path in the access log; paths of APIs are a tenth as long.
pub const ACCESS_LOG_PATH_BYTES_MAX: usize = 2 << 10;

/// Bytes of a user agent in the access log: those of browsers have less than 200.
pub const ACCESS_LOG_AGENT_BYTES_MAX: usize = 256;

/// Names of a query's parameters in the access log.
pub const ACCESS_LOG_PARAMETERS_MAX: usize = 32;

/// Bytes of an `X-Request-Id` that a trusted proxy may set; UUIDs have 36.
pub const REQUEST_ID_BYTES_MAX: usize = 128;

/// Bytes of a replaced `X-Request-Id` that the access log keeps.
pub const REQUEST_ID_TAG_BYTES_MAX: usize = REQUEST_ID_BYTES_MAX;

/// Streams that an HTTP/2 client may have open, and that we open on one connection to an upstream:
/// what most servers allow, and what RFC 9113 §6.5.2 recommends at the least.
pub const H2_STREAMS_MAX: u32 = 100;

/// Decoded bytes of a head over HTTP/2, 32 more for each field: the same as over HTTP/1.1.
pub const H2_HEAD_BYTES: u32 = 64 << 10;

/// Bytes of a body that a client may send on one stream before it is told to go on.
pub const H2_STREAM_WINDOW: u32 = 64 << 10;

/// The same for all streams of a connection.
pub const H2_CONNECTION_WINDOW: u32 = 1 << 20;

/// Bytes that wait on one stream for a client to take them.
pub const H2_SEND_BYTES: usize = 64 << 10;

/// Connections of HTTP/2 from one worker to one upstream. At [`H2_STREAMS_MAX`] each they carry
/// more than an upstream is given by default.
pub const H2_UPSTREAM_CONNECTIONS_MAX: usize = 64;

/// Bytes of answers that an upstream may send ahead on one connection of HTTP/2: all that its
/// streams may, so that clients which read slowly keep nobody else's answer back.
pub const H2_UPSTREAM_WINDOW: u32 = H2_STREAMS_MAX * H2_STREAM_WINDOW;

/// Streams that were reset and whose late frames are still expected.
pub const H2_PENDING_RESETS_MAX: usize = 50;

/// Streams that a client may give up, or make us give up, in [`H2_RESETS_PERIOD`].
pub const H2_RESETS_MAX: usize = 200;

/// The period of [`H2_RESETS_MAX`].
pub const H2_RESETS_PERIOD: Duration = Duration::from_secs(30);

/// Exchanges on one connection before the client is asked to open another, so that nothing that
/// grows with a connection's age grows for ever.
pub const H2_EXCHANGES_MAX: u64 = 100_000;

/// Bytes below which an answer is not compressed: it fits into one packet either way.
pub const COMPRESS_BYTES_MIN: u64 = 1 << 10;

/// Answers that one worker compresses at the same time; more go out as they are. A coder holds up
/// to 1 MiB.
pub const CODERS_MAX: usize = 256;

/// Bytes that a coder writes at once.
pub const CODER_PIECE_BYTES: usize = 4 << 10;

/// gzip's level: the first with lazy matching, where most of the gain of 6 is had for less.
pub const GZIP_LEVEL: u32 = 4;

/// Brotli's quality: the last with its fast hashers.
pub const BROTLI_LEVEL: u32 = 4;

/// Brotli's window, 2 to the power of this in bytes: answers of an API are smaller than 256 KiB.
pub const BROTLI_WINDOW_LOG: u32 = 18;

/// zstd's level: its default.
pub const ZSTD_LEVEL: i32 = 3;

/// zstd's window, 2 to the power of this in bytes; a client must accept up to 23 (RFC 9659).
pub const ZSTD_WINDOW_LOG: u32 = 18;

/// Parts of a service's cache with a lock of their own, where its size allows.
pub const CACHE_SHARDS_MAX: usize = 16;

/// Stored answers of the largest size that a part of a cache has room for.
pub const CACHE_SHARD_ENTRIES_MIN: usize = 4;

/// Bytes that a stored answer takes beside its head and body: maps, queue, allocations.
pub const CACHE_ENTRY_BYTES: usize = 512;

/// Bytes of a head that is stored: what a browser would take, and far more than an API says.
pub const CACHE_HEAD_BYTES_MAX: usize = 16 << 10;

/// Fields of a head that is stored, so that there is room for those that the cache adds.
pub const CACHE_HEAD_FIELDS_MAX: usize = 64;

/// Answers that are stored for one target and one caller, by what `Vary` names; the oldest makes
/// room.
pub const CACHE_VARIANTS_MAX: usize = 8;

/// Fields that a stored answer's `Vary` may name.
pub const CACHE_VARY_FIELDS_MAX: usize = 8;

/// Targets whose answers were forgotten last, per lock: what was asked for before then and comes
/// later is not stored. Requests take no longer than it takes to forget as many others.
pub const CACHE_FORGOTTEN_MAX: usize = 64;

/// Keys of which a worker remembers that their answers are not for others, so that nobody waits
/// for them. Direct-mapped, so that it cannot grow; 8 bytes each.
pub const CACHE_UNSHARED_KEYS: usize = 1 << 10;

/// The part of a cache that is kept free for answers under way: one in so many bytes.
pub const CACHE_UNDERWAY_SHARE: usize = 4;

/// How long a request waits for another that asks for the same; nginx's
/// `proxy_cache_lock_timeout` is 5 s.
pub const COALESCE_WAIT: Duration = Duration::from_secs(5);

/// Requests of one worker that wait for others. More go to the upstream themselves.
pub const COALESCE_WAITERS_MAX: usize = 4_096;

/// The periods that one gateway keeps. The defaults are the constants of this module.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// [`CLIENT_STALL`].
    pub client_stall: Duration,
    /// [`CONNECT`].
    pub connect: Duration,
    /// [`IDLE`].
    pub idle: Duration,
    /// [`REQUEST_HEAD`].
    pub request_head: Duration,
    /// [`RESPONSE_HEAD`].
    pub response_head: Duration,
    /// [`STALL`].
    pub stall: Duration,
    /// [`TUNNEL_IDLE`].
    pub tunnel_idle: Duration,
    /// [`TLS_HANDSHAKE`].
    pub tls_handshake: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            client_stall: CLIENT_STALL,
            connect: CONNECT,
            idle: IDLE,
            request_head: REQUEST_HEAD,
            response_head: RESPONSE_HEAD,
            stall: STALL,
            tunnel_idle: TUNNEL_IDLE,
            tls_handshake: TLS_HANDSHAKE,
        }
    }
}
