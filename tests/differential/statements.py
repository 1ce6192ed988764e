"""Random schemas, queries and changes."""

from expressions import Expressions, KINDS, LITERALS
from node import Node

TYPES = [
    ("TINYINT", "num"), ("SMALLINT UNSIGNED", "num"), ("INT", "num"), ("INT", "num"), ("BIGINT", "num"),
    ("BIGINT UNSIGNED", "num"), ("DECIMAL(10,2)", "num"), ("DECIMAL(20,6)", "num"), ("DOUBLE", "num"),
    ("VARCHAR(20)", "str"), ("VARCHAR(20)", "str"), ("CHAR(5)", "str"), ("TEXT", "str"), ("VARBINARY(8)", "str"),
    ("ENUM('a','b','hello')", "str"), ("SET('x','y','z')", "str"), ("DATE", "date"), ("DATE", "date"),
    ("DATETIME", "dt"), ("DATETIME(3)", "dt"), ("TIMESTAMP NULL", "dt"), ("TIME", "time"), ("TIME(2)", "time"),
    ("YEAR", "num"), ("BIT(8)", "num"), ("JSON", "json"), ("VARCHAR(10) COLLATE utf8mb4_bin", "str"),
]


def value_for(rng, type_name):
    if rng.random() < 0.15:
        return "NULL"
    c = rng.choice
    base = type_name.split("(")[0].split(" ")[0]
    return {
        "TINYINT": lambda: str(rng.randint(-5, 5)),
        "SMALLINT": lambda: str(rng.randint(0, 300)),
        "INT": lambda: str(rng.randint(-20, 20)),
        "BIGINT": lambda: str(rng.randint(0, 50)) if "UNS" in type_name else c(["-9223372036854775808", "9223372036854775807", "0", "7", "12", "-3"]),
        "DECIMAL": lambda: c(["0", "1.25", "-3.5", "99999.99", "12", "0.01", "7.00"]),
        "DOUBLE": lambda: c(["0", "1.5", "-2.25", "1e10", "3", "1e-3"]),
        "VARCHAR": lambda: c(["'a'", "'abc'", "'b'", "''", "'12'", "'hello'", "'zz'", "'A'", "'3x'", "'x y'", "'é'"]),
        "CHAR": lambda: c(["'a'", "'abc'", "'b'", "''", "'12'", "'B'"]),
        "TEXT": lambda: c(["'a'", "'some text'", "'b'", "''", "'-7'"]),
        "VARBINARY": lambda: c(["'a'", "'A'", "x'3132'", "''"]),
        "ENUM": lambda: c(["'a'", "'b'", "'hello'"]),
        "SET": lambda: c(["'x'", "'x,z'", "''", "'y'"]),
        "DATE": lambda: f"'{rng.randint(1998, 2022)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}'",
        "DATETIME": lambda: f"'{rng.randint(1998, 2022)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:07.5'",
        "TIMESTAMP": lambda: f"'20{rng.randint(10, 22)}-0{rng.randint(1, 9)}-11 01:02:03'",
        "TIME": lambda: c(["'10:11:12'", "'-01:00:00.25'", "'00:00:00'", "'123:45:06'"]),
        "YEAR": lambda: str(rng.randint(1990, 2030)),
        "BIT": lambda: str(rng.randint(0, 255)),
        "JSON": lambda: c(["'{\"a\": 1}'", "'[1, 2, \"x\"]'", "'null'", "'\"str\"'", "'{\"a\": {\"b\": 2.5}}'", "'7'"]),
    }[base]()


