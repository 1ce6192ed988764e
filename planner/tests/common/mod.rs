//! A small catalog in memory and a session that knows nothing.

use aurora_catalog::*;
use aurora_expr::{SessionInfo, VariableScope};
use aurora_parser::{ParseContext, Statement};
use aurora_planner::{Plan, PlanContext, plan};
use aurora_types::*;
use std::sync::Arc;

pub struct Session {
    zone: TimeZone,
    mode: SqlMode,
}

impl Session {
    pub fn new(mode: SqlMode) -> Session {
        Session { zone: TimeZone::parse("+00:00").unwrap_or_else(TimeZone::system), mode }
    }
}

impl SessionInfo for Session {
    fn statement_micros(&self) -> i64 {
        1_700_000_000_000_000
    }
    fn time_zone(&self) -> &TimeZone {
        &self.zone
    }
    fn sql_mode(&self) -> SqlMode {
        self.mode
    }
    fn system_variable(&self, name: &str, _: VariableScope) -> SqlResult<Value> {
        match name {
            "autocommit" => Ok(Value::Int(1)),
            _ => Err(SqlError::new(aurora_types::error::ER_UNKNOWN_SYSTEM_VARIABLE, &[&name])),
        }
    }
    fn user_variable(&self, _: &str) -> Option<(Value, SqlType)> {
        None
    }
    fn set_user_variable(&self, _: &str, _: Value, _: &SqlType) {}
}

fn column(id: u32, name: &str, ty: SqlType) -> ColumnDef {
    ColumnDef {
        id: ColumnId(id),
        name: name.into(),
        default: if ty.nullable { ColumnDefault::Null } else { ColumnDefault::None },
        ty,
        on_update_now: false,
        auto_increment: false,
        generated: None,
        comment: String::new(),
        invisible: false,
        srid: None,
        explicit_charset: false,
        explicit_collation: false,
        added_value: None,
    }
}

fn int(nullable: bool) -> SqlType {
    SqlType { nullable, ..SqlType::new(BaseType::Int, 11) }
}

fn varchar(length: u32) -> SqlType {
    SqlType { collation: CollationId::UTF8MB4_0900_AI_CI, ..SqlType::new(BaseType::VarChar, length) }
}

fn index(id: u32, name: &str, kind: IndexKind, columns: &[u32]) -> IndexDef {
    IndexDef {
        id: IndexId(id),
        name: name.into(),
        kind,
        parts: columns
            .iter()
            .map(|c| IndexPart {
                part: KeyPart::Column(ColumnId(*c)),
                prefix_length: None,
                descending: false,
            })
            .collect(),
        storage: StorageId(u64::from(id) + 100),
        state: IndexState::Public,
        invisible: false,
        comment: String::new(),
        using: None,
        parser: None,
    }
}

fn table(id: u64, name: &str, columns: Vec<ColumnDef>, indexes: Vec<IndexDef>) -> TableDef {
    TableDef {
        id: TableId(id),
        schema: "d".into(),
        name: name.into(),
        version: SchemaVersion(1),
        columns,
        storage: StorageId(id),
        indexes,
        foreign_keys: Vec::new(),
        checks: Vec::new(),
        options: TableOptions {
            engine: "InnoDB".into(),
            collation: CollationId::UTF8MB4_0900_AI_CI,
            comment: String::new(),
            auto_increment: None,
            row_format: None,
            kept: Vec::new(),
            create_time_s: 0,
            partition_clause: None,
        },
        next_column_id: 100,
        next_index_id: 100,
        temporary: false,
    }
}

fn view(id: u64, name: &str, columns: &[&str], query: &str, check: ViewCheckOption) -> ViewDef {
    ViewDef {
        id: TableId(id),
        schema: "d".into(),
        name: name.into(),
        columns: columns.iter().map(|c| (*c).into()).collect(),
        query: query.into(),
        algorithm: ViewAlgorithm::Undefined,
        check_option: check,
        security: ViewSecurity::Definer,
        definer: "root@localhost".into(),
        charset_client: "utf8mb4".into(),
        collation_connection: CollationId::UTF8MB4_0900_AI_CI,
        sql_mode: SqlMode::DEFAULT.0,
    }
}

/// d.t (id pk, a key, b, name unique), d.u (id pk, t_id key, x), d.n (k, v without keys); views.
pub fn catalog() -> CatalogSnapshot {
    let mut catalog = CatalogSnapshot::default();
    catalog.put_schema(Arc::new(SchemaDef {
        id: SchemaId(1),
        name: "d".into(),
        collation: CollationId::UTF8MB4_0900_AI_CI,
        read_only: false,
    }));
    let t = table(
        10,
        "t",
        vec![
            column(1, "id", int(false)),
            column(2, "a", int(true)),
            column(3, "b", int(true)),
            column(4, "name", varchar(20)),
        ],
        vec![
            index(1, "PRIMARY", IndexKind::Primary, &[1]),
            index(2, "a", IndexKind::Secondary, &[2, 3]),
            index(3, "name", IndexKind::Unique, &[4]),
        ],
    );
    let u = table(
        11,
        "u",
        vec![column(1, "id", int(false)), column(2, "t_id", int(true)), column(3, "x", int(true))],
        vec![index(1, "PRIMARY", IndexKind::Primary, &[1]), index(2, "t_id", IndexKind::Secondary, &[2])],
    );
    let mut g = table(
        13,
        "g",
        vec![column(1, "id", int(false)), column(2, "c", int(true)), column(3, "twice", int(true))],
        vec![index(1, "PRIMARY", IndexKind::Primary, &[1])],
    );
    g.columns[2].generated = Some(Generated { expression: "`c` * 2".into(), stored: true });
    g.checks.push(CheckDef { name: "g_chk_1".into(), expression: "`c` > 0".into(), enforced: true });
    let n = table(12, "n", vec![column(1, "k", int(true)), column(2, "v", varchar(10))], vec![]);
    for def in [t, u, n, g] {
        catalog.put_table(Arc::new(def));
    }
    let merged = "select `d`.`t`.`id` AS `i`,`d`.`t`.`a` AS `a` from `d`.`t` where (`d`.`t`.`b` > 1)";
    catalog.put_view(Arc::new(view(900, "v", &["i", "a"], merged, ViewCheckOption::Cascaded)));
    let counted = "select `d`.`t`.`a` AS `a`,count(0) AS `n` from `d`.`t` group by `d`.`t`.`a`";
    catalog.put_view(Arc::new(view(901, "w", &["a", "n"], counted, ViewCheckOption::None)));
    catalog
}

pub fn plan_of(sql: &str) -> SqlResult<Plan> {
    let catalog = catalog();
    let session = Session::new(SqlMode::DEFAULT);
    let mut ctx = PlanContext::new(&catalog, &session);
    ctx.database = Some("d");
    let parsed = aurora_parser::parse(sql.as_bytes(), &ParseContext::default())?;
    let statement: &Statement = &parsed.statement;
    plan(statement, &parsed.ast, parsed.parameters, &ctx)
}
