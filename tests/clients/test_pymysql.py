"""PyMySQL, in pure Python: text protocol, TLS and RSA logins, types, errors, transactions, many results."""

import datetime
import decimal
import ssl
import threading

import pymysql
from pymysql.constants import CLIENT, FIELD_TYPE
from report import HOST, PASSWORD, PORT, USER, equal, main, raises, test

DATABASE = "client_pymysql"
UNICODE = "Grüße, 世界, \U0001F600, 'quote', \"double\", back\\slash, %"


def tls():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(**options):
    options = {"host": HOST, "port": PORT, "user": USER, "password": PASSWORD, "ssl": tls(), "charset": "utf8mb4",
               "connect_timeout": 10, "read_timeout": 30, **options}
    return pymysql.connect(**options)


def fresh(table=None, columns=None):
    """A connection to a database of these tests, with an empty table in it when named."""
    conn = connect(autocommit=True)
    with conn.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        conn.select_db(DATABASE)
        if table:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
            cursor.execute(f"CREATE TABLE {table} ({columns})")
    return conn


def rows(conn, sql, *arguments):
    with conn.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return cursor.fetchall()


@test
def logs_in_over_tls():
    with connect() as conn:
        equal(rows(conn, "SELECT 1"), ((1,),))
        cipher = rows(conn, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        assert cipher[0][1] != "", "no cipher: the connection is not encrypted"
        assert conn.get_server_info(), "a version"


@test
def logs_in_without_tls_by_rsa():
    with connect(ssl=None, ssl_disabled=True) as conn:
        equal(rows(conn, "SELECT CURRENT_USER() LIKE 'root@%'"), ((1,),))


@test
def wrong_password_is_1045():
    raises(pymysql.err.OperationalError, 1045, None, lambda: connect(password="wrong"))
    raises(pymysql.err.OperationalError, 1045, None, lambda: connect(user="nobody_knows", password="x"))


@test
def unknown_database_is_1049():
    raises(pymysql.err.OperationalError, 1049, None, lambda: connect(database="there_is_no_such"))


@test
def every_common_type_comes_back():
    conn = fresh("types", """id INT PRIMARY KEY AUTO_INCREMENT, ti TINYINT, si SMALLINT, mi MEDIUMINT, i INT UNSIGNED,
        bi BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(20,6), da DATE, t TIME(3), dt DATETIME(6),
        ts TIMESTAMP NULL, y YEAR, c CHAR(8), v VARCHAR(200), tx TEXT, b BLOB, vb VARBINARY(16), bt BIT(10),
        e ENUM('small','big'), s SET('a','b','c'), j JSON""")
    values = (-128, -32768, -8388608, 4294967295, -9223372036854775808, 18446744073709551615, 1.5, 0.1,
              decimal.Decimal("-12345678901234.567890"), datetime.date(2024, 2, 29),
              datetime.timedelta(hours=-100, minutes=-2, seconds=-3, milliseconds=-4),
              datetime.datetime(2024, 12, 31, 23, 59, 59, 123456), datetime.datetime(2001, 2, 3, 4, 5, 6), 2024,
              "char", UNICODE, "text" * 1000, bytes(range(256)), b"\x00\xff'", 513, "big", "a,c", '{"a": [1, null]}')
    names = "ti,si,mi,i,bi,bu,f,d,n,da,t,dt,ts,y,c,v,tx,b,vb,bt,e,s,j"
    with conn.cursor() as cursor:
        count = cursor.execute(f"INSERT INTO types ({names}) VALUES ({','.join(['%s'] * len(values))})", values)
        equal(count, 1, "affected rows")
        equal(cursor.lastrowid, 1, "last insert id")
        cursor.execute("INSERT INTO types () VALUES ()")
        equal(cursor.lastrowid, 2, "last insert id")
    got = rows(conn, f"SELECT {names} FROM types ORDER BY id")
    expected = list(values)
    expected[19] = b"\x02\x01"
    equal(got[0], tuple(expected))
    equal(got[1], (None,) * len(values), "NULLs")
    conn.close()


@test
def columns_tell_their_types():
    conn = fresh("heads", "id INT NOT NULL, name VARCHAR(10), price DECIMAL(10,2), at DATETIME, raw BLOB")
    with conn.cursor() as cursor:
        cursor.execute("SELECT id, name AS title, price, at, raw, COUNT(*) OVER () AS n FROM heads")
        names = [column[0] for column in cursor.description]
        kinds = [column[1] for column in cursor.description]
    equal(names, ["id", "title", "price", "at", "raw", "n"])
    equal(kinds, [FIELD_TYPE.LONG, FIELD_TYPE.VAR_STRING, FIELD_TYPE.NEWDECIMAL, FIELD_TYPE.DATETIME, FIELD_TYPE.BLOB,
                  FIELD_TYPE.LONGLONG])
    conn.close()


@test
def counts_are_honest():
    conn = fresh("counts", "id INT PRIMARY KEY AUTO_INCREMENT, v INT, UNIQUE KEY (v)")
    with conn.cursor() as cursor:
        equal(cursor.executemany("INSERT INTO counts (v) VALUES (%s)", [(10,), (20,), (30,)]), 3, "inserted")
        equal(cursor.lastrowid, 1, "first id of several rows")
        equal(cursor.execute("UPDATE counts SET v = 20 WHERE v = 20"), 0, "an update that changes nothing")
        equal(cursor.execute("UPDATE counts SET v = v + 1"), 3, "updated")
        equal(cursor.execute("INSERT INTO counts (id, v) VALUES (1, 99) ON DUPLICATE KEY UPDATE v = 99"), 2, "upsert")
        equal(cursor.execute("REPLACE INTO counts VALUES (1, 5)"), 2, "replace")
        equal(cursor.execute("INSERT IGNORE INTO counts (v) VALUES (5), (6)"), 1, "ignored one")
        equal(cursor.execute("DELETE FROM counts WHERE v > 1000"), 0, "nothing deleted")
        equal(cursor.execute("DELETE FROM counts"), 4, "deleted")
    conn.close()
    with connect(client_flag=CLIENT.FOUND_ROWS, database=DATABASE, autocommit=True) as found:
        with found.cursor() as cursor:
            cursor.execute("INSERT INTO counts (v) VALUES (1), (2)")
            equal(cursor.execute("UPDATE counts SET v = 1 WHERE v = 1"), 1, "found rows count where asked for")


@test
def errors_have_mysqls_numbers():
    conn = fresh("errors", "id INT PRIMARY KEY, v TINYINT NOT NULL, name VARCHAR(3)")
    cursor = conn.cursor()
    cursor.execute("INSERT INTO errors VALUES (1, 1, 'a')")
    for kind, code, sql in [
        (pymysql.err.IntegrityError, 1062, "INSERT INTO errors VALUES (1, 2, 'b')"),
        (pymysql.err.IntegrityError, 1048, "INSERT INTO errors VALUES (2, NULL, 'b')"),
        (pymysql.err.DataError, 1264, "INSERT INTO errors VALUES (2, 128, 'b')"),
        (pymysql.err.DataError, 1406, "INSERT INTO errors VALUES (2, 1, 'long')"),
        (pymysql.err.ProgrammingError, 1146, "SELECT * FROM missing"),
        (pymysql.err.OperationalError, 1054, "SELECT missing FROM errors"),
        (pymysql.err.ProgrammingError, 1064, "SELEC 1"),
        (pymysql.err.OperationalError, 1050, "CREATE TABLE errors (id INT)"),
        (pymysql.err.OperationalError, 1305, "SELECT no_such_function(1)"),
    ]:
        raises(kind, code, None, lambda sql=sql: cursor.execute(sql))
    error = raises(pymysql.err.IntegrityError, 1062, None,
                   lambda: cursor.execute("INSERT INTO errors VALUES (1, 2, 'b')"))
    equal(error.args[1], "Duplicate entry '1' for key 'errors.PRIMARY'")
    equal(rows(conn, "SELECT * FROM errors"), ((1, 1, "a"),))
    conn.close()


@test
def warnings_are_counted_and_shown():
    conn = fresh("warned", "v TINYINT, name VARCHAR(3)")
    cursor = conn.cursor()
    cursor.execute("INSERT IGNORE INTO warned VALUES (300, 'long')")
    equal(cursor.warning_count, 2)
    equal(conn.show_warnings(), (
        ("Warning", 1264, "Out of range value for column 'v' at row 1"),
        ("Warning", 1265, "Data truncated for column 'name' at row 1"),
    ))
    equal(rows(conn, "SELECT * FROM warned"), ((127, "lon"),))
    cursor.execute("DROP TABLE IF EXISTS not_there")
    equal(cursor.warning_count, 1)
    conn.close()


@test
def transactions_commit_and_roll_back():
    conn = fresh("accounts", "id INT PRIMARY KEY, amount DECIMAL(12,2) NOT NULL")
    other = connect(database=DATABASE, autocommit=True)
    cursor = conn.cursor()
    cursor.execute("INSERT INTO accounts VALUES (1, 100.00), (2, 50.00)")
    conn.begin()
    cursor.execute("UPDATE accounts SET amount = amount - 30.25 WHERE id = 1")
    cursor.execute("UPDATE accounts SET amount = amount + 30.25 WHERE id = 2")
    before = ((decimal.Decimal("100.00"),), (decimal.Decimal("50.00"),))
    after = ((decimal.Decimal("69.75"),), (decimal.Decimal("80.25"),))
    equal(rows(other, "SELECT amount FROM accounts ORDER BY id"), before, "others do not see it")
    equal(rows(conn, "SELECT amount FROM accounts ORDER BY id"), after, "it sees its own")
    conn.commit()
    equal(rows(other, "SELECT amount FROM accounts ORDER BY id"), after, "all see it now")
    conn.begin()
    cursor.execute("SAVEPOINT one")
    cursor.execute("DELETE FROM accounts WHERE id = 1")
    cursor.execute("ROLLBACK TO SAVEPOINT one")
    cursor.execute("DELETE FROM accounts WHERE id = 2")
    equal(rows(conn, "SELECT id FROM accounts"), ((1,),))
    conn.rollback()
    equal(rows(other, "SELECT COUNT(*) FROM accounts"), ((2,),))
    conn.autocommit(False)
    cursor.execute("INSERT INTO accounts VALUES (3, 1)")
    conn.close()
    equal(rows(other, "SELECT COUNT(*) FROM accounts"), ((2,),), "a closed connection rolls back")
    other.close()


@test
def a_lock_wait_ends_with_1205():
    conn = fresh("locked", "id INT PRIMARY KEY, v INT")
    other = connect(database=DATABASE, autocommit=True)
    conn.cursor().execute("INSERT INTO locked VALUES (1, 1)")
    conn.begin()
    conn.cursor().execute("UPDATE locked SET v = 2 WHERE id = 1")
    cursor = other.cursor()
    cursor.execute("SET innodb_lock_wait_timeout = 1")
    raises(pymysql.err.OperationalError, 1205, None, lambda: cursor.execute("UPDATE locked SET v = 3 WHERE id = 1"))
    conn.commit()
    equal(cursor.execute("UPDATE locked SET v = 3 WHERE id = 1"), 1)
    conn.close()
    other.close()


@test
def many_clients_count_up_without_loss():
    conn = fresh("counter", "id INT PRIMARY KEY, n INT NOT NULL")
    conn.cursor().execute("INSERT INTO counter VALUES (1, 0)")
    failures = []

    def work():
        try:
            with connect(database=DATABASE, autocommit=True) as own:
                for _ in range(25):
                    equal(own.cursor().execute("UPDATE counter SET n = n + 1 WHERE id = 1"), 1)
        except Exception as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(failures, [])
    equal(rows(conn, "SELECT n FROM counter"), ((100,),))
    conn.close()


@test
def several_statements_in_one_request():
    with connect(client_flag=CLIENT.MULTI_STATEMENTS) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT 1; DO 2; SELECT 'x', NULL")
        equal(cursor.fetchall(), ((1,),))
        assert cursor.nextset()
        assert cursor.nextset()
        equal(cursor.fetchall(), (("x", None),))
        assert not cursor.nextset()


@test
def rows_stream_one_by_one():
    conn = fresh("stream", "id INT PRIMARY KEY, v VARCHAR(100)")
    with conn.cursor() as cursor:
        cursor.executemany("INSERT INTO stream VALUES (%s, %s)", [(i, f"row {i}") for i in range(5000)])
    with conn.cursor(pymysql.cursors.SSCursor) as cursor:
        cursor.execute("SELECT id, v FROM stream ORDER BY id DESC")
        equal(cursor.fetchone(), (4999, "row 4999"))
        equal(sum(1 for _ in cursor), 4999)
    with conn.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute("SELECT MIN(id) AS low, MAX(id) AS high FROM stream")
        equal(cursor.fetchone(), {"low": 0, "high": 4999})
    conn.close()


@test
def a_value_of_several_megabytes():
    conn = fresh("large", "id INT PRIMARY KEY, v LONGBLOB")
    value = bytes(range(256)) * 12_000
    with conn.cursor() as cursor:
        cursor.execute("INSERT INTO large VALUES (1, %s)", (value,))
        cursor.execute("SELECT v FROM large")
        assert cursor.fetchone()[0] == value, "the blob differs"
    conn.close()


@test
def ping_and_reconnect():
    conn = connect()
    conn.ping()
    first = conn.thread_id()
    conn.close()
    conn.connect()
    assert conn.thread_id() != first, "a new connection has a new id"
    conn.close()


@test
def kill_ends_another_connection():
    conn, victim = connect(), connect()
    conn.kill(victim.thread_id())
    try:
        rows(victim, "SELECT 1")
        raise AssertionError("the killed connection answers")
    except pymysql.err.OperationalError as error:
        assert error.args[0] in (1927, 2006, 2013, 4031), error
    equal(rows(conn, "SELECT 1"), ((1,),))
    conn.close()


main("pymysql")
