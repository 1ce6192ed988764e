// JDBC (MariaDB Connector/J): text and server-side prepared statements, metadata, batches, streams, transactions, errors.
// Run as a source file: java -cp mariadb-java-client.jar TestJdbc.java

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

public class TestJdbc {
    static final String DATABASE = "client_jdbc";
    static final String UNICODE = "Grüße, 世界, \uD83D\uDE00, 'quote', \"double\", back\\slash, %, ?";
    static final String TEXT = "useServerPrepStmts=false";
    static final String BINARY = "useServerPrepStmts=true";

    interface Test {
        void run() throws Exception;
    }

    record Named(String name, Test test) {}

    static final List<Named> TESTS = new ArrayList<>();
    static final List<Connection> OPEN = new ArrayList<>();

    static void test(String name, Test test) {
        TESTS.add(new Named(name, test));
    }

    static Connection connect(String database, String options) throws SQLException {
        String url = "jdbc:mariadb://127.0.0.1:" + System.getenv("AURORA_TEST_PORT") + "/" + database
            + "?useSSL=true&trustServerCertificate=true&" + options;
        Connection conn = DriverManager.getConnection(url, "root", System.getenv("AURORA_TEST_PASSWORD"));
        OPEN.add(conn);
        return conn;
    }

    /** A connection to the tests' database, with an empty table in it. */
    static Connection fresh(String table, String columns, String options) throws SQLException {
        try (Statement first = connect("", options).createStatement()) {
            first.execute("CREATE DATABASE IF NOT EXISTS " + DATABASE);
        }
        Connection conn = connect(DATABASE, options);
        run(conn, "DROP TABLE IF EXISTS " + table);
        run(conn, "CREATE TABLE " + table + " (" + columns + ")");
        return conn;
    }

