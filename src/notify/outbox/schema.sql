-- The outbox of walstreet's notifier. Times are milliseconds since 1970.

CREATE TABLE source (
    name      TEXT PRIMARY KEY,
    -- Commits up to here are told: sixteen hexadecimal digits, so that text sorts as the position does.
    watermark TEXT NOT NULL
) STRICT;

-- What the noise rules remember: windows that are open, and changes that are not told again. JSON, as it was at the watermark.
CREATE TABLE noise (
    source TEXT NOT NULL,
    key    TEXT NOT NULL,
    state  TEXT NOT NULL,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE notice (
    seq           INTEGER PRIMARY KEY,
    delivery_id   TEXT NOT NULL UNIQUE,
    destination   TEXT NOT NULL,
    rule          TEXT NOT NULL,
    -- Notices of one key are sent in their order.
    fifo_key      TEXT NOT NULL,
    severity      INTEGER NOT NULL,
    -- JSON; empty once it is not needed any more: folded, or delivered long ago.
    notice        TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    -- Of its oldest change: too old is what was committed too long ago, not what we read late.
    committed_at  INTEGER NOT NULL,
    state         TEXT NOT NULL DEFAULT 'pending'
                  CHECK (state IN ('pending', 'sending', 'sent', 'unknown', 'held', 'dead', 'folded', 'muted')),
    -- Of a reply with an edit: 0 the reply, 1 the edit.
    step          INTEGER NOT NULL DEFAULT 0,
    -- Slack refused the blocks: text alone.
    plain         INTEGER NOT NULL DEFAULT 0,
    -- It may have been delivered before, and says so.
    repeat        INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    started_at    INTEGER,
    body_hash     TEXT,
    channel       TEXT,
    ts            TEXT,
    thread_ts     TEXT,
    reason        TEXT,
    folded_into   INTEGER
) STRICT;
-- A notice is written three times, and each index costs a page of the log each time: what was sent is in none. SQLite uses them only for
-- queries that name the same states.
CREATE INDEX notice_queue ON notice (destination, severity DESC, seq) WHERE state = 'pending';
CREATE INDEX notice_key ON notice (destination, fifo_key, seq) WHERE state IN ('pending', 'sending', 'unknown');
CREATE INDEX notice_doubtful ON notice (destination, state) WHERE state IN ('unknown', 'held', 'dead');

CREATE TABLE destination (
    name       TEXT PRIMARY KEY,
    -- Slack asked us to wait until then.
    wait_until INTEGER,
    -- Closed until an operator repairs it.
    parked_at  INTEGER,
    reason     TEXT
) STRICT;

-- An operator wants to hear nothing of a rule, of a key or of both; null is every one.
CREATE TABLE mute (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    rule  TEXT,
    key   TEXT,
    until INTEGER NOT NULL,
    by    TEXT NOT NULL,
    why   TEXT NOT NULL
) STRICT;

CREATE TABLE thread (
    destination TEXT NOT NULL,
    key         TEXT NOT NULL,
    channel     TEXT NOT NULL,
    ts          TEXT NOT NULL,
    -- The change that the root tells now, JSON: an edit continues its trail.
    told        TEXT,
    used_at     INTEGER NOT NULL,
    PRIMARY KEY (destination, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX thread_used ON thread (used_at);

CREATE TABLE audit (
    seq         INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    destination TEXT NOT NULL,
    delivery_id TEXT,
    what        TEXT NOT NULL,
    detail      TEXT,
    -- JSON: where the notice comes from, or how it was sent.
    facts       TEXT
) STRICT;

-- Last values of watched columns; null is SQL's null.
CREATE TABLE last_state (
    source TEXT NOT NULL,
    id     TEXT NOT NULL,
    state  BLOB,
    PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
