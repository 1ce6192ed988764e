"""Random expressions over the columns in scope, by the kind of value they give."""

from node import Node

LITERALS = {
    "num": ["0", "1", "-1", "2", "7", "10", "255", "-128", "1000000", "2.5", "-0.75", "3.14159", "1e3", "99.99"],
    "str": ["'a'", "'abc'", "'B'", "''", "'12'", "'3.7x'", "'hello'", "'-5'", "'2020-02-29'", "'z'", "'a b'"],
    "date": ["DATE'2020-02-29'", "DATE'1999-12-31'", "DATE'2021-01-01'", "'2020-06-15'"],
    "dt": ["TIMESTAMP'2020-02-29 12:34:56'", "TIMESTAMP'1999-12-31 23:59:59'", "'2021-01-01 00:00:00'",
           "TIMESTAMP'2020-05-05 01:02:03.250'"],
    "time": ["TIME'10:11:12'", "TIME'-01:00:00'", "TIME'100:00:01.5'", "'23:59:59'"],
    "json": ["JSON_OBJECT('a', 1)", "JSON_ARRAY(1, 'x', NULL)", "CAST('{\"a\": [1, 2]}' AS JSON)"],
}
KINDS = list(LITERALS)
UNITS = ["DAY", "MONTH", "YEAR", "HOUR", "MINUTE", "SECOND", "WEEK", "QUARTER"]


