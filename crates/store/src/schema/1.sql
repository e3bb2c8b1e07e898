-- Format 1. Times are microseconds since the epoch, identities 64 bits, rows JSON.

-- Observations in the order of their positions, many to a segment, compressed.
CREATE TABLE journal (
    last         INTEGER PRIMARY KEY,    -- position of the last observation
    first        INTEGER NOT NULL,       -- position of the first
    day          INTEGER NOT NULL,       -- day of the newest observation, since the epoch
    body         BLOB    NOT NULL        -- JSON lines, zlib
) STRICT;
CREATE INDEX journal_by_day ON journal (day);

-- What the analyst knew at a position of the journal.
CREATE TABLE state (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    position     INTEGER NOT NULL,
    triaged      INTEGER NOT NULL,       -- id of the last finding_history it contains
    saved        INTEGER NOT NULL,
    digest       BLOB    NOT NULL,       -- SHA-256 of bytes
    bytes        BLOB    NOT NULL
) STRICT;

CREATE TABLE endpoint (
    id           INTEGER PRIMARY KEY,
    service      TEXT    NOT NULL,
    host         TEXT    NOT NULL,
    method       TEXT    NOT NULL,
    template     TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    discovered   INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    retired      INTEGER,
    row          TEXT    NOT NULL
) STRICT;

CREATE TABLE finding (
    fingerprint  INTEGER PRIMARY KEY,
    rule         TEXT    NOT NULL,
    severity     TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    updated      INTEGER NOT NULL,
    row          TEXT    NOT NULL
) STRICT;

-- What became of a finding; triage by people has `by` and `reason`.
CREATE TABLE finding_history (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint  INTEGER NOT NULL REFERENCES finding (fingerprint),
    at           INTEGER NOT NULL,
    what         TEXT    NOT NULL,
    status       TEXT    NOT NULL,
    by           TEXT    NOT NULL DEFAULT '',
    reason       TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX finding_history_by_fingerprint ON finding_history (fingerprint, id);

CREATE TABLE policy_revision (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    revision     TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    origin       TEXT    NOT NULL,
    settings     TEXT    NOT NULL        -- secrets withheld
) STRICT;

CREATE TABLE key (
    name         TEXT    PRIMARY KEY,
    bytes        BLOB    NOT NULL
) STRICT;
