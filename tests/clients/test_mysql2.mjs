// mysql2 for Node: text and binary protocol (execute prepares), pools, errors, transactions.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.AURORA_NODE_MODULES, "package.json"));
const mysql = require("mysql2/promise");

const database = "client_mysql2";
const options = {
  host: "127.0.0.1",
  port: Number(process.env.AURORA_TEST_PORT),
  user: "root",
  password: process.env.AURORA_TEST_PASSWORD,
  ssl: { rejectUnauthorized: false },
  timezone: "Z",
  connectTimeout: 10_000,
};
const unicode = "Grüße, 世界, \u{1F600}, 'quote', \"double\", back\\slash, %";

const tests = [];
const test = (name, run) => tests.push({ name, run });

/** A connection to the tests' database, with an empty table in it when named; closed after the test. */
let open = [];
async function connect(more = {}) {
  const conn = await mysql.createConnection({ ...options, ...more });
  conn.on?.("error", () => {});
  open.push(conn);
  return conn;
}
async function fresh(table, columns, more = {}) {
  const conn = await connect(more);
  await conn.query(`CREATE DATABASE IF NOT EXISTS ${database}`);
  await conn.query(`USE ${database}`);
  if (table) {
    await conn.query(`DROP TABLE IF EXISTS ${table}`);
    await conn.query(`CREATE TABLE ${table} (${columns})`);
  }
  return conn;
}
const rows = async (conn, sql, values) => (await conn.query({ sql, rowsAsArray: true }, values))[0];
const prepared = async (conn, sql, values) => (await conn.execute({ sql, rowsAsArray: true }, values))[0];
const rejects = (promise, errno, sqlState) =>
  assert.rejects(promise, (error) => {
    assert.deepEqual([error.errno, error.sqlState], [errno, sqlState], error.message);
    return true;
  });

test("logs in over TLS", async () => {
  const conn = await connect();
  assert.deepEqual(await rows(conn, "SELECT 1, 'a', NULL"), [[1, "a", null]]);
  const [[, cipher]] = await rows(conn, "SHOW SESSION STATUS LIKE 'Ssl_cipher'");
  assert.notEqual(cipher, "");
  await conn.ping();
});

test("logs in without TLS by RSA", async () => {
  const conn = await connect({ ssl: undefined });
  assert.deepEqual(await rows(conn, "SELECT 2"), [[2]]);
});

test("wrong password is 1045", async () => {
  await rejects(mysql.createConnection({ ...options, password: "wrong" }), 1045, "28000");
  await rejects(mysql.createConnection({ ...options, database: "there_is_no_such" }), 1049, "42000");
});

const columns = `id INT PRIMARY KEY AUTO_INCREMENT, ti TINYINT, si SMALLINT UNSIGNED, mi MEDIUMINT, i INT UNSIGNED, bi BIGINT,
  bu BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(20,6), da DATE, t TIME(3), dt DATETIME(3), ts TIMESTAMP(3) NULL, y YEAR,
  c CHAR(8), v VARCHAR(200), tx TEXT, b BLOB, vb VARBINARY(16), e ENUM('small','big'), s SET('a','b','c'), j JSON`;
const names = "ti,si,mi,i,bi,bu,f,d,n,da,t,dt,ts,y,c,v,tx,b,vb,e,s,j";
const values = [
  -128, 65535, -8388608, 4294967295, "-9223372036854775808", "18446744073709551615", 1.5, 0.1, "-12345678901234.567890",
  "2024-02-29", "-100:02:03.004", "2024-12-31 23:59:59.123", "2001-02-03 04:05:06.007", 2024, "char", unicode,
  "text".repeat(1000), Buffer.from(Array.from({ length: 256 }, (_, i) => i)), Buffer.from([0, 255, 39]), "big", "a,c",
  JSON.stringify({ a: [1, null] }),
];
const expected = values.map((value, i) => (i === values.length - 1 ? { a: [1, null] } : value));

