"""What a scenario needs to be replayed offline: the catalog, the pgoutput messages, and Debezium's records of them.

One file of JSON lines a scenario, read by tests/recorded_scenarios.rs: a line with the connector's configuration and the versions,
then types, tables, messages and records, a line each. Of the records only those of the stream are kept: the rows of a snapshot have
no messages.
"""
import json

TYPES = """
SELECT t.oid::int AS oid, n.nspname AS schema, t.typname AS name, CASE WHEN t.typtype NOT IN ('b', 'd', 'e') THEN t.typtype END AS kind,
    nullif(t.typbasetype, 0)::int AS base, t.typtypmod AS modifier, CASE WHEN t.typcategory = 'A' THEN t.typelem::int END AS element,
    (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (
    WITH RECURSIVE used(oid) AS (
        SELECT a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace s ON s.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND s.nspname !~ '^pg_' AND s.nspname <> 'information_schema' AND a.attnum > 0
        UNION SELECT part.oid FROM used JOIN pg_type whole ON whole.oid = used.oid, unnest(ARRAY[whole.typelem, whole.typbasetype]) part(oid)
        WHERE part.oid <> 0)
    SELECT oid FROM used)
ORDER BY t.oid"""

TABLES = """
SELECT n.nspname AS schema, c.relname AS name,
    (SELECT json_agg(json_build_object('name', a.attname, 'type', a.atttypid::int, 'modifier', a.atttypmod,
            'nullable', NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)),
            'default', pg_get_expr(d.adbin, d.adrelid), 'generated', a.attgenerated <> '') ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    coalesce((SELECT json_agg(a.attname ORDER BY k.position)
        FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid, unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, position), pg_attribute a
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indexprs IS NULL AND (NOT i.indisprimary OR k.position <= i.indnkeyatts)
            AND a.attrelid = c.oid AND a.attnum = k.attnum
        GROUP BY i.indexrelid, i.indisprimary, i.indisclustered, x.relname
        ORDER BY i.indisprimary DESC, i.indisclustered DESC, x.relname LIMIT 1), '[]') AS key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2"""

MESSAGES = """
SELECT lsn::text AS lsn, encode(data, 'hex') AS hex
FROM pg_logical_slot_peek_binary_changes('{slot}', NULL, NULL, 'proto_version', '1', 'publication_names', 'judge', 'messages', 'true')"""


class Recording:
    """Of one play: begun before the workload, read while the database is there, written when Debezium's records are."""

    def __init__(self, psql, slot):
        self.psql, self.slot = psql, slot
        psql(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")

    def read(self):
        self.postgres = int(self.psql("SHOW server_version_num"))
        self.types, self.tables = self._rows(TYPES), self._rows(TABLES)
        self.messages = self._rows(MESSAGES.format(slot=self.slot))

    def write(self, config, capture, file):
        """`capture` is what `walstreet diff` saved of Debezium's side."""
        lines = [{"head": {"config": config, "postgres": self.postgres}}]
        for kind, rows in (("type", self.types), ("table", self.tables), ("message", self.messages)):
            lines += [{kind: row} for row in rows]
        records = (json.loads(line) for line in capture.read_text().split("\n") if line)
        lines += [{"record": trimmed(record)} for record in records if "topic" in record and is_streamed(record)]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines))

    def _rows(self, sql):
        return [json.loads(line) for line in self.psql(f"SELECT row_to_json(r) FROM ({sql}) r").split("\n") if line]


def is_streamed(record):
    return record["value"] is None or '"op":"r"' not in record["value"]


def trimmed(record):
    """Without what is different in every run and no message tells."""
    headers = [header for header in record.get("headers", []) if not header[0].startswith("__debezium.context.")]
    kept = {name: record[name] for name in ("topic", "key", "value")}
    return kept | ({"headers": headers} if headers else {})
