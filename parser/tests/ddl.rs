//! Definitions, SET, SHOW, accounts and administration: what MySQL 9.7 takes, where it finds the error, and
//! what comes into the tree. The two lists beside this file hold what MySQL answered.

use aurora_parser::*;
use std::io::Read;
use std::path::PathBuf;

fn context() -> ParseContext {
    ParseContext { parameters: false, ..ParseContext::default() }
}

fn parsed(sql: &str) -> Parsed {
    parse(sql.as_bytes(), &context()).unwrap_or_else(|error| panic!("{sql}\n{}", error.message))
}

fn statement(sql: &str) -> Statement {
    parsed(sql).statement
}

fn create_table(sql: &str) -> (Parsed, Vec<TableElement>, Vec<TableOption>) {
    let parsed = parsed(sql);
    let Statement::CreateTable(create) = &parsed.statement else { panic!("{sql}") };
    let CreateTableBody::Definition { elements, options, .. } = create.body.clone() else { panic!("{sql}") };
    (parsed, elements, options)
}

fn column(sql: &str) -> ColumnDefinition {
    let (_, elements, _) = create_table(&format!("CREATE TABLE t ({sql})"));
    let Some(TableElement::Column(column)) = elements.into_iter().next() else { panic!("{sql}") };
    column
}

#[test]
fn accepted_statements() {
    for sql in include_str!("ddl/accept.txt").lines() {
        let parsed = parsed(sql);
        assert_eq!(parsed.next, sql.len(), "{sql}");
    }
}

#[test]
fn rejected_statements() {
    for line in include_str!("ddl/reject.txt").lines() {
        let Some((near, sql)) = line.split_once('\t') else { panic!("{line}") };
        match parse(sql.as_bytes(), &context()) {
            Ok(parsed) => panic!("{sql}\n{:?}", parsed.statement),
            Err(error) => {
                assert_eq!(error.code, 1064, "{sql}\n{}", error.message);
                let wanted = format!("near '{near}' at line 1");
                assert!(error.message.ends_with(&wanted), "{sql}\n{}\nwanted {wanted}", error.message);
            }
        }
    }
}

#[test]
fn types() {
    let ty = column("c INT UNSIGNED ZEROFILL").ty;
    assert!(ty.name == TypeName::Int && ty.unsigned && ty.zerofill);
    assert_eq!(column("c BOOL").ty.length, Some(1));
    let ty = column("c NUMERIC(10, 2)").ty;
    assert_eq!((ty.name, ty.length, ty.decimals), (TypeName::Decimal, Some(10), Some(2)));
    let ty = column("c CHAR(3) BINARY ASCII").ty;
    assert!(ty.binary && ty.charset == Some("latin1".into()));
    let ty = column("c NATIONAL CHARACTER VARYING(5)").ty;
    assert_eq!((ty.name, ty.length, ty.charset), (TypeName::VarChar, Some(5), Some("utf8mb3".into())));
    let ty = column("c ENUM('a', 'it''s', x'41') CHARSET LATIN1").ty;
    let members: Vec<_> = ty.members.iter().map(|member| member.to_str_lossy().into_owned()).collect();
    assert_eq!(members, ["a", "it's", "A"]);
    assert_eq!(ty.charset, Some("latin1".into()));
    assert_eq!(column("c LONG VARBINARY").ty.name, TypeName::MediumBlob);
    assert_eq!(column("c DATETIME(6)").ty.length, Some(6));
}

#[test]
fn attributes_come_in_their_order() {
    let sql =
        "CREATE TABLE t (c TIMESTAMP(3) NULL DEFAULT NOW(3) ON UPDATE CURRENT_TIMESTAMP(3) COMMENT 'x')";
    let (parsed, elements, _) = create_table(sql);
    let TableElement::Column(column) = &elements[0] else { panic!() };
    let [
        ColumnAttribute::Null,
        ColumnAttribute::Default(default),
        ColumnAttribute::OnUpdateNow { fsp: Some(3) },
        ColumnAttribute::Comment(_),
    ] = &column.attributes[..]
    else {
        panic!("{:?}", column.attributes)
    };
    let Expr::Call(call) = parsed.ast.expr(*default) else { panic!() };
    assert!(call.name.name.is("now") && call.args.len() == 1);
}