for (const [way, insert, select] of [
  ["text", "query", "query"],
  ["prepared statements", "execute", "execute"],
  ["a prepared insert and a text read", "execute", "query"],
  ["a text insert and a prepared read", "query", "execute"],
]) {
  test(`every common type in ${way}`, async () => {
    const strict = { dateStrings: true, supportBigNumbers: true, bigNumberStrings: true };
    const conn = await fresh("types", columns, strict);
    const marks = values.map(() => "?").join(",");
    const [done] = await conn[insert](`INSERT INTO types (${names}) VALUES (${marks})`, values);
    assert.deepEqual([done.affectedRows, String(done.insertId), done.warningStatus], [1, "1", 0]);
    const nothing = values.map(() => null);
    await conn[insert](`INSERT INTO types (${names}) VALUES (${marks})`, nothing);
    const sql = { sql: `SELECT ${names} FROM types ORDER BY id`, rowsAsArray: true };
    const [got] = await conn[select](sql);
    names.split(",").forEach((name, i) => {
      assert.deepEqual(got[0][i], expected[i], `column ${name}`);
    });
    assert.deepEqual(got[1], nothing);
  });
}

test("dates arrive as dates", async () => {
  const conn = await fresh("dates", "id INT PRIMARY KEY, at DATETIME(3)");
  const at = new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 250));
  await conn.execute("INSERT INTO dates VALUES (?, ?)", [1, at]);
  assert.deepEqual((await rows(conn, "SELECT at FROM dates"))[0][0], at);
  assert.deepEqual((await prepared(conn, "SELECT at FROM dates WHERE at = ?", [at]))[0][0], at);
});

test("columns tell their types", async () => {
  const conn = await fresh("heads", "id INT NOT NULL PRIMARY KEY, name VARCHAR(10), price DECIMAL(10,2), raw BLOB");
  const types = { LONG: 3, VAR_STRING: 253, NEWDECIMAL: 246, BLOB: 252 };
  for (const way of ["query", "execute"]) {
    const [, fields] = await conn[way]("SELECT id, name AS title, price, raw FROM heads");
    assert.deepEqual(fields.map((f) => [f.name, f.columnType]),
      [["id", types.LONG], ["title", types.VAR_STRING], ["price", types.NEWDECIMAL], ["raw", types.BLOB]]);
    assert.deepEqual([fields[1].orgName, fields[1].orgTable, fields[1].schema], ["name", "heads", database]);
  }
});

test("counts are honest", async () => {
  // mysql2 asks for found rows; without that flag an update that changes nothing counts nothing.
  const conn = await fresh("counts", "id INT PRIMARY KEY AUTO_INCREMENT, v INT UNIQUE");
  const done = async (sql, values) => (await conn.execute(sql, values))[0];
  const inserted = await done("INSERT INTO counts (v) VALUES (10), (20), (30)");
  assert.deepEqual([inserted.affectedRows, inserted.insertId], [3, 1]);
  const same = await done("UPDATE counts SET v = ? WHERE v = ?", [20, 20]);
  assert.deepEqual([same.affectedRows, same.changedRows], [1, 0]);
  const all = await done("UPDATE counts SET v = v + 1");
  assert.deepEqual([all.affectedRows, all.changedRows], [3, 3]);
  assert.match(all.info, /^Rows matched: 3  Changed: 3  Warnings: 0$/);
  assert.equal((await done("DELETE FROM counts WHERE id > ?", [1])).affectedRows, 2);
});

test("a prepared statement runs again with other types", async () => {
  const conn = await fresh("again", "id INT PRIMARY KEY, v VARCHAR(30)");
  const statement = await conn.prepare("INSERT INTO again VALUES (?, ?)");
  for (const [key, value] of [[1, "one"], [2, null], [3, 3], [4, true]]) await statement.execute([key, value]);
  await statement.close();
  assert.deepEqual(await prepared(conn, "SELECT v FROM again WHERE id >= ? ORDER BY id LIMIT ?", [1, "3"]),
    [["one"], [null], ["3"]]);
  assert.deepEqual(await prepared(conn, "SELECT COUNT(*), SUM(id), AVG(id) FROM again"), [[4, "10", "2.5000"]]);
});

