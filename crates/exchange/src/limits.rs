//! Every bound that traffic meets after the wire, with its default and its reason.

/// Bytes of one request body that are held or copied for inspection. Peers: nginx 1 MiB,
/// api-firewall 4 MiB; larger JSON bodies are uploads, which are streamed.
pub const REQUEST_BODY_BYTES_MAX: usize = 1 << 20;

/// Bytes of one response body that are held or copied for inspection.
pub const RESPONSE_BODY_BYTES_MAX: usize = 1 << 20;

/// Bytes that a compressed body may grow to, and by which factor at the most: deflate reaches
/// 1032:1, honest JSON stays below 40:1.
pub const DECODED_BYTES_MAX: usize = 8 << 20;

/// Output bytes for one input byte when a body is decompressed.
pub const DECODED_RATIO_MAX: usize = 120;

/// Nesting of arrays and objects in JSON; serde_json stops at 128, real bodies at about 20.
pub const JSON_DEPTH_MAX: usize = 64;

/// Values and keys in one JSON body.
pub const JSON_TOKENS_MAX: usize = 1 << 20;

/// Bytes of one number in JSON: the longest double in full takes 1,079.
pub const JSON_NUMBER_BYTES_MAX: usize = 1_100;

/// Steps of the validator for each byte of an instance: so many schemas may be at work on one
/// value at a time. Ordinary contracts take less than one.
pub const SCHEMA_STEPS_PER_BYTE: usize = 64;

/// Steps of the validator that every instance has, however short it is.
pub const SCHEMA_STEPS_MIN: usize = 1 << 18;

/// Bytes that one JSON body may take as a tree of values while it is checked. A body of many tiny
/// objects grows eightyfold; honest ones about fivefold.
pub const JSON_TREE_BYTES_MAX: usize = 32 << 20;

/// Fields of one form that is checked; browsers and frameworks stop at 1,000.
pub const FORM_FIELDS_MAX: usize = 10_000;

/// Distinct (path, type) nodes that one body's shape keeps; the rest is counted as cut.
pub const SHAPE_NODES_MAX: usize = 512;

/// Bytes of one field name that a shape keeps; a longer one is a value used as a key.
pub const SHAPE_KEY_BYTES_MAX: usize = 64;

/// Elements of one array whose shapes are looked at; the others are counted only.
pub const SHAPE_ELEMENTS_MAX: usize = 64;

/// Query parameters, form fields or cookies of one request that are looked at.
pub const PARAMETERS_MAX: usize = 128;

/// Segments of a path that take part in templating; deeper ones share one node.
pub const PATH_SEGMENTS_MAX: usize = 24;

/// Bytes of a path segment that may be remembered as a literal; a longer one is a value.
pub const SEGMENT_LITERAL_BYTES_MAX: usize = 48;

/// Signals of one exchange; more of them add nothing to what a person must know.
pub const SIGNALS_MAX: usize = 64;

/// Contract violations of one exchange that are kept, and shown to a refused client.
pub const VIOLATIONS_MAX: usize = 10;

/// Bytes of a pointer into a body, as kept in signals.
pub const POINTER_BYTES_MAX: usize = 256;

/// Bytes of one entry of a HAR file; larger ones hold downloads and are skipped by name.
pub const RECORDING_ENTRY_BYTES_MAX: usize = 64 << 20;

/// Bytes of one line of an access log or ndjson recording.
pub const RECORDING_LINE_BYTES_MAX: usize = 16 << 20;

/// Reasons for skipping, of one recording, that are kept with their place.
pub const RECORDING_PLACES_MAX: usize = 20;

/// Observations that wait between gateway and analyst, with signals and without.
pub const OUTLET_SIGNALLED_MAX: usize = 65_536;

/// Observations without a signal that wait between gateway and analyst.
pub const OUTLET_PLAIN_MAX: usize = 65_536;

/// Path nodes of one host in the inventory; beyond it, new paths are counted as overflow.
pub const TEMPLATE_NODES_MAX: usize = 100_000;

/// Distinct children of a path node that are kept by name before they merge into one.
pub const TEMPLATE_CHILDREN_MAX: usize = 512;

/// Endpoints in the inventory.
pub const ENDPOINTS_MAX: usize = 50_000;

/// Hosts in the inventory: a scanner may send any.
pub const HOSTS_MAX: usize = 4_096;

/// Findings kept open at once.
pub const FINDINGS_MAX: usize = 10_000;

/// Principals named in one finding.
pub const FINDING_PRINCIPALS_MAX: usize = 20;

/// Field names per endpoint and direction that the inventory learns.
pub const INVENTORY_FIELDS_MAX: usize = 1_024;

/// Parameter names per endpoint that the inventory learns.
pub const INVENTORY_PARAMETERS_MAX: usize = 128;

/// Distinct principals (or words of a path node) that are counted exactly; beyond it the same
/// memory holds a sample of that size, whose standard error is 1/√126, about 9 %.
pub const PRINCIPALS_EXACT_MAX: usize = 128;

/// Paths of one host that only ever failed and are remembered by name: what scanners ask for.
pub const PROBES_MAX: usize = 4_096;

/// Distinct (rule, place) pairs that are correlated per endpoint.
pub const ENDPOINT_SIGNALS_MAX: usize = 64;

/// Words of detectors that are kept per correlated signal.
pub const SIGNAL_WORDS_MAX: usize = 8;

/// Hours of traffic in the overview: 40 days.
pub const TRAFFIC_HOURS_MAX: usize = 960;