#[test]
fn expressions_keep_their_text() {
    let sql = "CREATE TABLE t (a INT DEFAULT (1 + 2), b INT AS ( a*2 ) STORED CHECK (b <> 3) NOT ENFORCED, KEY ((a + b) DESC))";
    let (_, elements, _) = create_table(sql);
    let text = |span: Span| std::str::from_utf8(span.of(sql.as_bytes())).unwrap().to_string();
    let TableElement::Column(a) = &elements[0] else { panic!() };
    assert!(
        matches!(a.attributes[..], [ColumnAttribute::DefaultExpr { source, .. }] if text(source) == "1 + 2")
    );
    let TableElement::Column(b) = &elements[1] else { panic!() };
    let [ColumnAttribute::Generated { source, stored: true, .. }, ColumnAttribute::Check(check)] =
        &b.attributes[..]
    else {
        panic!("{:?}", b.attributes)
    };
    assert_eq!(
        (text(*source).as_str(), text(check.source).as_str(), check.enforced),
        ("a*2", "b <> 3", false)
    );
    let TableElement::Key(key) = &elements[2] else { panic!() };
    assert!(
        matches!(key.parts[..], [KeyPart::Expr { source, descending: true, .. }] if text(source) == "a + b")
    );
}

#[test]
fn keys() {
    let (_, elements, _) = create_table(
        "CREATE TABLE t (CONSTRAINT c UNIQUE k USING HASH (a(10) DESC, b ASC) COMMENT 'x' INVISIBLE, \
         FULLTEXT KEY (a) WITH PARSER ngram, \
         CONSTRAINT f FOREIGN KEY i (a, b) REFERENCES s.p (x, y) ON UPDATE SET NULL ON DELETE CASCADE)",
    );
    let TableElement::Key(key) = &elements[0] else { panic!() };
    assert_eq!(
        (key.kind, key.options.using, key.options.visible),
        (KeyKind::Unique, Some(IndexAlgorithm::Hash), Some(false))
    );
    assert!(key.constraint.as_ref().is_some_and(|name| name.is("c")));
    assert!(key.name.as_ref().is_some_and(|name| name.is("k")));
    assert!(matches!(
        &key.parts[..],
        [
            KeyPart::Column { prefix_length: Some(10), descending: true, explicit_order: true, .. },
            KeyPart::Column { prefix_length: None, descending: false, explicit_order: true, .. },
        ]
    ));
    let TableElement::Key(key) = &elements[1] else { panic!() };
    assert!(
        key.kind == KeyKind::FullText && key.options.parser.as_ref().is_some_and(|name| name.is("ngram"))
    );
    let TableElement::ForeignKey(key) = &elements[2] else { panic!() };
    assert_eq!(key.references.table.to_string(), "s.p");
    assert_eq!(key.references.columns.len(), 2);
    assert_eq!(key.references.on_update, Some(ReferenceAction::SetNull));
    assert_eq!(key.references.on_delete, Some(ReferenceAction::Cascade));
}

#[test]
fn table_options_with_and_without_commas() {
    let (_, _, options) = create_table(
        "CREATE TABLE t (a INT) ENGINE InnoDB, CHARSET=UTF8MB4 DEFAULT COLLATE = utf8mb4_bin COMMENT 'x'",
    );
    let [
        TableOption::Engine(engine),
        TableOption::Charset(charset),
        TableOption::Collate(collation),
        TableOption::Comment(_),
    ] = &options[..]
    else {
        panic!("{options:?}")
    };
    assert_eq!((engine, charset), (&"InnoDB".into(), &"utf8mb4".into()));
    assert_eq!(collation, &"utf8mb4_bin".into());
}

#[test]
fn alter_table_actions() {
    let Statement::AlterTable(alter) = statement(
        "ALTER TABLE t ADD (a INT, KEY (a)), CHANGE b c INT FIRST, ENGINE=InnoDB COMMENT='x', DROP d, \
         ALGORITHM=INPLACE, RENAME COLUMN e TO f, LOCK=NONE",
    ) else {
        panic!()
    };
    assert!(matches!(
        &alter.actions[..],
        [
            AlterAction::AddColumn { .. },
            AlterAction::AddKey(_),
            AlterAction::ChangeColumn { place: ColumnPlace::First, .. },
            AlterAction::Option(TableOption::Engine(_)),
            AlterAction::Option(TableOption::Comment(_)),
            AlterAction::DropColumn { .. },
            AlterAction::RenameColumn { .. },
        ]
    ));
    assert_eq!((alter.algorithm, alter.lock), (Some(AlterAlgorithm::InPlace), Some(AlterLock::None)));
}

