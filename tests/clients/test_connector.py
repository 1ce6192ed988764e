"""MySQL Connector/Python: prepared cursors with every common type, errors with SQLSTATE."""

import datetime
import decimal
import warnings

import mysql.connector
from mysql.connector import errors
from report import HOST, PASSWORD, PORT, USER, equal, main, raises, test

# The client repeats each of the server's warnings on standard error.
warnings.simplefilter("ignore", UserWarning)

DATABASE = "client_connector"
UNICODE = "Grüße, 世界, \U0001F600, 'quote', \"double\", back\\slash, %"


def connect(**options):
    options = {"host": HOST, "port": PORT, "user": USER, "password": PASSWORD, "charset": "utf8mb4", "use_pure": True,
               "connection_timeout": 10, **options}
    return mysql.connector.connect(**options)


def fresh(table=None, columns=None, **options):
    """A connection to a database of these tests, with an empty table in it when named."""
    conn = connect(autocommit=True, **options)
    cursor = conn.cursor()
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    conn.database = DATABASE
    if table:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(f"CREATE TABLE {table} ({columns})")
    cursor.close()
    return conn


def rows(conn, sql, *arguments, prepared=False):
    cursor = conn.cursor(prepared=prepared)
    cursor.execute(sql, arguments)
    result = cursor.fetchall()
    cursor.close()
    return result


