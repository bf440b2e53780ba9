//! Bytes → message.

use super::cursor::Cursor;
use super::tuple::take_tuple;
use super::{DecodeError, Message, OldTuple, Relation, RelationColumn, ReplicaIdentity, Tuple};
use crate::postgres::{Lsn, PgTimestamp};

/// Flags, empty name, type OID, type modifier.
const MIN_COLUMN_BYTES: usize = 1 + 1 + 4 + 4;
const RELATION_ID_BYTES: usize = 4;

pub(super) const CASCADE: u8 = 1;
pub(super) const RESTART_IDENTITY: u8 = 2;

/// One message of protocol version 1 or 2. With `streaming` it was sent between a `StreamStart` and its `StreamStop`,
/// where messages that can belong to a transaction carry its xid.
///
/// # Errors
/// When the bytes are not exactly one message: cut off, too long, or of an unknown kind.
#[inline]
pub fn decode(bytes: &[u8], streaming: bool) -> Result<Message<'_>, DecodeError> {
    let (&kind, body) = bytes.split_first().ok_or(DecodeError::Empty)?;
    match kind {
        b'I' => whole("Insert message", body, |cursor| insert(cursor, streaming)),
        b'U' => whole("Update message", body, |cursor| update(cursor, streaming)),
        b'D' => whole("Delete message", body, |cursor| delete(cursor, streaming)),
        b'B' => whole("Begin message", body, begin),
        b'C' => whole("Commit message", body, commit),
        b'O' => whole("Origin message", body, origin),
        b'R' => whole("Relation message", body, |cursor| {
            relation(cursor, streaming)
        }),
        b'Y' => whole("Type message", body, |cursor| r#type(cursor, streaming)),
        b'T' => whole("Truncate message", body, |cursor| {
            truncate(cursor, streaming)
        }),
        b'M' => whole("Logical message", body, |cursor| logical(cursor, streaming)),
        b'S' => whole("Stream Start message", body, stream_start),
        b'E' => whole("Stream Stop message", body, |_| Ok(Message::StreamStop)),
        b'c' => whole("Stream Commit message", body, stream_commit),
        b'A' => whole("Stream Abort message", body, stream_abort),
        kind => Err(DecodeError::UnknownKind { kind }),
    }
}

#[inline]
fn whole<'a>(
    subject: &'static str,
    body: &'a [u8],
    read: impl FnOnce(&mut Cursor<'a>) -> Result<Message<'a>, DecodeError>,
) -> Result<Message<'a>, DecodeError> {
    let mut cursor = Cursor::new(subject, body);
    let message = read(&mut cursor)?;
    cursor.finish()?;
    Ok(message)
}

#[inline]
fn insert<'a>(cursor: &mut Cursor<'a>, streaming: bool) -> Result<Message<'a>, DecodeError> {
    let streamed_xid = streamed_xid(cursor, streaming)?;
    let relation_id = cursor.u32("relation id")?;
    let new = new_tuple(cursor)?;
    Ok(Message::Insert {
        streamed_xid,
        relation_id,
        new,
    })
}

#[inline]
fn update<'a>(cursor: &mut Cursor<'a>, streaming: bool) -> Result<Message<'a>, DecodeError> {
    let streamed_xid = streamed_xid(cursor, streaming)?;
    let relation_id = cursor.u32("relation id")?;
    let old = match cursor.rest().first() {
        Some(b'K' | b'O') => Some(old_tuple(cursor)?),
        Some(_) | None => None,
    };
    let new = new_tuple(cursor)?;
    Ok(Message::Update {
        streamed_xid,
        relation_id,
        old,
        new,
    })
}

#[inline]
fn delete<'a>(cursor: &mut Cursor<'a>, streaming: bool) -> Result<Message<'a>, DecodeError> {
    let streamed_xid = streamed_xid(cursor, streaming)?;
    let relation_id = cursor.u32("relation id")?;
    let old = old_tuple(cursor)?;
    Ok(Message::Delete {
        streamed_xid,
        relation_id,
        old,
    })
}

#[inline]
fn new_tuple<'a>(cursor: &mut Cursor<'a>) -> Result<Tuple<'a>, DecodeError> {
    match cursor.u8("new tuple kind")? {
        b'N' => take_tuple(cursor),
        kind => Err(cursor.unexpected("new tuple kind", kind)),
    }
}

#[inline]
fn old_tuple<'a>(cursor: &mut Cursor<'a>) -> Result<OldTuple<'a>, DecodeError> {
    match cursor.u8("old tuple kind")? {
        b'O' => Ok(OldTuple::Full(take_tuple(cursor)?)),
        b'K' => Ok(OldTuple::Key(take_tuple(cursor)?)),
        kind => Err(cursor.unexpected("old tuple kind", kind)),
    }
}

#[inline]
fn streamed_xid(cursor: &mut Cursor<'_>, streaming: bool) -> Result<Option<u32>, DecodeError> {
    streaming.then(|| cursor.u32("xid")).transpose()
}

fn begin<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    Ok(Message::Begin {
        final_lsn: lsn(cursor, "final LSN")?,
        committed_at: timestamp(cursor, "commit time")?,
        xid: cursor.u32("xid")?,
    })
}