test("a prepared statement follows a changed table", async () => {
  const conn = await fresh("changing", "id INT PRIMARY KEY");
  await conn.query("INSERT INTO changing VALUES (1)");
  const statement = await conn.prepare("SELECT * FROM changing");
  assert.deepEqual((await statement.execute([]))[0], [{ id: 1 }]);
  await conn.query("ALTER TABLE changing ADD COLUMN v INT DEFAULT 7");
  assert.deepEqual((await statement.execute([]))[0], [{ id: 1, v: 7 }]);
  await statement.close();
});

test("errors carry number and SQLSTATE", async () => {
  const conn = await fresh("failing", "id INT PRIMARY KEY, v TINYINT NOT NULL");
  await conn.execute("INSERT INTO failing VALUES (1, 1)");
  for (const way of ["query", "execute"]) {
    await rejects(conn[way]("INSERT INTO failing VALUES (1, 2)"), 1062, "23000");
    await rejects(conn[way]("INSERT INTO failing VALUES (2, 999)"), 1264, "22003");
    await rejects(conn[way]("INSERT INTO failing VALUES (2, NULL)"), 1048, "23000");
    await rejects(conn[way]("SELECT * FROM missing"), 1146, "42S02");
    await rejects(conn[way]("SELECT nothing FROM failing"), 1054, "42S22");
    await rejects(conn[way]("SELEC 1"), 1064, "42000");
  }
  assert.deepEqual(await rows(conn, "SELECT * FROM failing"), [[1, 1]]);
});

test("transactions commit and roll back", async () => {
  const conn = await fresh("moved", "id INT PRIMARY KEY, v INT");
  const other = await fresh();
  await conn.beginTransaction();
  await conn.execute("INSERT INTO moved VALUES (?, ?)", [1, 1]);
  assert.deepEqual(await rows(other, "SELECT COUNT(*) FROM moved"), [[0]]);
  await conn.commit();
  assert.deepEqual(await rows(other, "SELECT COUNT(*) FROM moved"), [[1]]);
  await conn.beginTransaction();
  await conn.execute("DELETE FROM moved");
  await conn.rollback();
  assert.deepEqual(await rows(other, "SELECT COUNT(*) FROM moved"), [[1]]);
});

test("several statements in one request", async () => {
  const conn = await connect({ multipleStatements: true });
  const [results] = await conn.query({ sql: "SELECT 1; DO 2; SELECT 'x', NULL", rowsAsArray: true });
  assert.deepEqual([results[0], results[1].affectedRows, results[2]], [[[1]], 0, [["x", null]]]);
});

test("a pool serves many at once", async () => {
  const conn = await fresh("pooled", "id INT PRIMARY KEY, n INT");
  await conn.query("INSERT INTO pooled VALUES (1, 0)");
  const pool = mysql.createPool({ ...options, database, connectionLimit: 5 });
  await Promise.all(Array.from({ length: 60 }, () => pool.execute("UPDATE pooled SET n = n + ? WHERE id = ?", [1, 1])));
  assert.deepEqual(await rows(pool, "SELECT n FROM pooled"), [[60]]);
  await pool.end();
});

test("the compressed protocol", async () => {
  const conn = await fresh("packed", "id INT PRIMARY KEY, v MEDIUMTEXT", { compress: true });
  const long = "compress me ".repeat(100_000);
  await conn.query("INSERT INTO packed VALUES (1, ?), (2, 'short')", [long]);
  assert.deepEqual(await rows(conn, "SELECT v FROM packed ORDER BY id"), [[long], ["short"]]);
});

test("the user changes on an open connection", async () => {
  const conn = await fresh();
  await conn.query("SET @kept = 1");
  await conn.changeUser({ user: "root", password: options.password, database });
  assert.deepEqual(await rows(conn, "SELECT @kept, DATABASE()"), [[null, database]]);
});

let failed = 0;
for (const { name, run } of tests) {
  const begun = performance.now();
  try {
    await run();
    console.log(`ok      mysql2: ${name} (${Math.round(performance.now() - begun)} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  mysql2: ${name}\n${error.stack}`);
  }
  for (const conn of open) conn.destroy();
  open = [];
}
console.log(`mysql2: ${tests.length - failed} of ${tests.length} passed`);
process.exit(failed ? 1 : 0);
