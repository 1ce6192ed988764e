#!/usr/bin/env python3
"""Writes the weight tables under types/src/collation/ and types/src/charset/ (format: see uca.rs, single_byte.rs).

Usage: generate_weights.py allkeys-9.0.0.txt allkeys-5.2.0.txt [HOST PORT]
The DUCET files come with the PyPI package pyuca. What Unicode does not publish in that form (the weights of
utf8mb4_unicode_ci and utf8mb4_general_ci, single-byte tables, case pairs) is asked of a running MySQL 9.7,
one code point at a time. Needs pymysql.
"""
import os, re, struct, sys
import pymysql

src = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "types", "src")
host, port = (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 4 else ("127.0.0.1", 33097)
cursor = pymysql.connect(host=host, port=port, user="root", charset="utf8mb4", autocommit=True).cursor()

def ask(sql):
    cursor.execute(sql)
    return cursor.fetchall()

def ducet(path, levels):
    table = {}
    for line in open(path):
        m = re.match(r"^([0-9A-F ]+?)\s*;\s*((?:\[[^\]]*\])+)", line)
        if not m or " " in m.group(1):
            continue  # MySQL leaves the root table's contractions out
        elements = [tuple(int(x, 16) for x in e.split(".")[:3]) for e in re.findall(r"\[[.*]([^\]]*)\]", m.group(2))]
        if levels == 1:
            elements = [(p, 0, 0) for p, _, _ in elements if p]
        table[int(m.group(1), 16)] = elements[:8]  # MySQL keeps eight (U+FDFA has more)
    return table

def pages(table):
    """Page index (0x1100 × u16, FFFF none), pages of 256 × u32, pool of u32; little endian."""
    index, body, pool, known = [], [], [], {}
    for page in range(0x1100):
        entries = []
        for cp in range(page * 256, page * 256 + 256):
            if cp not in table:
                entries.append(0)
                continue
            packed = tuple(p << 14 | s << 5 | t for p, s, t in table[cp])
            if len(packed) <= 1:
                entries.append(0x80000000 | (packed[0] if packed else 0))
                continue
            if packed not in known:
                known[packed] = len(pool)
                pool.extend(packed)
            entries.append(0x40000000 | known[packed] << 4 | len(packed))
        if any(entries):
            index.append(len(body) // 256)
            body.extend(entries)
        else:
            index.append(0xFFFF)
    return struct.pack("<I", len(body) // 256) + struct.pack("<%dH" % len(index), *index) + \
        struct.pack("<%dI" % len(body), *body) + struct.pack("<%dI" % len(pool), *pool)

def write(name, data):
    with open(os.path.join(src, name), "wb") as out:
        out.write(data)
    print(name, len(data))

write("collation/uca900.bin", pages(ducet(sys.argv[1], 3)))
write("collation/uca520.bin", pages(ducet(sys.argv[2], 1)))

points = [n for n in range(0x10000) if not 0xD800 <= n < 0xE000]
ask("CREATE DATABASE IF NOT EXISTS aurora_facts")
ask("DROP TABLE IF EXISTS aurora_facts.points")
ask("CREATE TABLE aurora_facts.points (n INT PRIMARY KEY, c VARCHAR(1) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin)")
for at in range(0, len(points), 4000):
    cursor.executemany("INSERT INTO aurora_facts.points VALUES (%s, %s)", [(n, chr(n)) for n in points[at:at + 4000]])

uca400 = {}
for n, weights in ask("SELECT n, HEX(WEIGHT_STRING(c COLLATE utf8mb4_unicode_ci)) FROM aurora_facts.points"):
    words = [int(weights[i:i + 4], 16) for i in range(0, len(weights), 4)]
    base = 0xFB80 if 0x3400 <= n < 0x4DB6 else 0xFB40 if 0x4E00 <= n < 0x9FA6 else 0xFBC0
    if words != [base + (n >> 15), n & 0x7FFF | 0x8000]:
        uca400[n] = [(w, 0, 0) for w in words]
write("collation/uca400.bin", pages(uca400))

general = {}
for n, weight in ask("SELECT n, HEX(WEIGHT_STRING(c COLLATE utf8mb4_general_ci)) FROM aurora_facts.points"):
    if int(weight, 16) != n:
        general[n] = int(weight, 16)
write("collation/general.bin", b"".join(struct.pack("<HH", n, w) for n, w in sorted(general.items())))

# Upper and lower case: (code point, upper, lower) where they differ; once as Unicode 9 has it (the 0900
# collations), once as the older collations have it. The spaces leave room: MySQL cuts a text that would grow.
more = list(range(0x10000, 0x20000))
for at in range(0, len(more), 4000):
    cursor.executemany("INSERT INTO aurora_facts.points VALUES (%s, %s)", [(n, chr(n)) for n in more[at:at + 4000]])
for name, collation in (("case_unicode.bin", "utf8mb4_0900_ai_ci"), ("case_general.bin", "utf8mb4_general_ci")):
    rows = ask(f"SELECT n, LEFT(UPPER(CONCAT(c, '    ') COLLATE {collation}), 1), "
               f"LEFT(LOWER(CONCAT(c, '    ') COLLATE {collation}), 1) FROM aurora_facts.points WHERE n > 0 ORDER BY n")
    write("collation/" + name, b"".join(struct.pack("<III", n, ord(u), ord(l)) for n, u, l in rows
                                        if (ord(u), ord(l)) != (n, n)))

# Single-byte character sets: 256 × u16 code points each, FFFF where a byte has none; in alphabetical order.
single = [row[0] for row in ask("SELECT character_set_name FROM information_schema.character_sets "
                                "WHERE maxlen = 1 AND character_set_name NOT IN ('binary', 'ascii') ORDER BY 1")]
ask("DROP TABLE IF EXISTS aurora_facts.bytes")
ask("CREATE TABLE aurora_facts.bytes (n INT PRIMARY KEY)")
ask("INSERT INTO aurora_facts.bytes VALUES " + ",".join(f"({n})" for n in range(256)))
out = b""
for charset in single:
    for n, text in ask(f"SELECT n, CONVERT(CHAR(n USING {charset}) USING utf8mb4) FROM aurora_facts.bytes ORDER BY n"):
        out += struct.pack("<H", 0xFFFF if text == "?" and n != 0x3F else ord(text))
write("charset/single_byte.bin", out)

# Their collations that are not _bin: 256 × 2 bytes each, first and second weight (0 none), by id.
out = b""
for name, charset in ask("SELECT collation_name, character_set_name FROM information_schema.collations "
                         "WHERE RIGHT(collation_name, 4) <> '_bin' ORDER BY id"):
    if charset not in single and charset != "ascii":
        continue
    for n, weights in ask(f"SELECT n, HEX(WEIGHT_STRING(CHAR(n USING {charset}) COLLATE {name})) "
                          "FROM aurora_facts.bytes ORDER BY n"):
        if weights is None:  # not a byte of ascii
            words = [n, 0]
        elif name.endswith("_czech_cs"):
            words = [int(weights[:2], 16), 0]  # the first of four levels
        else:
            words = [int(weights[i:i + 2], 16) for i in range(0, len(weights), 2)] + [0]
        out += bytes(words[:2])
write("collation/single_byte.bin", out)
# Their letter case: 256 × (upper, lower) per set.
out = b""
for charset in single:
    for n, upper, lower in ask(f"SELECT n, HEX(UPPER(CHAR(n USING {charset}))), HEX(LOWER(CHAR(n USING {charset}))) "
                               "FROM aurora_facts.bytes ORDER BY n"):
        out += bytes([int(upper or f"{n:X}", 16), int(lower or f"{n:X}", 16)])
write("collation/single_byte_case.bin", out)
ask("DROP DATABASE aurora_facts")