class Schema:
    def __init__(self, rng, tables=3):
        self.tables = {}
        self.types = {}
        self.setup = []
        for number in range(tables):
            name = f"t{number}"
            columns, keys, types = [], [], {}
            chosen = [("INT", "num"), ("VARCHAR(20)", "str")] + [rng.choice(TYPES) for _ in range(rng.randint(3, 6))]
            for at, (type_name, kind) in enumerate(chosen):
                columns.append((f"c{at}", kind))
                types[f"c{at}"] = type_name
                if "TEXT" not in type_name and "JSON" not in type_name and rng.random() < 0.3:
                    keys.append(f"KEY k{at} (c{at})")
            if rng.random() < 0.3:
                keys.append(rng.choice(["KEY kk (c1, c0)", "KEY kk (c0 DESC, c1)", "UNIQUE kk (c0, c1, id)", "KEY kk (c1(3), c0)"]))
            pk = rng.choice(["id INT PRIMARY KEY AUTO_INCREMENT", "id INT NOT NULL UNIQUE", "id BIGINT PRIMARY KEY"])
            body = ", ".join([pk] + [f"{c} {types[c]}" for c, _ in columns] + keys)
            columns.insert(0, ("id", "num"))
            types["id"] = "INT"
            self.tables[name] = columns
            self.types[name] = types
            self.setup.append(f"DROP TABLE IF EXISTS {name}")
            self.setup.append(f"CREATE TABLE {name} ({body})")
            rows = rng.choice([0, 1, 6, 15, 30])
            for row in range(rows):
                values = [str(row + 1)] + [value_for(rng, types[c]) for c, _ in columns[1:]]
                self.setup.append(f"INSERT INTO {name} VALUES ({', '.join(values)})")


        self.setup += [
            "DROP VIEW IF EXISTS w0", "CREATE VIEW w0 AS SELECT id AS v0, c1 AS v1, c0 + 1 AS v2 FROM t0",
            "DROP VIEW IF EXISTS w1",
            "CREATE VIEW w1 AS SELECT t1.c0 AS v0, MAX(t2.c1) AS v1, COUNT(*) AS v2 FROM t1 JOIN t2 ON t1.id <= t2.id GROUP BY t1.c0",
        ]