#[test]
fn views_keep_the_text_of_their_query() {
    let sql = "/*!50001 CREATE ALGORITHM=MERGE */ /*!50013 DEFINER=`root`@`LocalHost` SQL SECURITY INVOKER */ \
               /*!50001 VIEW `v` (`a`) AS select 1 from `t` WITH LOCAL CHECK OPTION */";
    let Statement::CreateView(view) = statement(sql) else { panic!() };
    assert_eq!(view.source.of(sql.as_bytes()), b"select 1 from `t`");
    assert_eq!(view.check_option, Some(CheckOption::Local));
    assert_eq!((view.algorithm, view.security), (Some(ViewAlgorithm::Merge), Some(SqlSecurity::Invoker)));
    let definer = UserName::Named { user: "root".into(), host: "localhost".into(), host_given: true };
    assert_eq!(view.definer, Some(definer));
}

#[test]
fn set_items() {
    let Statement::Set(items) =
        statement("SET @a := 1, autocommit = ON, GLOBAL b = DEFAULT, @@session.c = 1, d.e = 2, NAMES latin1")
    else {
        panic!()
    };
    assert!(matches!(
        &items[..],
        [
            SetItem::UserVariable { .. },
            SetItem::SystemVariable { scope: VariableScope::Implicit, component: None, .. },
            SetItem::SystemVariable { scope: VariableScope::Global, value: SetValue::Default, .. },
            SetItem::SystemVariable { scope: VariableScope::Session, component: None, .. },
            SetItem::SystemVariable { scope: VariableScope::Implicit, component: Some(_), .. },
            SetItem::Names { charset: SetCharset::Named(_), collation: None },
        ]
    ));
    let Statement::SetTransaction(set) =
        statement("SET SESSION TRANSACTION READ ONLY, ISOLATION LEVEL READ COMMITTED")
    else {
        panic!()
    };
    assert_eq!(
        set,
        SetTransaction {
            scope: VariableScope::Session,
            isolation: Some(IsolationLevel::ReadCommitted),
            read_only: Some(true),
        }
    );
}

#[test]
fn show_filters() {
    let Statement::Show(show) = statement("SHOW FULL COLUMNS FROM a.b FROM c LIKE 'x%'") else { panic!() };
    let ShowKind::Columns { extended: false, full: true, table } = &show.kind else { panic!() };
    assert_eq!(table.to_string(), "c.b");
    assert!(matches!(show.filter, Some(ShowFilter::Like(_))));
    let Statement::Show(show) = statement("SHOW VARIABLES WHERE 1") else { panic!() };
    assert!(matches!(show.filter, Some(ShowFilter::Where(_))));
}

#[test]
fn grants() {
    let Statement::Grant(grant) = statement(
        "GRANT SELECT (a, b), CREATE TEMPORARY TABLES, backup_admin ON s.* TO u@H WITH GRANT OPTION",
    ) else {
        panic!()
    };
    let GrantWhat::Privileges(privileges) = &grant.what else { panic!() };
    let names: Vec<_> =
        privileges.iter().map(|privilege| privilege.name.to_str_lossy().into_owned()).collect();
    assert_eq!(names, ["SELECT", "CREATE TEMPORARY TABLES", "BACKUP_ADMIN"]);
    assert_eq!(privileges[0].columns.len(), 2);
    assert!(grant.with_option && matches!(&grant.on, Some(GrantOn::Schema(name)) if name.is("s")));
    let Statement::Revoke(revoke) = statement("REVOKE ALL PRIVILEGES, GRANT OPTION FROM a, b") else {
        panic!()
    };
    assert!(matches!(revoke.what, GrantWhat::All) && revoke.on.is_none() && revoke.from.len() == 2);
}