class Expressions:
    """`sources` is a list of (alias, [(column, kind)]); `subquery` makes a subquery for a kind, or None."""

    def __init__(self, rng, sources, subquery=None, outer=()):
        self.rng = rng
        self.sources = sources
        self.subquery = subquery
        self.outer = list(outer)

    def pick_column(self, kind):
        found = [f"{alias}.{name}" for alias, columns in self.sources for name, k in columns if k == kind]
        if self.outer and self.rng.random() < 0.3:
            found = [f"{alias}.{name}" for alias, columns in self.outer for name, k in columns if k == kind] or found
        return self.rng.choice(found) if found else None

    def leaf(self, kind):
        column = self.pick_column(kind) if self.rng.random() < 0.75 else None
        if column:
            return Node(kind, column, smaller=[])
        if self.rng.random() < 0.06:
            return Node(kind, "NULL")
        return Node(kind, self.literal(kind))

    def literal(self, kind):
        """One of the odd ones, or one that the columns are likely to hold."""
        r = self.rng
        if kind in ("num", "str", "date") and r.random() < 0.5:
            return {
                "num": lambda: str(r.randint(-20, 50)),
                "str": lambda: r.choice(["'a'", "'abc'", "'b'", "''", "'12'", "'hello'", "'zz'", "'3x'", "'x y'", "'x'"]),
                "date": lambda: f"'{r.randint(1998, 2022)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}'",
            }[kind]()
        return r.choice(LITERALS[kind])

    def searched(self):
        """A column beside literals: what indexes are searched for."""
        r = self.rng
        kind = r.choice(["num", "num", "str", "date", "dt"])
        column = self.pick_column(kind)
        if column is None:
            return [self.literal(kind)]
        v = lambda: self.literal(kind)
        return [r.choice([
            lambda: f"{column} {r.choice(['=', '<', '<=', '>', '>=', '<=>'])} {v()}",
            lambda: f"{column} BETWEEN {v()} AND {v()}",
            lambda: f"{column} IN ({v()}, {v()}, {v()})",
            lambda: f"{column} IS NULL",
            lambda: f"({column} > {v()} AND {column} < {v()})",
            lambda: f"({column} = {v()} OR {column} = {v()} OR {column} > {v()})",
            lambda: f"{column} LIKE {r.choice([chr(39) + c + '%' + chr(39) for c in 'abhx1'])}" if kind == "str" else f"{column} <> {v()}",
        ])()]

    def any(self, depth):
        kind = self.rng.choices(KINDS, [6, 5, 2, 2, 1, 0.3])[0]
        return self.expr(kind, depth)

    def expr(self, kind, depth):
        if depth <= 0 or self.rng.random() < 0.25:
            return self.leaf(kind)
        smaller = ["NULL", LITERALS[kind][1]]
        make = getattr(self, "make_" + kind)
        if self.rng.random() < 0.2:
            make = self.make_generic
            parts = make(kind, depth - 1)
        elif self.subquery and self.rng.random() < 0.06:
            parts = ["(", self.subquery(kind, self), ")"]
        else:
            parts = make(depth - 1)
        return Node(kind, *parts, smaller=smaller)

    def make_generic(self, kind, d):
        e = lambda: self.expr(kind, d)
        return self.rng.choice([
            lambda: ["COALESCE(", e(), ", ", e(), ")"],
            lambda: ["IFNULL(", e(), ", ", e(), ")"],
            lambda: ["NULLIF(", e(), ", ", e(), ")"],
            lambda: ["IF(", self.bool(d), ", ", e(), ", ", e(), ")"],
            lambda: ["CASE WHEN ", self.bool(d), " THEN ", e(), Node("opt", " WHEN ", self.bool(d), " THEN ", e()),
                     Node("opt", " ELSE ", e()), " END"],
            lambda: ["CASE ", self.expr("num", d), " WHEN ", self.expr("num", d), " THEN ", e(), " ELSE ", e(), " END"],
            lambda: ["GREATEST(", e(), ", ", e(), ")"] if kind != "json" else [e()],
            lambda: ["LEAST(", e(), ", ", e(), ")"] if kind != "json" else [e()],
        ])()

    def make_num(self, d):
        n, s, t, dt = (lambda k=k: self.expr(k, d) for k in ("num", "str", "date", "dt"))
        c = self.rng.choice
        return c([
            lambda: ["(", n(), c([" + ", " - ", " * "]), n(), ")"],
            lambda: ["(", n(), c([" / ", " DIV ", " % "]), n(), ")"],
            lambda: ["(- ", n(), ")"],
            lambda: [c(["ABS", "SIGN", "FLOOR", "CEILING", "ROUND"]), "(", n(), ")"],
            lambda: [c(["ROUND", "TRUNCATE"]), "(", n(), ", ", c(["0", "1", "2", "-1", "-2"]), ")"],
            lambda: [c(["LENGTH", "CHAR_LENGTH", "ASCII", "BIT_LENGTH"]), "(", s(), ")"],
            lambda: [c(["LOCATE", "INSTR", "STRCMP", "FIND_IN_SET"]), "(", s(), ", ", s(), ")"],
            lambda: [c(["YEAR", "MONTH", "DAYOFMONTH", "DAYOFWEEK", "WEEKDAY", "DAYOFYEAR", "QUARTER", "WEEK", "YEARWEEK",
                        "TO_DAYS"]), "(", c([t, dt])(), ")"],
            lambda: [c(["HOUR", "MINUTE", "SECOND", "TIME_TO_SEC", "MICROSECOND"]), "(", c([dt, lambda: self.expr("time", d)])(), ")"],
            lambda: ["DATEDIFF(", t(), ", ", dt(), ")"],
            lambda: ["TIMESTAMPDIFF(", c(UNITS), ", ", dt(), ", ", dt(), ")"],
            lambda: ["CAST(", self.any(d), c([" AS SIGNED)", " AS UNSIGNED)", " AS DECIMAL(10,2))", " AS DOUBLE)", " AS DECIMAL(5,3))"])],
            lambda: ["(", n(), c([" & ", " | ", " ^ "]), n(), ")"],
            lambda: ["(", n(), c([" << ", " >> "]), c(["1", "3", "8"]), ")"],
            lambda: ["FIELD(", s(), ", ", s(), ", ", s(), ")"],
            lambda: ["MOD(", n(), ", ", n(), ")"],
            lambda: ["(", self.bool(d), ")"],
            lambda: ["(", s(), " + ", n(), ")"],
            lambda: ["EXTRACT(", c(["YEAR", "DAY", "YEAR_MONTH", "HOUR", "DAY_HOUR", "MINUTE_SECOND"]), " FROM ", dt(), ")"],
            lambda: ["INTERVAL(", n(), ", ", "1, 10, 100", ")"],
            lambda: ["CRC32(", s(), ")"],
            lambda: ["JSON_LENGTH(", self.expr("json", d), ")"],
            lambda: ["SQRT(ABS(", n(), "))"],
            lambda: ["BIT_COUNT(", n(), ")"],
        ])()

    def make_str(self, d):
        n, s, t, dt = (lambda k=k: self.expr(k, d) for k in ("num", "str", "date", "dt"))
        c = self.rng.choice
        small = lambda: c(["0", "1", "2", "3", "-1", "-2", "5"])
        return c([
            lambda: ["CONCAT(", s(), ", ", self.any(d) if self.rng.random() < .3 else s(), ")"],
            lambda: ["CONCAT_WS(',', ", s(), ", ", s(), ", ", s(), ")"],
            lambda: [c(["UPPER", "LOWER", "TRIM", "LTRIM", "RTRIM", "REVERSE", "HEX", "QUOTE"]), "(", s(), ")"],
            lambda: ["SUBSTRING(", s(), ", ", small(), Node("opt", ", " + small()), ")"],
            lambda: [c(["LEFT", "RIGHT", "REPEAT"]), "(", s(), ", ", small(), ")"],
            lambda: ["REPLACE(", s(), ", ", s(), ", ", s(), ")"],
            lambda: [c(["LPAD", "RPAD"]), "(", s(), ", ", small(), ", ", s(), ")"],
            lambda: ["CAST(", self.any(d), c([" AS CHAR)", " AS CHAR(3))"]) ],
            lambda: ["DATE_FORMAT(", c([t, dt])(), ", ", c(["'%Y-%m-%d'", "'%H:%i:%s.%f'", "'%a %b %e %y'", "'%j %U %u %v %x %w'", "'%W %M %D %p %r'"]), ")"],
            lambda: ["SUBSTRING_INDEX(", s(), ", ", s(), ", ", small(), ")"],
            lambda: ["INSERT(", s(), ", ", small(), ", ", small(), ", ", s(), ")"],
            lambda: ["ELT(", n(), ", ", s(), ", ", s(), ")"],
            lambda: [c(["HEX", "BIN", "OCT"]), "(", n(), ")"],
            lambda: ["FORMAT(", n(), ", ", c(["0", "2", "4"]), ")"],
            lambda: ["TRIM(", c(["LEADING ", "TRAILING ", "BOTH "]), s(), " FROM ", s(), ")"],
            lambda: [c(["DAYNAME", "MONTHNAME"]), "(", t(), ")"],
            lambda: ["JSON_UNQUOTE(JSON_EXTRACT(", self.expr("json", d), ", '$.a'))"],
            lambda: ["CONV(", n(), ", 10, ", c(["2", "16", "36"]), ")"],
            lambda: ["REGEXP_REPLACE(", s(), ", '[a-c]', 'x')"],
        ])()

    def interval(self, d):
        return ["INTERVAL ", self.rng.choice(["1", "-1", "31", "13", "100"]) if self.rng.random() < .7 else self.expr("num", 0),
                " ", self.rng.choice(UNITS)]

    def make_date(self, d):
        t, dt = (lambda k=k: self.expr(k, d) for k in ("date", "dt"))
        return self.rng.choice([
            lambda: [self.rng.choice(["DATE_ADD(", "DATE_SUB("]), t(), ", INTERVAL ", self.rng.choice(["1", "-1", "40", "12"]), " ",
                     self.rng.choice(["DAY", "MONTH", "YEAR", "WEEK"]), ")"],
            lambda: ["DATE(", dt(), ")"],
            lambda: ["LAST_DAY(", t(), ")"],
            lambda: ["CAST(", self.any(d), " AS DATE)"],
            lambda: ["FROM_DAYS(TO_DAYS(", t(), ") + 1)"],
            lambda: ["MAKEDATE(", "2000 + ", self.rng.choice(["0", "20"]), ", ", self.expr("num", 0), ")"],
            lambda: ["STR_TO_DATE(", self.expr("str", d), ", '%Y-%m-%d')"],
        ])()

    def make_dt(self, d):
        t, dt = (lambda k=k: self.expr(k, d) for k in ("date", "dt"))
        return self.rng.choice([
            lambda: [self.rng.choice(["DATE_ADD(", "DATE_SUB("]), dt(), ", ", *self.interval(d), ")"],
            lambda: ["(", dt(), " + ", *self.interval(d), ")"],
            lambda: ["TIMESTAMP(", t(), ")"],
            lambda: ["TIMESTAMP(", t(), ", ", self.expr("time", d), ")"],
            lambda: ["CAST(", self.any(d), self.rng.choice([" AS DATETIME)", " AS DATETIME(3))"])],
            lambda: ["TIMESTAMPADD(", self.rng.choice(UNITS), ", ", self.expr("num", 0), ", ", dt(), ")"],
            lambda: ["ADDTIME(", dt(), ", ", self.expr("time", 0), ")"],
        ])()

    def make_time(self, d):
        return self.rng.choice([
            lambda: ["TIME(", self.expr("dt", d), ")"],
            lambda: ["SEC_TO_TIME(", self.expr("num", d), ")"],
            lambda: ["TIMEDIFF(", self.expr("dt", 0), ", ", self.expr("dt", 0), ")"],
            lambda: ["CAST(", self.any(d), self.rng.choice([" AS TIME)", " AS TIME(2))"])],
            lambda: ["MAKETIME(", self.rng.choice(["1", "12", "-3"]), ", ", self.rng.choice(["0", "30", "61"]), ", 5)"],
            lambda: ["ADDTIME(", self.expr("time", d), ", ", self.expr("time", d), ")"],
        ])()

    def make_json(self, d):
        return self.rng.choice([
            lambda: ["JSON_OBJECT('k', ", self.any(d), ")"],
            lambda: ["JSON_ARRAY(", self.any(d), ", ", self.any(d), ")"],
            lambda: ["JSON_EXTRACT(", self.expr("json", d), ", '$.a')"],
            lambda: ["JSON_SET(", self.expr("json", d), ", '$.b', ", self.any(d), ")"],
            lambda: ["JSON_MERGE_PATCH(", self.expr("json", d), ", ", self.expr("json", d), ")"],
        ])()

    def bool(self, d):
        smaller = ["TRUE", "FALSE", "NULL"]
        return Node("bool", *self.make_bool(d - 1), smaller=smaller)

    def make_bool(self, d):
        c = self.rng.choice
        kind = self.rng.choices(KINDS, [6, 5, 2, 2, 1, 0.2])[0]
        e = lambda: self.expr(kind, d)
        op = lambda: c([" = ", " <> ", " < ", " <= ", " > ", " >= ", " <=> "])
        if self.rng.random() < 0.25:
            return self.searched()
        if d <= 0:
            return [e(), op(), e()]
        choices = [
            lambda: [e(), op(), e()], lambda: [e(), op(), e()],
            lambda: [e(), op(), self.any(d)],
            lambda: ["(", self.bool(d), c([" AND ", " OR ", " AND ", " OR ", " XOR "]), self.bool(d), ")"],
            lambda: ["NOT (", self.bool(d), ")"],
            lambda: [e(), c([" BETWEEN ", " NOT BETWEEN "]), e(), " AND ", e()],
            lambda: [e(), c([" IN (", " NOT IN ("]), e(), Node("opt", ", ", e()), Node("opt", ", ", e()), ")"],
            lambda: [e(), c([" IS NULL", " IS NOT NULL"])],
            lambda: [self.expr("str", d), c([" LIKE ", " NOT LIKE "]), c(["'a%'", "'%b%'", "'_'", "'%1%'", "''"])],
            lambda: [self.expr("str", d), " REGEXP ", c(["'^a'", "'[0-9]+'", "'b$'", "'a|z'"])],
            lambda: ["(", self.bool(d), c([") IS TRUE", ") IS NOT TRUE", ") IS FALSE", ") IS UNKNOWN"])],
            lambda: [self.expr("num", d)],
            lambda: ["(", e(), ", ", self.expr("num", d), ")", c([" = ", " < ", " <> ", " >= ", " <=> "]), "(", e(), ", ", self.expr("num", d), ")"],
        ]
        if self.subquery:
            choices += [
                lambda: [c(["EXISTS (", "NOT EXISTS ("]), self.subquery(kind, self), ")"],
                lambda: [e(), c([" IN (", " NOT IN ("]), self.subquery(kind, self, many=True), ")"],
                lambda: [e(), c([" = ", " > ", " <= ", " <> "]), c(["ANY (", "ALL ("]), self.subquery(kind, self, many=True), ")"],
            ]
        return c(choices)()