class Statements:
    def __init__(self, rng, schema, depth=2):
        self.rng = rng
        self.schema = schema
        self.depth = depth
        self.aliases = 0
        self.level = 0

    def alias(self):
        self.aliases += 1
        return f"a{self.aliases}"

    # -- parts of a SELECT

    def source(self):
        """A table or a derived table: its text and its columns."""
        alias = self.alias()
        if self.rng.random() < 0.12 and self.level < 2:
            node, columns = self.derived()
            return Node("source", "(", node, f") AS {alias}"), (alias, columns)
        name = self.rng.choice(list(self.schema.tables))
        return Node("source", f"{name} AS {alias}"), (alias, self.schema.tables[name])

    def derived(self):
        self.level += 1
        kinds = [self.rng.choice(["num", "str", "date", "num"]) for _ in range(self.rng.randint(1, 3))]
        node = self.plain_select(kinds, names=[f"d{i}" for i in range(len(kinds))])
        self.level -= 1
        return node, [(f"d{i}", kind) for i, kind in enumerate(kinds)]

    def joined(self, outer=()):
        first, scope = self.source()
        parts, sources = [first], [scope]
        for _ in range(self.rng.choices([0, 1, 2, 3], [5, 4, 2, 0.5])[0]):
            text, scope = self.source()
            joined = sources + [scope]
            e = Expressions(self.rng, joined, self.make_subquery, outer)
            word = self.rng.choice([" JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " LEFT JOIN ", " JOIN "])
            if self.rng.random() < 0.6:
                kind = self.rng.choice(["num", "num", "str"])
                left = Expressions(self.rng, sources).leaf(kind)
                right = Expressions(self.rng, [scope]).leaf(kind)
                on = Node("bool", left, " = ", right, smaller=["TRUE"])
                if self.rng.random() < 0.25:
                    on = Node("bool", "(", on, self.rng.choice([" AND ", " AND ", " OR "]), e.bool(1), ")", smaller=["TRUE"])
            else:
                on = e.bool(1)
            parts.append(Node("part", word, text, " ON ", on))
            sources = joined
        return parts, sources

    def make_subquery(self, kind, scope, many=False):
        """A subquery of one column; of one row unless `many`."""
        if self.level >= 2:
            return Node("query", "SELECT ", Expressions(self.rng, []).leaf(kind))
        self.level += 1
        outer = list(scope.outer) + list(scope.sources)
        parts, sources = self.joined(outer)
        e = Expressions(self.rng, sources, None if self.level > 1 else self.make_subquery, outer)
        where = Node("opt", " WHERE ", e.bool(2))
        if many:
            node = Node("query", "SELECT ", e.expr(kind, 1), " FROM ", *parts, where)
        elif kind == "json":
            node = Node("query", "SELECT JSON_ARRAY(COUNT(*)) FROM ", *parts, where)
        else:
            word = self.rng.choice(["MAX(", "MIN(", "SUM(", "COUNT(", "AVG("] if kind == "num" else ["MAX(", "MIN("])
            node = Node("query", "SELECT " + word, e.expr(kind, 1), ") FROM ", *parts, where)
        self.level -= 1
        return node

    def plain_select(self, kinds, names=None):
        parts, sources = self.joined()
        e = Expressions(self.rng, sources, self.make_subquery)
        out = []
        for at, kind in enumerate(kinds):
            out += [", " if at else "", e.expr(kind, self.depth), f" AS {names[at]}" if names else ""]
        distinct = Node("opt", "DISTINCT ") if self.rng.random() < 0.2 else ""
        where = Node("opt", " WHERE ", e.bool(self.depth)) if self.rng.random() < 0.7 else ""
        return Node("query", "SELECT ", distinct, *out, " FROM ", *parts, where)

    def aggregate(self, e):
        n, k = e.expr("num", 1), self.rng.choice(["num", "str", "date", "dt"])
        return self.rng.choice([
            lambda: ["COUNT(*)"],
            lambda: ["COUNT(", Node("opt", "DISTINCT "), e.expr(k, 1), ")"],
            lambda: [self.rng.choice(["SUM(", "AVG("]), Node("opt", "DISTINCT "), n, ")"],
            lambda: [self.rng.choice(["MIN(", "MAX("]), e.expr(k, 1), ")"],
            lambda: ["GROUP_CONCAT(DISTINCT ", e.expr("num", 0), " ORDER BY 1)"],
            lambda: [self.rng.choice(["BIT_AND(", "BIT_OR(", "BIT_XOR("]), n, ")"],
            lambda: [self.rng.choice(["STDDEV(", "VAR_SAMP(", "VAR_POP("]), n, ")"],
            lambda: ["(SUM(", n, ") + COUNT(*))"],
            lambda: ["COALESCE(SUM(", n, "), 0)"],
        ])()

    def grouped(self):
        parts, sources = self.joined()
        e = Expressions(self.rng, sources, self.make_subquery)
        keys = [e.expr(self.rng.choice(["num", "str", "date"]), 1) for _ in range(self.rng.choice([0, 1, 1, 2]))]
        out, group = [], []
        for at, key in enumerate(keys):
            out += [key, ", "]
            group += [", " if at else " GROUP BY ", str(at + 1)]
        out += self.aggregate(e)
        for _ in range(self.rng.randint(0, 2)):
            out.append(Node("opt", ", ", *self.aggregate(e)))
        if keys and self.rng.random() < 0.15:
            group.append(Node("opt", " WITH ROLLUP"))
        where = Node("opt", " WHERE ", e.bool(self.depth)) if self.rng.random() < 0.6 else ""
        having = Node("opt", " HAVING ", *self.aggregate(e), self.rng.choice([" > ", " = ", " <= "]), "1") if self.rng.random() < 0.2 else ""
        return Node("query", "SELECT ", *out, " FROM ", *parts, where, *group, having)

    def windowed(self):
        parts, sources = self.joined()
        e = Expressions(self.rng, sources)
        over = lambda order: [" OVER (", Node("opt", "PARTITION BY ", e.expr(self.rng.choice(["num", "str"]), 0)), " "] + (
            ["ORDER BY ", (e.pick_column("num") or "NULL"), ", ", ", ".join(f"{alias}.{columns[0][0]}" for alias, columns in sources),
             Node("opt", self.rng.choice([" ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " ROWS UNBOUNDED PRECEDING", " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING"]))] if order else []) + [")"]
        c = self.rng.choice
        out = []
        for at in range(self.rng.randint(1, 3)):
            f = c([
                lambda: ["ROW_NUMBER()"] + over(True), lambda: ["RANK()"] + over(True), lambda: ["DENSE_RANK()"] + over(True),
                lambda: ["SUM(", e.expr("num", 1), ")"] + over(c([True, False])), lambda: ["COUNT(*)"] + over(c([True, False])),
                lambda: ["MAX(", e.expr(c(["num", "str", "date"]), 1), ")"] + over(c([True, False])),
                lambda: ["LAG(", e.expr(c(["num", "str"]), 1), ")"] + over(True), lambda: ["LEAD(", e.expr("num", 1), ", 2, 0)"] + over(True),
                lambda: ["FIRST_VALUE(", e.expr("num", 1), ")"] + over(True), lambda: ["LAST_VALUE(", e.expr("num", 1), ")"] + over(True),
                lambda: ["NTILE(3)"] + over(True), lambda: ["AVG(", e.expr("num", 1), ")"] + over(True),
                lambda: ["PERCENT_RANK()"] + over(True), lambda: ["CUME_DIST()"] + over(True),
                lambda: ["NTH_VALUE(", e.expr("num", 1), ", 2)"] + over(True),
            ])()
            out.append(Node("opt" if at else "part", ", " if at else "", *f))
        where = Node("opt", " WHERE ", e.bool(1)) if self.rng.random() < 0.5 else ""
        ids = ", ".join(f"{alias}.{columns[0][0]}" for alias, columns in sources)
        return Node("query", f"SELECT {ids}, ", *out, " FROM ", *parts, where)

    def set_operation(self):
        kinds = [self.rng.choice(["num", "num", "str", "date", "dt"]) for _ in range(self.rng.randint(1, 3))]
        parts = [self.plain_select(kinds)]
        for _ in range(self.rng.randint(1, 2)):
            parts += [self.rng.choice([" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT "]), self.plain_select(kinds)]
        return Node("query", *parts)

    def using(self):
        """NATURAL and USING joins with stars."""
        a, b = self.rng.choice(list(self.schema.tables)), self.rng.choice(list(self.schema.tables))
        x, y = self.alias(), self.alias()
        word = self.rng.choice([" JOIN ", " LEFT JOIN ", " RIGHT JOIN "])
        on = self.rng.choice([" USING (id)", " USING (id, c0)", " USING (c1)"])
        e = Expressions(self.rng, [(x, self.schema.tables[a]), (y, self.schema.tables[b])], self.make_subquery)
        what = self.rng.choice(["*", f"{x}.*, {y}.id", "c1, COUNT(*)" if "c1" in on else f"{x}.c1, {y}.c0"])
        tail = " GROUP BY c1" if "COUNT" in what else ""
        return Node("query", f"SELECT {what} FROM {a} AS {x}{word}{b} AS {y}{on}", Node("opt", " WHERE ", e.bool(2)), tail)

    def viewed(self):
        """A query on the view that the schema has."""
        x = self.alias()
        e = Expressions(self.rng, [(x, [("v0", "num"), ("v1", "str"), ("v2", "num")])], self.make_subquery)
        name, other = self.rng.choice(["w0", "w1"]), self.rng.choice(list(self.schema.tables))
        y = self.alias()
        return Node("query", "SELECT ", e.any(2), Node("opt", ", ", e.any(1)), f" FROM {name} AS {x}",
                    Node("opt", f" LEFT JOIN {other} AS {y} ON {x}.v0 = {y}.c0"), Node("opt", " WHERE ", e.bool(2)))

    def framed(self):
        """Windows with RANGE frames."""
        name, x = self.rng.choice(list(self.schema.tables)), self.alias()
        e = Expressions(self.rng, [(x, self.schema.tables[name])])
        bound = lambda: self.rng.choice(["UNBOUNDED PRECEDING", "3 PRECEDING", "CURRENT ROW", "1 PRECEDING"])
        end = lambda: self.rng.choice(["CURRENT ROW", "2 FOLLOWING", "UNBOUNDED FOLLOWING"])
        f = self.rng.choice(["COUNT(*)", "SUM(id)", "MIN(c1)", "FIRST_VALUE(c0)", "MAX(c0)", "AVG(c0)"])
        return Node("query", f"SELECT id, {f} OVER (", Node("opt", f"PARTITION BY {self.rng.choice(['c1', 'c2'])}"),
                    f" ORDER BY c0 {self.rng.choice(['', 'DESC'])} RANGE BETWEEN {bound()} AND {end()}) FROM {name} AS {x}",
                    Node("opt", " WHERE ", e.bool(1)))

    def query(self):
        """A query and whether its rows come in an order."""
        other = self.rng.random()
        if other < 0.2:
            return Node("top", self.rng.choice([self.using, self.viewed, self.framed])()), False
        pick = self.rng.random()
        if pick < 0.5:
            kinds = [self.rng.choices(KINDS, [6, 5, 2, 2, 1, 0.3])[0] for _ in range(self.rng.randint(1, 4))]
            if self.rng.random() < 0.3:
                names = [f"x{i}" for i in range(len(kinds))]
                base = self.plain_select(kinds, names)
                order = ", ".join(str(i + 1) + self.rng.choice(["", " DESC"]) for i in range(len(kinds)))
                limit = Node("opt", " LIMIT " + self.rng.choice(["1", "3", "10", "2, 5"]))
                return Node("top", base, " ORDER BY " + order, limit), True
            return Node("top", self.plain_select(kinds)), False
        if pick < 0.72:
            return Node("top", self.grouped()), False
        if pick < 0.85:
            return Node("top", self.windowed()), False
        if pick < 0.93:
            return Node("top", self.set_operation()), False
        alias = self.alias()
        node, columns = self.derived()
        e = Expressions(self.rng, [(alias, columns)], self.make_subquery)
        return Node("top", f"WITH {alias} AS (", node, ") SELECT ", e.any(2), ", COUNT(*) FROM ", f"{alias} GROUP BY 1"), False

    def change_of_many(self):
        """UPDATE or DELETE over a join."""
        a, b = self.rng.sample(list(self.schema.tables), 2)
        e = Expressions(self.rng, [("x", self.schema.tables[a]), ("y", self.schema.tables[b])], self.make_subquery)
        join = self.rng.choice([" JOIN ", " LEFT JOIN "])
        on = Node("bool", "x.", self.rng.choice(["id", "c0"]), " = y.", self.rng.choice(["id", "c0"]), smaller=["TRUE"])
        where = Node("opt", " WHERE ", e.bool(2))
        if self.rng.random() < 0.5:
            targets = self.rng.choice(["x", "y", "x, y"])
            return Node("top", f"DELETE {targets} FROM {a} AS x{join}{b} AS y ON ", on, where)
        column, kind = self.rng.choice(self.schema.tables[a][2:])
        # The new value is the same whichever row of the other table comes first.
        own = Expressions(self.rng, [("x", self.schema.tables[a])])
        return Node("top", f"UPDATE {a} AS x{join}{b} AS y ON ", on, f" SET x.{column} = ", own.expr(kind, 1), where)

    def change(self):
        """An INSERT, UPDATE or DELETE."""
        name = self.rng.choice(list(self.schema.tables))
        columns, types = self.schema.tables[name], self.schema.types[name]
        scope = Expressions(self.rng, [(name, columns)], None)
        pick = self.rng.random()
        if self.rng.random() < 0.2:
            return self.change_of_many()
        set_one = lambda: self.rng.choice(columns[1:])
        if pick < 0.3:
            values = [str(self.rng.randint(1, 60))] + [value_for(self.rng, types[c]) for c, _ in columns[1:]]
            word = self.rng.choice(["INSERT INTO", "INSERT IGNORE INTO", "REPLACE INTO"])
            parts = [f"{word} {name} VALUES ({', '.join(values)})"]
            if word == "INSERT INTO" and self.rng.random() < 0.5:
                column, kind = set_one()
                parts.append(Node("opt", f" ON DUPLICATE KEY UPDATE {column} = ", scope.expr(kind, 1)))
            return Node("top", *parts)
        if pick < 0.45:
            (column, kind) = set_one()
            other = self.rng.choice([t for t in self.schema.tables])
            e = Expressions(self.rng, [(other, self.schema.tables[other])], None)
            return Node("top", self.rng.choice(["INSERT", "INSERT IGNORE"]) + f" INTO {name} (id, {column}) SELECT {other}.id + 40, ", e.expr(kind, 1), f" FROM {other}",
                        Node("opt", " WHERE ", e.bool(2)))
        order = Node("opt", " ORDER BY id LIMIT " + str(self.rng.randint(1, 5))) if self.rng.random() < 0.3 else ""
        where = Node("opt", " WHERE ", scope.bool(2))
        if pick < 0.8:
            column, kind = set_one()
            sets = [f"{column} = ", scope.expr(kind, 1)]
            if self.rng.random() < 0.4:
                column, kind = set_one()
                sets.append(Node("opt", f", {column} = ", scope.expr(kind, 1)))
            return Node("top", self.rng.choice(["UPDATE ", "UPDATE ", "UPDATE IGNORE "]), f"{name} SET ", *sets, where, order)
        return Node("top", f"DELETE FROM {name}", where, order)