    static int run(Connection conn, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = conn.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            statement.execute();
            return statement.getUpdateCount();
        }
    }

    static List<List<Object>> rows(Connection conn, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = conn.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            try (ResultSet result = statement.executeQuery()) {
                return all(result);
            }
        }
    }

    static List<List<Object>> all(ResultSet result) throws SQLException {
        List<List<Object>> all = new ArrayList<>();
        int width = result.getMetaData().getColumnCount();
        while (result.next()) {
            List<Object> row = new ArrayList<>();
            for (int i = 1; i <= width; i++) row.add(result.getObject(i));
            all.add(row);
        }
        return all;
    }

    static List<Object> row(Object... cells) {
        return Arrays.asList(cells);
    }

    static void equal(Object got, Object expected, String what) {
        if (!Objects.deepEquals(got, expected)) {
            throw new AssertionError(what + ": expected " + expected + ", got " + got);
        }
    }

    static void fails(int code, String state, Test test) throws Exception {
        try {
            test.run();
        } catch (SQLException error) {
            equal(error.getErrorCode() + " " + error.getSQLState(), code + " " + state, error.getMessage());
            return;
        }
        throw new AssertionError("expected error " + code + ", none came");
    }

    static void types(String options) throws SQLException {
        Connection conn = fresh("types", "id INT PRIMARY KEY AUTO_INCREMENT, ti TINYINT, si SMALLINT UNSIGNED, i INT, "
            + "bi BIGINT, bu BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(20,6), da DATE, t TIME, dt DATETIME(6), "
            + "ts TIMESTAMP(3) NULL, c CHAR(8), v VARCHAR(200), tx LONGTEXT, b BLOB, e ENUM('small','big'), "
            + "s SET('a','b','c'), j JSON, bit1 BIT(1), bit9 BIT(9)", options);
        byte[] bytes = new byte[256];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) i;
        String long_ = UNICODE.repeat(5000);
        try (PreparedStatement insert = conn.prepareStatement(
                "INSERT INTO types (ti,si,i,bi,bu,f,d,n,da,t,dt,ts,c,v,tx,b,e,s,j,bit1,bit9) "
                + "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", Statement.RETURN_GENERATED_KEYS)) {
            int at = 1;
            insert.setByte(at++, (byte) -128);
            insert.setInt(at++, 65535);
            insert.setInt(at++, Integer.MIN_VALUE);
            insert.setLong(at++, Long.MIN_VALUE);
            insert.setBigDecimal(at++, new BigDecimal("18446744073709551615"));
            insert.setFloat(at++, 1.5f);
            insert.setDouble(at++, 0.1);
            insert.setBigDecimal(at++, new BigDecimal("-12345678901234.567890"));
            // As text: this driver's binary dates are longer than MySQL takes (we take both).
            insert.setString(at++, "2024-02-29");
            insert.setTime(at++, java.sql.Time.valueOf("23:59:58"));
            insert.setTimestamp(at++, Timestamp.valueOf("2024-12-31 23:59:59.123456"));
            insert.setTimestamp(at++, Timestamp.valueOf("2001-02-03 04:05:06.007"));
            insert.setString(at++, "char");
            insert.setString(at++, UNICODE);
            insert.setString(at++, long_);
            insert.setBytes(at++, bytes);
            insert.setString(at++, "big");
            insert.setString(at++, "a,c");
            insert.setString(at++, "{\"a\": [1, null]}");
            insert.setBoolean(at++, true);
            insert.setBytes(at, new byte[] {1, 3});
            equal(insert.executeUpdate(), 1, "inserted");
            try (ResultSet keys = insert.getGeneratedKeys()) {
                keys.next();
                equal(keys.getLong(1), 1L, "generated key");
            }
            for (int i = 1; i < 22; i++) insert.setNull(i, Types.NULL);
            equal(insert.executeUpdate(), 1, "inserted NULLs");
        }
        try (PreparedStatement select = conn.prepareStatement("SELECT * FROM types ORDER BY id");
                ResultSet got = select.executeQuery()) {
            got.next();
            equal(got.getByte("ti"), (byte) -128, "ti");
            equal(got.getInt("si"), 65535, "si");
            equal(got.getInt("i"), Integer.MIN_VALUE, "i");
            equal(got.getLong("bi"), Long.MIN_VALUE, "bi");
            equal(got.getBigDecimal("bu"), new BigDecimal("18446744073709551615"), "bu");
            equal(got.getFloat("f"), 1.5f, "f");
            equal(got.getDouble("d"), 0.1, "d");
            equal(got.getBigDecimal("n"), new BigDecimal("-12345678901234.567890"), "n");
            equal(got.getDate("da"), java.sql.Date.valueOf("2024-02-29"), "da");
            equal(got.getTime("t").toString(), "23:59:58", "t");
            equal(got.getTimestamp("dt"), Timestamp.valueOf("2024-12-31 23:59:59.123456"), "dt");
            equal(got.getTimestamp("ts"), Timestamp.valueOf("2001-02-03 04:05:06.007"), "ts");
            equal(got.getString("c"), "char", "c");
            equal(got.getString("v"), UNICODE, "v");
            equal(got.getString("tx"), long_, "tx");
            equal(got.getBytes("b"), bytes, "b");
            equal(got.getString("e"), "big", "e");
            equal(got.getString("s"), "a,c", "s");
            equal(got.getString("j"), "{\"a\": [1, null]}", "j");
            equal(got.getBoolean("bit1"), true, "bit1");
            equal(got.getBytes("bit9"), new byte[] {1, 3}, "bit9");
            got.next();
            for (int i = 2; i <= 22; i++) equal(got.getObject(i), null, "column " + i);
            equal(got.next(), false, "a third row");
        }
    }

    static void define() {
        test("logs in over TLS", () -> {
            Connection conn = connect("", TEXT);
            equal(conn.isValid(5), true, "isValid");
            equal(conn.getMetaData().getDatabaseMajorVersion() >= 8, true, "version");
            equal(rows(conn, "SHOW SESSION STATUS LIKE 'Ssl_cipher'").get(0).get(1).toString().isEmpty(), false, "cipher");
        });
        test("wrong password is 1045", () -> fails(1045, "28000", () -> DriverManager.getConnection(
            "jdbc:mariadb://127.0.0.1:" + System.getenv("AURORA_TEST_PORT") + "/?useSSL=true&trustServerCertificate=true",
            "root", "wrong")));
        test("every common type in text", () -> types(TEXT));
        test("every common type in prepared statements", () -> types(BINARY));
        for (String options : new String[] {TEXT, BINARY}) {
            test("counts are honest, " + options, () -> {
                Connection conn = fresh("counts", "id INT PRIMARY KEY AUTO_INCREMENT, v INT UNIQUE", options);
                equal(run(conn, "INSERT INTO counts (v) VALUES (10), (20), (30)"), 3, "inserted");
                equal(run(conn, "UPDATE counts SET v = v + ?", 1), 3, "updated");
                equal(run(conn, "DELETE FROM counts WHERE id > ?", 1), 2, "deleted");
                equal(run(conn, "INSERT INTO counts VALUES (1, 11) ON DUPLICATE KEY UPDATE v = 12"), 2, "replaced");
                equal(rows(conn, "SELECT id, v FROM counts"), List.of(row(1, 12)), "what is left");
            });
            test("batches, " + options, () -> {
                for (String more : new String[] {"", "&rewriteBatchedStatements=true"}) {
                    Connection conn = fresh("batch", "id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20)", options + more);
                    conn.setAutoCommit(false);
                    try (PreparedStatement insert = conn.prepareStatement("INSERT INTO batch (v) VALUES (?)",
                            Statement.RETURN_GENERATED_KEYS)) {
                        for (int i = 0; i < 500; i++) {
                            insert.setString(1, "row " + i);
                            insert.addBatch();
                        }
                        equal(insert.executeBatch().length, 500, "counts");
                        equal(all(insert.getGeneratedKeys()).size(), 500, "generated keys");
                    }
                    conn.commit();
                    equal(rows(conn, "SELECT COUNT(*), MAX(id) FROM batch"), List.of(row(500L, 500)), "rows");
                    conn.commit();
                }
            });
            test("errors carry number and SQLSTATE, " + options, () -> {
                Connection conn = fresh("failing", "id INT PRIMARY KEY, v TINYINT NOT NULL", options);
                run(conn, "INSERT INTO failing VALUES (1, 1)");
                fails(1062, "23000", () -> run(conn, "INSERT INTO failing VALUES (?, 2)", 1));
                fails(1264, "22003", () -> run(conn, "INSERT INTO failing VALUES (2, ?)", 999));
                fails(1048, "23000", () -> run(conn, "INSERT INTO failing VALUES (2, NULL)"));
                fails(1146, "42S02", () -> run(conn, "SELECT * FROM missing"));
                fails(1054, "42S22", () -> run(conn, "SELECT nothing FROM failing"));
                fails(1064, "42000", () -> run(conn, "SELEC 1"));
                equal(rows(conn, "SELECT * FROM failing"), List.of(row(1, 1)), "rows");
            });
            test("SHOW and EXPLAIN give rows, " + options, () -> {
                Connection conn = fresh("shown", "id INT PRIMARY KEY, v INT", options);
                equal(rows(conn, "SHOW TABLES LIKE 'shown'"), List.of(row("shown")), "SHOW TABLES");
                equal(rows(conn, "SHOW COLUMNS FROM shown").size(), 2, "SHOW COLUMNS");
                equal(rows(conn, "EXPLAIN SELECT * FROM shown WHERE id = ?", 1).size(), 1, "EXPLAIN");
                equal(rows(conn, "SHOW CREATE TABLE shown").get(0).get(0), "shown", "SHOW CREATE TABLE");
            });
            test("rows stream with a fetch size, " + options, () -> {
                Connection conn = fresh("streamed", "id INT PRIMARY KEY", options);
                StringBuilder values = new StringBuilder("INSERT INTO streamed VALUES (0)");
                for (int i = 1; i < 5000; i++) values.append(",(").append(i).append(')');
                run(conn, values.toString());
                try (PreparedStatement select = conn.prepareStatement("SELECT id FROM streamed ORDER BY id")) {
                    select.setFetchSize(100);
                    int at = 0;
                    try (ResultSet result = select.executeQuery()) {
                        while (result.next()) equal(result.getInt(1), at++, "id");
                    }
                    equal(at, 5000, "rows");
                }
            });
        }
        test("columns tell their types before they run", () -> {
            Connection conn = fresh("heads", "id INT NOT NULL PRIMARY KEY, name VARCHAR(10), price DECIMAL(10,2)", BINARY);
            try (PreparedStatement select = conn.prepareStatement("SELECT id, name AS title, price FROM heads WHERE id = ?")) {
                ResultSetMetaData heads = select.getMetaData();
                equal(List.of(heads.getColumnType(1), heads.getColumnType(2), heads.getColumnType(3)),
                    List.of(Types.INTEGER, Types.VARCHAR, Types.DECIMAL), "types");
                equal(List.of(heads.getColumnLabel(2), heads.getColumnName(2), heads.getTableName(2)),
                    List.of("title", "name", "heads"), "names");
                equal(List.of(heads.getPrecision(3), heads.getScale(3), heads.isNullable(1)), List.of(10, 2, 0), "price");
                equal(select.getParameterMetaData().getParameterCount(), 1, "parameters");
            }
        });
        test("DatabaseMetaData describes the schema", () -> {
            Connection conn = fresh("child", "id INT PRIMARY KEY", TEXT);
            run(conn, "DROP TABLE IF EXISTS child");
            run(conn, "DROP TABLE IF EXISTS parent");
            run(conn, "CREATE TABLE parent (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(30) NOT NULL, UNIQUE KEY by_name (name))");
            run(conn, "CREATE TABLE child (id INT PRIMARY KEY, parent INT, CONSTRAINT of_parent FOREIGN KEY (parent) "
                + "REFERENCES parent (id) ON DELETE CASCADE)");
            DatabaseMetaData meta = conn.getMetaData();
            List<String> found = new ArrayList<>();
            try (ResultSet tables = meta.getTables(DATABASE, null, "%", new String[] {"TABLE"})) {
                while (tables.next()) found.add(tables.getString("TABLE_NAME"));
            }
            equal(found.containsAll(List.of("parent", "child")), true, "tables " + found);
            found.clear();
            try (ResultSet columns = meta.getColumns(DATABASE, null, "parent", "%")) {
                while (columns.next()) {
                    found.add(columns.getString("COLUMN_NAME") + " " + columns.getInt("DATA_TYPE") + " "
                        + columns.getString("IS_NULLABLE") + " " + columns.getString("IS_AUTOINCREMENT"));
                }
            }
            equal(found, List.of("id 4 NO YES", "name 12 NO NO"), "columns");
            try (ResultSet keys = meta.getPrimaryKeys(DATABASE, null, "parent")) {
                keys.next();
                equal(keys.getString("COLUMN_NAME") + keys.getInt("KEY_SEQ"), "id1", "primary key");
            }
            try (ResultSet keys = meta.getImportedKeys(DATABASE, null, "child")) {
                keys.next();
                equal(List.of(keys.getString("PKTABLE_NAME"), keys.getString("PKCOLUMN_NAME"), keys.getString("FKCOLUMN_NAME"),
                    keys.getString("FK_NAME"), keys.getInt("DELETE_RULE")),
                    List.of("parent", "id", "parent", "of_parent", DatabaseMetaData.importedKeyCascade), "foreign key");
            }
            found.clear();
            try (ResultSet indexes = meta.getIndexInfo(DATABASE, null, "parent", true, false)) {
                while (indexes.next()) found.add(indexes.getString("INDEX_NAME") + " " + indexes.getString("COLUMN_NAME"));
            }
            equal(found.containsAll(List.of("PRIMARY id", "by_name name")), true, "indexes " + found);
        });
        test("transactions, savepoints and isolation", () -> {
            Connection conn = fresh("moved", "id INT PRIMARY KEY, v INT", BINARY);
            Connection other = connect(DATABASE, BINARY);
            conn.setAutoCommit(false);
            run(conn, "INSERT INTO moved VALUES (1, 1)");
            equal(rows(other, "SELECT COUNT(*) FROM moved"), List.of(row(0L)), "not seen");
            Savepoint point = conn.setSavepoint("here");
            run(conn, "INSERT INTO moved VALUES (2, 2)");
            conn.rollback(point);
            conn.commit();
            equal(rows(other, "SELECT id FROM moved"), List.of(row(1)), "seen");
            run(conn, "DELETE FROM moved");
            conn.rollback();
            equal(rows(other, "SELECT COUNT(*) FROM moved"), List.of(row(1L)), "rolled back");
            for (int level : new int[] {Connection.TRANSACTION_READ_COMMITTED, Connection.TRANSACTION_REPEATABLE_READ,
                    Connection.TRANSACTION_SERIALIZABLE}) {
                conn.setTransactionIsolation(level);
                equal(conn.getTransactionIsolation(), level, "isolation");
            }
            conn.rollback();
            conn.setReadOnly(true);
            conn.setReadOnly(false);
        });
        test("a deadlock is 1213 for one of the two", () -> {
            Connection one = fresh("locked", "id INT PRIMARY KEY, v INT", BINARY);
            Connection two = connect(DATABASE, BINARY);
            run(one, "INSERT INTO locked VALUES (1, 0), (2, 0)");
            one.setAutoCommit(false);
            two.setAutoCommit(false);
            run(one, "UPDATE locked SET v = 1 WHERE id = 1");
            run(two, "UPDATE locked SET v = 2 WHERE id = 2");
            int[] codes = new int[2];
            Thread beside = new Thread(() -> {
                try {
                    run(one, "UPDATE locked SET v = 1 WHERE id = 2");
                } catch (SQLException error) {
                    codes[0] = error.getErrorCode();
                }
            });
            beside.start();
            Thread.sleep(200);
            try {
                run(two, "UPDATE locked SET v = 2 WHERE id = 1");
            } catch (SQLException error) {
                codes[1] = error.getErrorCode();
            }
            // The one that went on may wait for the other's locks until its transaction has ended.
            (codes[1] == 1213 ? one : two).commit();
            beside.join(10_000);
            equal(codes[0] + codes[1], 1213, "codes");
        });
        test("a long statement ends by its timeout", () -> {
            Connection conn = connect("", TEXT);
            try (Statement statement = conn.createStatement()) {
                statement.setQueryTimeout(1);
                long begun = System.nanoTime();
                try {
                    statement.executeQuery("SELECT SLEEP(20)");
                } catch (SQLException error) {
                    // Which of the driver's ways ends it is the driver's.
                }
                equal((System.nanoTime() - begun) / 1_000_000_000 < 10, true, "ended in time");
            }
            equal(connect("", TEXT).isValid(5), true, "the server goes on");
        });
        test("text beyond a packet and a blob by stream", () -> {
            Connection conn = fresh("big", "id INT PRIMARY KEY, b LONGBLOB", BINARY);
            byte[] bytes = "0123456789abcdef".repeat(1 << 17).getBytes(StandardCharsets.US_ASCII);
            try (PreparedStatement insert = conn.prepareStatement("INSERT INTO big VALUES (1, ?)")) {
                insert.setBinaryStream(1, new java.io.ByteArrayInputStream(bytes));
                insert.executeUpdate();
            }
            equal(rows(conn, "SELECT LENGTH(b), SHA2(b, 256) = SHA2(?, 256) FROM big", bytes).get(0).get(1).toString(), "1", "sum");
            try (ResultSet got = conn.createStatement().executeQuery("SELECT b FROM big")) {
                got.next();
                equal(got.getBytes(1), bytes, "bytes");
            }
        });
        test("several statements in one request", () -> {
            Connection conn = connect("", TEXT + "&allowMultiQueries=true");
            try (Statement statement = conn.createStatement()) {
                equal(statement.execute("SELECT 1; DO 2; SELECT 'x'"), true, "rows first");
                equal(all(statement.getResultSet()), List.of(row(1L)), "first");
                equal(statement.getMoreResults(), false, "no rows");
                equal(statement.getUpdateCount(), 0, "count");
                equal(statement.getMoreResults(), true, "rows again");
                equal(all(statement.getResultSet()), List.of(row("x")), "third");
            }
        });
    }

    public static void main(String[] args) {
        define();
        int failed = 0;
        for (Named test : TESTS) {
            long begun = System.nanoTime();
            try {
                test.test.run();
                System.out.println("ok      jdbc: " + test.name + " (" + (System.nanoTime() - begun) / 1_000_000 + " ms)");
            } catch (Throwable error) {
                failed++;
                System.out.println("FAILED  jdbc: " + test.name);
                error.printStackTrace(System.out);
            }
            for (Connection conn : OPEN) {
                try {
                    conn.close();
                } catch (SQLException error) {
                    // Its test has spoken.
                }
            }
            OPEN.clear();
        }
        System.out.println("jdbc: " + (TESTS.size() - failed) + " of " + TESTS.size() + " passed");
        System.exit(failed == 0 ? 0 : 1);
    }
}
