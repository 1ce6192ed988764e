#!/usr/bin/env python3
"""Random statements on our server and on MySQL 9.7; what differs is made small and printed.

    fuzz.py --ours 127.0.0.1:34777 --password pw --theirs 127.0.0.1:33097 --seed 1 --schemas 20

Needs pymysql (tests/clients/requirements.txt). Ends with 1 when anything differs.
"""

import argparse
import random
import re
import sys
import time
import unicodedata

import pymysql

from node import shrink
from statements import Schema, Statements

FLOATS = (4, 5)
LITERAL = re.compile(r"(?<=[=<>] )('[^']*'|-?\d+)(?![\w.'])")


class Side:
    def __init__(self, address, password, database):
        self.host, port = address.rsplit(":", 1)
        self.port, self.password, self.database = int(port), password, database
        self.connect()

    def connect(self):
        self.conn = pymysql.connect(host=self.host, port=self.port, user="root", password=self.password, conv={},
                                    charset="utf8mb4", autocommit=True, read_timeout=60)
        self.run(f"CREATE DATABASE IF NOT EXISTS {self.database}")
        self.run(f"USE {self.database}")
        self.run("SET time_zone = '+00:00', timestamp = 1600000000")

    def run_prepared(self, sql):
        """As `run`, the literals of comparisons being parameters."""
        values = []

        def take(match):
            values.append(match.group(1))
            return "?"

        text = LITERAL.sub(take, sql)
        if not values or "'" in "".join(v.strip("'") for v in values):
            return self.run(sql)
        quoted = text.replace("\\", "\\\\").replace("'", "''")
        prepared = self.run(f"PREPARE s FROM '{quoted}'")
        if prepared[0] == "error":
            return prepared
        self.run("SET " + ", ".join(f"@p{i} = {v}" for i, v in enumerate(values)))
        return self.run("EXECUTE s USING " + ", ".join(f"@p{i}" for i in range(len(values))))

    def run(self, sql):
        """('rows', rows) or ('ok', affected) or ('error', code)."""
        try:
            with self.conn.cursor() as cursor:
                affected = cursor.execute(sql)
                if cursor.description is None:
                    return ("ok", affected)
                floats = [column[1] in FLOATS for column in cursor.description]
                return ("rows", [tuple(normal(v, f) for v, f in zip(row, floats)) for row in cursor.fetchall()])
        except pymysql.err.Error as error:
            code = error.args[0] if error.args else 0
            if code in (0, 2006, 2013) or isinstance(error, pymysql.err.InterfaceError):
                self.connect()
            return ("error", code, error.args[1] if len(error.args) > 1 else "")
        except Exception as error:  # a protocol error of the client
            self.connect()
            return ("error", -1, repr(error))


def normal(value, is_float):
    """Values that any of the equal rows of a group may stand for are one: letter case, accents, last digits."""
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if is_float:
        return f"{float(value):.7g}".replace("-0", "0") if float(value) == 0 else f"{float(value):.7g}"
    return "".join(c for c in unicodedata.normalize("NFD", value.casefold()) if not unicodedata.combining(c))


def differ(ours, theirs, ordered):
    """None or what differs."""
    if ours[0] != theirs[0]:
        return f"{ours[0]} instead of {theirs[0]}" + (f" {ours[1]}" if ours[0] == "error" else f" {theirs[1]}" if theirs[0] == "error" else "")
    if ours[0] == "rows":
        a, b = ours[1], theirs[1]
        key = lambda row: tuple((v is not None, v or "") for v in row)
        return None if (a == b or sorted(a, key=key) == sorted(b, key=key)) else "rows"
    return None if ours[1] == theirs[1] else f"{ours[0]} {ours[1]} instead of {theirs[1]}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", default="127.0.0.1:34777")
    parser.add_argument("--theirs", default="127.0.0.1:33097")
    parser.add_argument("--password", default="pw")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schemas", type=int, default=5)
    parser.add_argument("--queries", type=int, default=150)
    parser.add_argument("--changes", type=int, default=40)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--database", default="fuzz")
    parser.add_argument("--prepared", action="store_true", help="literals of comparisons as parameters")
    parser.add_argument("--slow", type=float, default=3.0, help="seconds from which a statement of ours is reported")
    parser.add_argument("--shrink", type=float, default=60.0, help="seconds for making one difference small")
    args = parser.parse_args()
    ours = Side(args.ours, args.password, args.database)
    theirs = Side(args.theirs, "", args.database)
    total = found = 0
    seen = {}
    for seed in range(args.seed, args.seed + args.schemas):
        rng = random.Random(seed)
        schema = Schema(rng)
        for sql in schema.setup:
            a, b = ours.run(sql), theirs.run(sql)
            if differ(a, b, False):
                print(f"-- seed {seed} setup: {sql}\n   ours {a}\n   theirs {b}", flush=True)
        statements = Statements(rng, schema, args.depth)

        def compare(tree, ordered):
            sql = tree.sql()
            run = Side.run_prepared if args.prepared else Side.run
            started = time.monotonic()
            a = run(ours, sql)
            took = time.monotonic() - started
            started = time.monotonic()
            b = run(theirs, sql)
            other = time.monotonic() - started
            if took > args.slow and took > 10 * other:
                return f"slow ({took:.1f} s, {other:.3f} s)", a, b
            return differ(a, b, ordered), a, b

        def report(kind, tree, a, b):
            show = lambda r: f"{r[0]} {str(r[1:])[:300]}" if r[0] != "rows" else f"{len(r[1])} rows " + str(
                [row for row in sorted(map(str, r[1])) if row not in set(map(str, (b if r is a else a)[1] if (b if r is a else a)[0] == "rows" else []))][:3])[:400]
            print(f"-- seed {seed} {kind}\n{tree.sql()};\n   ours   {show(a)}\n   theirs {show(b)}", flush=True)

        for _ in range(args.queries):
            tree, ordered = statements.query()
            total += 1
            kind, a, b = compare(tree, ordered)
            if kind is None:
                continue
            found += 1
            if not kind.startswith("slow"):
                deadline = time.monotonic() + args.shrink
                tree = shrink(tree, lambda t: time.monotonic() < deadline and compare(t, ordered)[0] == kind)
                _, a, b = compare(tree, ordered)
            seen[kind] = seen.get(kind, 0) + 1
            report(kind, tree, a, b)
        for _ in range(args.changes):
            tree = statements.change()
            total += 1
            kind, a, b = compare(tree, False)
            for name in schema.tables:
                if kind is None and (what := differ(ours.run(f"SELECT * FROM {name}"), theirs.run(f"SELECT * FROM {name}"), False)):
                    kind = f"table {name}: {what}"
            if kind is not None:
                found += 1
                seen["change " + kind] = seen.get("change " + kind, 0) + 1
                report(kind, tree, a, b)
                for sql in schema.setup:
                    ours.run(sql)
                    theirs.run(sql)
        print(f"-- until seed {seed}: {found} of {total} statements differ", flush=True)
    print(f"{found} of {total} statements differ")
    for kind, count in sorted(seen.items(), key=lambda item: -item[1]):
        print(f"  {count} {kind}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
