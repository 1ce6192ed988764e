"""Serves one DuckDB database to several clients: a line of JSON in, a line of JSON out.

Question: {"sql": "SELECT ?", "values": [1]}. Answer: {"rows": [["1"]], "changed": 0} or {"error": "…"}.
Values of rows are text, as in MySQL's text protocol; null is NULL.
"""

import datetime
import json
import os
import signal
import socketserver
import sys

import duckdb


def text(value):
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


class Client(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        cursor = self.server.database.cursor()
        for line in self.rfile:
            question = json.loads(line)
            try:
                answer = self.answer(cursor, question["sql"], question.get("values") or None)
            except Exception as error:  # Whatever it is, the client is told.
                answer = {"error": str(error)}
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    @staticmethod
    def answer(cursor, sql, values):
        cursor.execute(sql, values) if values else cursor.execute(sql)
        description = cursor.description or []
        rows = cursor.fetchall() if description else []
        # What a change gives is one row with its count.
        if len(description) == 1 and description[0][0] == "Count" and not sql.lstrip()[:6].upper() == "SELECT":
            return {"rows": [], "changed": rows[0][0] if rows else 0}
        return {"rows": [[text(value) for value in row] for row in rows], "changed": 0}


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def main():
    path, port = sys.argv[1], int(sys.argv[2])
    server = None

    def stop(*_):
        server.database.close()
        os._exit(0)

    # Open before it listens, so that a connection means that it is ready.
    database = duckdb.connect(path)
    database.execute("SET memory_limit = '4GB'")
    server = Server(("127.0.0.1", port), Client)
    server.database = database
    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()


main()
