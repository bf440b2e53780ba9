//! A point in time as the replication protocol sends it.

/// Microseconds since 2000-01-01 00:00:00 UTC
/// (<https://www.postgresql.org/docs/current/protocol-replication.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PgTimestamp(pub i64);

/// Microseconds between 1970-01-01 and 2000-01-01.
const EPOCH_OFFSET_US: i64 = 946_684_800_000_000;

impl PgTimestamp {
    /// Microseconds since 1970-01-01 00:00:00 UTC.
    #[must_use]
    pub fn unix_us(self) -> i64 {
        self.0.saturating_add(EPOCH_OFFSET_US)
    }

    #[must_use]
    pub fn from_unix_us(unix_us: i64) -> Self {
        Self(unix_us.saturating_sub(EPOCH_OFFSET_US))
    }
}