#[test]
fn bodies_end_where_their_blocks_end() {
    let body = "l1: BEGIN \
        DECLARE CONTINUE HANDLER FOR NOT FOUND, SQLSTATE '23000', 1062 BEGIN SET @a = 1; END; \
        IF CASE WHEN a THEN 1 ELSE 0 END THEN SELECT 1; ELSEIF 2 THEN SELECT IF(1, 2, 3); ELSE BEGIN END; END IF; \
        CASE a WHEN 1 THEN SELECT 'END'; ELSE SELECT 2; END CASE; \
        l2: WHILE a DO SET a = CASE a WHEN 1 THEN 2 END; END WHILE l2; \
        REPEAT SET a = 1; UNTIL a END REPEAT; LOOP LEAVE l1; END LOOP; \
        END l1";
    for (head, unit) in [
        ("CREATE PROCEDURE p(IN a INT, OUT b TEXT) COMMENT 'x' ", ""),
        ("CREATE DEFINER=root@localhost TRIGGER g BEFORE INSERT ON t FOR EACH ROW FOLLOWS f ", ""),
        ("CREATE EVENT e ON SCHEDULE EVERY 1 DAY ", "DO "),
    ] {
        let sql = format!("{head}{unit}{body} ; SELECT 1");
        let parsed = parsed(&sql);
        let span = match &parsed.statement {
            Statement::CreateProcedure(routine) => routine.body,
            Statement::CreateTrigger(trigger) => trigger.body,
            Statement::CreateEvent(event) => event.body.unwrap_or_default(),
            other => panic!("{other:?}"),
        };
        assert_eq!(span.of(sql.as_bytes()), body.as_bytes());
        assert_eq!(sql[parsed.next..].trim(), "SELECT 1");
    }
}

#[test]
fn statements_that_are_not_built_say_so() {
    for (sql, name) in [
        ("CREATE TABLESPACE t ADD DATAFILE 'a'", "CREATE TABLESPACE"),
        ("CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (USER 'a;b')", "CREATE SERVER"),
        ("RESET PERSIST", "RESET PERSIST"),
        ("PURGE BINARY LOGS TO 'x'", "PURGE BINARY LOGS"),
    ] {
        assert!(matches!(statement(sql), Statement::Unsupported { what } if what == name), "{sql}");
    }
}

/// Parses the statements of a dump as the client sends them and counts them. DELIMITER lines are the client's.
fn parse_dump(dump: &[u8]) -> usize {
    let (mut count, mut delimiter, mut rest) = (0, b";".as_slice(), dump);
    let check = |sql: &[u8]| match parse(sql, &context()) {
        Ok(parsed) => {
            let known = !matches!(parsed.statement, Statement::Unsupported { .. });
            assert!(known, "{}", String::from_utf8_lossy(sql));
            Some(parsed.next)
        }
        Err(error) if error.code == 1065 => None,
        Err(error) => panic!("{}\n{}", String::from_utf8_lossy(&sql[..sql.len().min(300)]), error.message),
    };
    loop {
        let end = find(rest, b"\nDELIMITER ").map_or(rest.len(), |at| at + 1);
        let (mut section, tail) = rest.split_at(end);
        while delimiter == b";"
            && let Some(next) = check(section)
        {
            count += 1;
            section = &section[next..];
        }
        while delimiter != b";"
            && let Some(end) = find(section, delimiter)
        {
            count += usize::from(check(&section[..end]).is_some());
            section = &section[end + delimiter.len()..];
        }
        let Some(line) = tail.strip_prefix(b"DELIMITER ") else { return count };
        let end = find(line, b"\n").unwrap_or(line.len());
        (delimiter, rest) = (line[..end].trim_ascii(), &line[end..]);
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[test]
fn dumps() {
    let folder = std::env::var_os("AURORA_CORPORA")
        .map_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpora").into(), PathBuf::from);
    for name in ["chinook.sql.gz", "sakila.sql.gz", "sakila-spatial.sql.gz"] {
        let Ok(file) = std::fs::File::open(folder.join(name)) else {
            println!("skipped: no {name} in {}", folder.display());
            continue;
        };
        let mut dump = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut dump).unwrap();
        let count = parse_dump(&dump);
        assert!(count > 50, "{name}: {count}");
    }
}
