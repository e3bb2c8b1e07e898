-- A database of format 2: the journal's segment has one whole line and two differences.
PRAGMA application_id = 1348562025;
PRAGMA user_version = 2;
CREATE TABLE journal (
    last         INTEGER PRIMARY KEY,    -- position of the last observation
    first        INTEGER NOT NULL,       -- position of the first
    day          INTEGER NOT NULL,       -- day of the newest observation, since the epoch
    body         BLOB    NOT NULL        -- JSON lines, zlib
) STRICT;
CREATE INDEX journal_by_day ON journal (day);
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
INSERT INTO journal (last, first, day, body) VALUES (
    3,
    1,
    0,
    x'7801ab564a2c51b232d4514a292d4a2cc9cccf8b2f2d06f38b538bca32935395ac948a33f20b94749432f28b4ba03cbd92d4e212251da5dcd4928cfc14252b2577d710251da582c4920c25abe86aa5f2fc2290687e514a6a51b1526dac8e524151665e726641628e9255b552668a92555e694e0e48383f3f4dc94a292f3f2f55a956472939273335af04265b5c925802728d9181818e524a6671417e7126c8894a564a893939f9e5a9294ab55cd1063a863a463a60f3c084818e814e746c2c48c248c7188b0400d8a84e0c');
INSERT INTO state (id, position, triaged, saved, digest, bytes) VALUES (
    1,
    2,
    1,
    7,
    x'da4765e73939a0873260c1f171895c61fcd243d028283eb8f6a19879b3b2ea60',
    x'7768617420776173206c6561726e6564');
INSERT INTO endpoint (id, service, host, method, template, state, discovered, updated, retired, row) VALUES (
    -3269129410306726814,
    'shop',
    'shop.test',
    'GET',
    '/orders/{id}',
    'shadow',
    7,
    7,
    NULL,
    '{"id":15177614663402824802,"service":"shop","host":"shop.test","method":"GET","template":[{"literal":"orders"},{"parameter":"id"}],"operation":null,"state":"shadow","protocol":"http","exchanges":7,"principals":2,"statuses":[[200,7]],"authentication":[["none",7]],"authentication_2xx":[["none",7]],"data_in":0,"data_out":0,"parameters":[],"fields":[],"grounds":[],"first_seen":1,"last_seen":9}');
INSERT INTO finding (fingerprint, rule, severity, status, updated, row) VALUES (
    -3269129410306726814,
    'PAL-AUTH-001',
    'high',
    'suppressed',
    8,
    '{"fingerprint":15177614663402824802,"rule":"PAL-AUTH-001","title":"reached without a credential","severity":"high","confidence":0.9,"owasp":"API2:2023","cwe":[306],"endpoint":15177614663402824802,"service":"shop","host":"shop.test","method":"GET","template":[{"literal":"orders"},{"parameter":"id"}],"location":"exchange","principals":[],"principals_total":0,"exchanges":7,"first_seen":1,"last_seen":9,"detected_at":5,"evidence":{},"recommendation":{"no_policy":{"why":"nothing blocks this yet"}},"status":"new"}');
INSERT INTO finding_history (id, fingerprint, at, what, status, by, reason) VALUES (
    1,
    -3269129410306726814,
    7,
    'opened',
    'new',
    '',
    '');
INSERT INTO finding_history (id, fingerprint, at, what, status, by, reason) VALUES (
    2,
    -3269129410306726814,
    8,
    'triaged',
    'suppressed',
    'operator',
    'accepted');
INSERT INTO policy_revision (id, revision, at, origin, settings) VALUES (
    1,
    '0011223344556677',
    7,
    'file palisade.toml',
    'mode = "block"');
INSERT INTO key (name, bytes) VALUES (
    'pseudonym',
    x'01010101010101010101010101010101');
