"""Captures with Avro → captures with JSON, so that what differs in every run can be compared by rule.

Nothing is lost: a message becomes its schema's text and its value, every byte has to be used, and a number or a length that
is not written as shortly as it can be is an error. Schema ids are not compared, the schemas behind them are.
"""
import base64, json, struct, urllib.request


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        if not 0 <= length <= len(self.data) - self.at:
            raise ValueError("the message ends too early")
        self.at += length
        return self.data[self.at - length:self.at]

    def long(self):
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                if byte == 0 and shift > 7:
                    raise ValueError("a number is longer than it has to be")
                return (number >> 1) ^ -(number & 1)

    def value(self, schema, names, namespace=None):
        if isinstance(schema, list):
            return self.value(schema[self.long()], names, namespace)
        if isinstance(schema, str):
            if schema in PRIMITIVES:
                return PRIMITIVES[schema](self)
            known, namespace = names[full_name(schema, namespace)]
            return self.record(known, names, namespace)
        kind = schema["type"]
        if kind == "record":
            name = full_name(schema["name"], schema.get("namespace", namespace))
            namespace = name.rpartition(".")[0]
            return self.record(schema, names, namespace)
        if kind in ("array", "map"):
            return self.blocks(schema, names, namespace)
        return self.value(kind, names, namespace)

    def record(self, schema, names, namespace):
        return {field["name"]: self.value(field["type"], names, namespace) for field in schema["fields"]}

    def blocks(self, schema, names, namespace):
        items = []
        count = self.long()
        for _ in range(count):
            key = [self.take(self.long()).decode()] if schema["type"] == "map" else []
            items.append([*key, self.value(schema.get("items", schema.get("values")), names, namespace)])
        if count < 0 or (count and self.long() != 0):
            raise ValueError("an array or map is not in one block")
        return items


PRIMITIVES = {
    "null": lambda reader: None,
    "boolean": lambda reader: {0: False, 1: True}[reader.take(1)[0]],
    "int": Reader.long,
    "long": Reader.long,
    # All bits, as text.
    "float": lambda reader: f"{struct.unpack('<f', bits := reader.take(4))[0]!r} {bits.hex()}",
    "double": lambda reader: f"{struct.unpack('<d', bits := reader.take(8))[0]!r} {bits.hex()}",
    "bytes": lambda reader: reader.take(reader.long()).hex(),
    "string": lambda reader: reader.take(reader.long()).decode(),
}


def full_name(name, namespace):
    return f"{namespace}.{name}" if namespace and "." not in name else name


def define(schema, names, namespace=None):
    """Collects the records, each with its namespace, by full name."""
    if isinstance(schema, list):
        for branch in schema:
            define(branch, names, namespace)
    elif isinstance(schema, dict):
        if schema["type"] == "record":
            name = full_name(schema["name"], schema.get("namespace", namespace))
            namespace = name.rpartition(".")[0]
            if name in names:
                raise ValueError(f"{name} is defined twice")
            names[name] = schema, namespace
            for field in schema["fields"]:
                define(field["type"], names, namespace)
        else:
            define(schema.get("items", schema.get("values", schema["type"])), names, namespace)


def message(spelling, schemas):
    """`{"schema":…,"payload":…}` of a message as a capture spells it."""
    if spelling is None:
        return None
    data = base64.b64decode(spelling["base64"]) if isinstance(spelling, dict) else spelling.encode()
    if data[:1] != b"\0":
        raise ValueError("no Avro message")
    text = schemas[struct.unpack(">i", data[1:5])[0] - 1]
    schema, names = json.loads(text), {}
    define(schema, names)
    reader = Reader(data[5:])
    value = reader.value(schema, names)
    if reader.at != len(reader.data):
        raise ValueError("a message has bytes behind its value")
    return '{"schema":' + text + ',"payload":' + json.dumps(value, ensure_ascii=False) + "}"


def translate(capture, registry, parts):
    """Writes the capture anew, with these parts (key, value) translated, and with the subjects of its prefix as records of a topic of their own."""
    with urllib.request.urlopen(registry + "/all", timeout=10) as answer:
        known = json.load(answer)
    lines = capture.read_text().split("\n")
    prefix = json.loads(lines[0])["prefix"]
    records = [json.loads(line) for line in lines[1:] if line]
    for record in records:
        for part in parts:
            record[part] = message(record[part], known["schemas"])
    subjects = [(subject, text) for subject, texts in sorted(known["subjects"].items()) if prefix in subject for text in texts]
    for offset, (subject, text) in enumerate(subjects):
        value = '{"schema":' + text + ',"payload":null}'
        records.append({"topic": f"{prefix}.subjects", "partition": 0, "offset": offset, "key": subject, "value": value, "headers": []})
    capture.write_text("\n".join(map(json.dumps, [{"prefix": prefix}, *records])) + "\n")
