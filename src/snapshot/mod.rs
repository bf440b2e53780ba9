//! Rows that were there before the stream: exported snapshot, table readers, markers.