@test
def logs_in_over_tls():
    conn = connect()
    cipher = rows(conn, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    assert cipher[0][1] not in ("", b""), "no cipher: the connection is not encrypted"
    equal(rows(conn, "SELECT CURRENT_USER() LIKE 'root@%'"), [(1,)])
    conn.close()


@test
def wrong_password_is_1045():
    raises(errors.ProgrammingError, 1045, "28000", lambda: connect(password="wrong"))
    raises(errors.ProgrammingError, 1045, "28000", lambda: connect(password="wrong", ssl_disabled=True))


@test
def an_account_of_its_own_logs_in_with_its_rights_only():
    conn = fresh("owned", "id INT PRIMARY KEY")
    cursor = conn.cursor()
    cursor.execute("DROP USER IF EXISTS 'reader'@'%'")
    cursor.execute("CREATE USER 'reader'@'%' IDENTIFIED BY 'reader-Password-1'")
    cursor.execute(f"GRANT SELECT ON {DATABASE}.* TO 'reader'@'%'")
    reader = connect(user="reader", password="reader-Password-1", database=DATABASE)
    equal(rows(reader, "SELECT COUNT(*) FROM owned"), [(0,)])
    raises(errors.ProgrammingError, 1142, "42000", lambda: rows(reader, "INSERT INTO owned VALUES (1)"))
    raises(errors.ProgrammingError, 1044, "42000", lambda: rows(reader, "CREATE DATABASE not_allowed"))
    reader.close()
    cursor.execute("DROP USER 'reader'@'%'")
    raises(errors.ProgrammingError, 1045, "28000", lambda: connect(user="reader", password="reader-Password-1"))
    conn.close()


COLUMNS = """id INT PRIMARY KEY AUTO_INCREMENT, ti TINYINT, si SMALLINT, i INT UNSIGNED, bi BIGINT, bu BIGINT UNSIGNED,
    f FLOAT, d DOUBLE, n DECIMAL(20,6), da DATE, t TIME(6), dt DATETIME(6), dz DATETIME, y YEAR, c CHAR(8),
    v VARCHAR(200), tx TEXT, b BLOB, vb VARBINARY(16), e ENUM('small','big'), j JSON"""
NAMES = "ti,si,i,bi,bu,f,d,n,da,t,dt,dz,y,c,v,tx,b,vb,e,j"
VALUES = (-128, 32767, 4294967295, -9223372036854775808, 18446744073709551615, 1.5, 0.1,
          decimal.Decimal("-12345678901234.567890"), datetime.date(2024, 2, 29),
          datetime.timedelta(days=-4, hours=-4, minutes=-2, seconds=-3, microseconds=-4),
          datetime.datetime(2024, 12, 31, 23, 59, 59, 123456), datetime.datetime(1000, 1, 1), 2024, "char", UNICODE,
          "text" * 1000, bytes(range(256)), b"\x00\xff'", "big", '{"a": [1, null]}')


def types_round_trip(insert_prepared, select_prepared):
    conn = fresh("types", COLUMNS)
    names, values = NAMES, list(VALUES)
    if insert_prepared or select_prepared:
        # The client's own encoder and decoder turn a negative time into another one.
        values[names.split(",").index("t")] = datetime.timedelta(hours=100, minutes=2, seconds=3, microseconds=4)
    if select_prepared:
        # The client's own decoder takes the two bytes of a YEAR for the length of a text.
        values.pop(names.split(",").index("y"))
        names = names.replace(",y,", ",")
    cursor = conn.cursor(prepared=insert_prepared)
    marks = ",".join(["%s"] * len(values))
    cursor.execute(f"INSERT INTO types ({names}) VALUES ({marks})", values)
    equal(cursor.rowcount, 1)
    equal(cursor.lastrowid, 1)
    cursor.execute(f"INSERT INTO types ({names}) VALUES ({marks})", (None,) * len(values))
    equal(cursor.lastrowid, 2)
    cursor.close()
    got = rows(conn, f"SELECT {names} FROM types ORDER BY id", prepared=select_prepared)
    for name, cell, expected in zip(names.split(","), got[0], values):
        if isinstance(cell, (bytes, bytearray)):
            expected = expected.encode() if isinstance(expected, str) else expected
            cell = bytes(cell)
        equal(cell, expected, f"column {name}")
    equal(got[1], (None,) * len(values), "NULLs")
    conn.close()


@test
def every_common_type_in_text():
    types_round_trip(insert_prepared=False, select_prepared=False)


@test
def every_common_type_in_prepared_statements():
    types_round_trip(insert_prepared=True, select_prepared=True)


@test
def text_and_prepared_agree():
    types_round_trip(insert_prepared=True, select_prepared=False)
    types_round_trip(insert_prepared=False, select_prepared=True)


@test
def a_prepared_statement_runs_again_with_other_types():
    conn = fresh("again", "id INT PRIMARY KEY, v VARCHAR(30)")
    cursor = conn.cursor(prepared=True)
    for key, value in [(1, "one"), (2, None), (3, 3), (4, decimal.Decimal("4.40")), (5, 5.5)]:
        cursor.execute("INSERT INTO again VALUES (%s, %s)", (key, value))
        equal(cursor.rowcount, 1)
    cursor.close()
    equal(rows(conn, "SELECT v FROM again WHERE id >= %s ORDER BY id", 1, prepared=True),
          [("one",), (None,), ("3",), ("4.40",), ("5.5",)])
    equal(rows(conn, "SELECT id FROM again WHERE id IN (%s, %s) AND v LIKE %s", 1, 5, "o%", prepared=True), [(1,)])
    equal(rows(conn, "SELECT id FROM again ORDER BY id LIMIT %s OFFSET %s", 2, 1, prepared=True), [(2,), (3,)])
    conn.close()


@test
def prepared_errors_keep_the_statement_usable():
    conn = fresh("failing", "id INT PRIMARY KEY, v TINYINT")
    cursor = conn.cursor(prepared=True)
    insert = "INSERT INTO failing VALUES (%s, %s)"
    cursor.execute(insert, (1, 1))
    raises(errors.IntegrityError, 1062, "23000", lambda: cursor.execute(insert, (1, 1)))
    raises(errors.DataError, 1264, "22003", lambda: cursor.execute(insert, (2, 1000)))
    cursor.execute(insert, (2, 2))
    cursor.close()
    broken = conn.cursor(prepared=True)
    raises(errors.ProgrammingError, 1146, "42S02", lambda: broken.execute("SELECT * FROM missing WHERE a = %s", (1,)))
    equal(rows(conn, "SELECT COUNT(*) FROM failing"), [(2,)])
    conn.close()


@test
def many_prepared_rows():
    conn = fresh("many", "id INT PRIMARY KEY, v VARCHAR(40), n DOUBLE")
    conn.autocommit = False
    cursor = conn.cursor(prepared=True)
    for i in range(500):
        cursor.execute("INSERT INTO many VALUES (%s, %s, %s)", (i, f"row {i}", i / 4))
    conn.commit()
    cursor.execute("SELECT id, v, n FROM many WHERE id >= %s ORDER BY id", (400,))
    equal(cursor.fetchone(), (400, "row 400", 100.0))
    equal(len(cursor.fetchall()), 99)
    cursor.close()
    conn.close()


@test
def errors_carry_number_and_sqlstate():
    rows(fresh(), "DROP TABLE IF EXISTS child")
    conn = fresh("stated", "id INT PRIMARY KEY, v INT NOT NULL CHECK (v > 0), parent INT")
    cursor = conn.cursor()
    cursor.execute("CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES stated (id))")
    cursor.execute("INSERT INTO stated VALUES (1, 1, NULL)")
    cursor.execute("INSERT INTO child VALUES (1, 1)")
    for kind, code, state, sql in [
        (errors.IntegrityError, 1062, "23000", "INSERT INTO stated VALUES (1, 1, NULL)"),
        (errors.DatabaseError, 3819, "HY000", "INSERT INTO stated VALUES (2, 0, NULL)"),
        (errors.IntegrityError, 1452, "23000", "INSERT INTO child VALUES (2, 77)"),
        (errors.IntegrityError, 1451, "23000", "DELETE FROM stated WHERE id = 1"),
        (errors.ProgrammingError, 1064, "42000", "SELECT FROM WHERE"),
        (errors.ProgrammingError, 1054, "42S22", "SELECT nothing FROM stated"),
        (errors.ProgrammingError, 1146, "42S02", "SELECT * FROM missing"),
        (errors.ProgrammingError, 1049, "42000", "USE missing_database"),
        (errors.DataError, 1690, "22003", "SELECT 9223372036854775807 + 1"),
        (errors.Error, 1525, "HY000", "SELECT DATE'2024-02-30'"),
    ]:
        raises(kind, code, state, lambda sql=sql: rows(conn, sql))
    cursor.execute("DROP TABLE child")
    conn.close()


@test
def warnings_arrive():
    conn = fresh("warned", "v TINYINT UNSIGNED", get_warnings=True)
    cursor = conn.cursor()
    cursor.execute("INSERT IGNORE INTO warned VALUES (-1)")
    equal(cursor.warnings, [("Warning", 1264, "Out of range value for column 'v' at row 1")])
    equal(rows(conn, "SELECT v FROM warned"), [(0,)])
    conn.close()


@test
def transactions_at_every_level():
    conn, other = fresh("levels", "id INT PRIMARY KEY, v INT"), fresh()
    rows(conn, "INSERT INTO levels VALUES (1, 1)")
    for level, seen in [("READ COMMITTED", 2), ("REPEATABLE READ", 1)]:
        rows(other, "UPDATE levels SET v = 1")
        conn.start_transaction(isolation_level=level)
        equal(rows(conn, "SELECT v FROM levels"), [(1,)])
        rows(other, "UPDATE levels SET v = 2")
        equal(rows(conn, "SELECT v FROM levels"), [(seen,)], level)
        conn.rollback()
        equal(rows(conn, "SELECT v FROM levels"), [(2,)], f"after {level}")
    conn.start_transaction(readonly=True)
    raises(errors.Error, 1792, "25006", lambda: rows(conn, "UPDATE levels SET v = 3"))
    conn.rollback()
    conn.close()
    other.close()


@test
def the_session_starts_afresh():
    conn = fresh()
    rows(conn, "SET @kept = 5")
    rows(conn, "SET SESSION sql_mode = ''")
    equal(rows(conn, "SELECT @kept"), [(5,)])
    conn.reset_session()
    equal(rows(conn, "SELECT @kept"), [(None,)])
    assert "STRICT_TRANS_TABLES" in rows(conn, "SELECT @@sql_mode")[0][0]
    conn.cmd_change_user(USER, PASSWORD, DATABASE)
    equal(rows(conn, "SELECT DATABASE()"), [(DATABASE,)])
    conn.close()


main("mysql-connector-python")
