"""Tests the comparison: changes one record of a capture in every way that must not go unnoticed."""
import json, re


def unnoticed(play, diff):
    """Changes one record of a capture in every way that must not go unnoticed; returns the ways that did."""
    lines = (play.results / "right.jsonl").read_text().split("\n")
    rows = [n for n, line in enumerate(lines) if '\\"op\\":' in line]
    middle = rows[len(rows) // 2]

    def with_record(change):
        record = json.loads(lines[middle])
        change(record)
        return lines[:middle] + [json.dumps(record, ensure_ascii=False)] + lines[middle + 1:]

    def in_value(pattern, replacement):
        def change(record):
            text, count = re.subn(pattern, replacement, record["value"], count=1)
            assert count, f"no {pattern} in {record['value']}"
            record["value"] = text
        return with_record(change)

    tampered = {
        "a lost record": lines[:middle] + lines[middle + 1:],
        "a repeated record": lines[:middle] + [lines[middle]] + lines[middle:],
        "white space": in_value(r'"op":', '"op": '),
        "the operation": in_value(r'"op":"(.)"', '"op":"x"'),
        "a clock in the wrong unit": in_value(r'"ts_us":(\d+)\d(?=[^{}]*\}$|[^{}]*\}\}$)', r'"ts_us":\1'),
        "the database": in_value(r'"db":"', '"db":"x'),
        "the order of fields": in_value(r'"op":("."),"ts_ms":(\d+)', r'"ts_ms":\2,"op":\1'),
        "a header less": with_record(lambda record: record["headers"].pop()),
        "the run id": with_record(lambda record: record["headers"][-1].__setitem__(1, "019a7f0e-0000-7000-8000-000000000009")),
        "a key": with_record(lambda record: record.__setitem__("key", (record["key"] or "") + " ")),
        "no value": with_record(lambda record: record.__setitem__("value", None)),
    }
    missed = []
    file = play.results / "tampered.jsonl"
    for what, changed in tampered.items():
        file.write_text("\n".join(changed))
        if diff(play.binary, play.scenario.heartbeats(), play.results / "left.jsonl", file)["equal"]:
            missed.append(f"a tampered record went unnoticed: {what}")
    return missed
