"""Stands in for a Schema Registry: registers, finds and shows schemas, checks nothing, forgets everything at its end.

  registry.py PORT
"""
import http.server, json, re, sys, threading, urllib.parse

texts, subjects, lock = [], {}, threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        schema = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["schema"]
        path = urllib.parse.urlsplit(self.path).path
        registering = re.fullmatch(r"/subjects/([^/]+)/versions", path)
        looking = re.fullmatch(r"/subjects/([^/]+)", path)
        if not registering and not looking:
            return self.answer(404, {"error_code": 404, "message": "HTTP 404 Not Found"})
        subject = urllib.parse.unquote((registering or looking)[1])
        with lock:
            versions = subjects.setdefault(subject, []) if registering else subjects.get(subject, [])
            if registering and schema not in versions:
                versions.append(schema)
            if schema not in versions:
                return self.answer(404, {"error_code": 40403, "message": "Schema not found"})
            if schema not in texts:
                texts.append(schema)
            found = {"id": texts.index(schema) + 1}
        if looking:
            found |= {"subject": subject, "version": versions.index(schema) + 1, "schema": schema}
        self.answer(200, found)

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        of_id = re.fullmatch(r"/schemas/ids/(\d+)", path)
        latest = re.fullmatch(r"/subjects/([^/]+)/versions/latest", path)
        with lock:
            if path == "/all":  # only here: what the comparison wants to know
                return self.answer(200, {"schemas": texts, "subjects": subjects})
            if of_id and 0 < int(of_id[1]) <= len(texts):
                return self.answer(200, {"schema": texts[int(of_id[1]) - 1]})
            if latest and (versions := subjects.get(urllib.parse.unquote(latest[1]))):
                schema = versions[-1]
                return self.answer(200, {"subject": urllib.parse.unquote(latest[1]), "version": len(versions),
                                         "id": texts.index(schema) + 1, "schema": schema})
        self.answer(404, {"error_code": 40401, "message": "not found"})

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