fn commit<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    Ok(Message::Commit {
        flags: cursor.u8("flags")?,
        commit_lsn: lsn(cursor, "commit LSN")?,
        end_lsn: lsn(cursor, "end LSN")?,
        committed_at: timestamp(cursor, "commit time")?,
    })
}

fn origin<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    Ok(Message::Origin {
        commit_lsn: lsn(cursor, "commit LSN")?,
        name: cursor.text("origin name")?,
    })
}

fn relation<'a>(cursor: &mut Cursor<'a>, streaming: bool) -> Result<Message<'a>, DecodeError> {
    let streamed_xid = streamed_xid(cursor, streaming)?;
    let relation = Relation {
        id: cursor.u32("relation id")?,
        schema: cursor.text("schema name")?.to_owned(),
        name: cursor.text("table name")?.to_owned(),
        replica_identity: replica_identity(cursor)?,
        columns: relation_columns(cursor)?,
    };
    Ok(Message::Relation {
        streamed_xid,
        relation,
    })
}

fn replica_identity(cursor: &mut Cursor<'_>) -> Result<ReplicaIdentity, DecodeError> {
    match cursor.u8("replica identity")? {
        b'd' => Ok(ReplicaIdentity::Default),
        b'n' => Ok(ReplicaIdentity::Nothing),
        b'f' => Ok(ReplicaIdentity::Full),
        b'i' => Ok(ReplicaIdentity::Index),
        value => Err(cursor.unexpected("replica identity", value)),
    }
}

fn relation_columns(cursor: &mut Cursor<'_>) -> Result<Vec<RelationColumn>, DecodeError> {
    let count = usize::from(cursor.u16("column count")?);
    // A corrupt count must not make us allocate more than the message could hold.
    let mut columns = Vec::with_capacity(count.min(cursor.rest().len() / MIN_COLUMN_BYTES));
    for _ in 0..count {
        columns.push(RelationColumn {
            is_key: cursor.bool("column key flag")?,
            name: cursor.text("column name")?.to_owned(),
            type_oid: cursor.u32("type OID")?,
            type_modifier: cursor.i32("type modifier")?,
        });
    }
    Ok(columns)
}

fn r#type<'a>(cursor: &mut Cursor<'a>, streaming: bool) -> Result<Message<'a>, DecodeError> {
    Ok(Message::Type {
        streamed_xid: streamed_xid(cursor, streaming)?,
        oid: cursor.u32("type OID")?,
        schema: cursor.text("schema name")?,
        name: cursor.text("type name")?,
    })
}

fn truncate<'a>(cursor: &mut Cursor<'a>, streaming: bool) -> Result<Message<'a>, DecodeError> {
    let streamed_xid = streamed_xid(cursor, streaming)?;
    let count = cursor.u32("relation count")? as usize;
    let flags = cursor.u8("truncate flags")?;
    if flags & !(CASCADE | RESTART_IDENTITY) != 0 {
        return Err(cursor.unexpected("set of truncate flags", flags));
    }
    // As for a relation's columns: no more than the message could hold.
    let mut relation_ids = Vec::with_capacity(count.min(cursor.rest().len() / RELATION_ID_BYTES));
    for _ in 0..count {
        relation_ids.push(cursor.u32("relation id")?);
    }
    Ok(Message::Truncate {
        streamed_xid,
        cascade: flags & CASCADE != 0,
        restart_identity: flags & RESTART_IDENTITY != 0,
        relation_ids,
    })
}

fn logical<'a>(cursor: &mut Cursor<'a>, streaming: bool) -> Result<Message<'a>, DecodeError> {
    let streamed_xid = streamed_xid(cursor, streaming)?;
    let transactional = cursor.bool("transactional flag")?;
    let lsn = lsn(cursor, "LSN")?;
    let prefix = cursor.text("prefix")?;
    let length = cursor.u32("content length")? as usize;
    let content = cursor.bytes(length, "content")?;
    Ok(Message::Logical {
        streamed_xid,
        transactional,
        lsn,
        prefix,
        content,
    })
}

fn stream_start<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    Ok(Message::StreamStart {
        xid: cursor.u32("xid")?,
        first_segment: cursor.bool("first segment flag")?,
    })
}

fn stream_commit<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    Ok(Message::StreamCommit {
        xid: cursor.u32("xid")?,
        flags: cursor.u8("flags")?,
        commit_lsn: lsn(cursor, "commit LSN")?,
        end_lsn: lsn(cursor, "end LSN")?,
        committed_at: timestamp(cursor, "commit time")?,
    })
}

fn stream_abort<'a>(cursor: &mut Cursor<'a>) -> Result<Message<'a>, DecodeError> {
    Ok(Message::StreamAbort {
        xid: cursor.u32("xid")?,
        subtransaction_xid: cursor.u32("subtransaction xid")?,
    })
}

fn lsn(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Lsn, DecodeError> {
    cursor.u64(field).map(Lsn)
}

fn timestamp(cursor: &mut Cursor<'_>, field: &'static str) -> Result<PgTimestamp, DecodeError> {
    cursor.i64(field).map(PgTimestamp)
}
