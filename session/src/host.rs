//! The session as the executor's host and the planner's context.

use crate::info_schema::{PlanStatistics, Rows, ServerTables};
use crate::session::Session;
use crate::shared::SessionShared;
use aurora_catalog::{CatalogSnapshot, ColumnDef, TableDef};
use aurora_executor::{Host, TableInfo};
use aurora_expr::{BuildContext, Expr, typing};
use aurora_parser::{ExprId, Parsed, QueryId, Statement};
use aurora_planner::{Plan, PlanContext, Statistics, TableExpressions};
use aurora_types::{ColumnMeta, SqlResult, SqlType, Value};
use std::sync::Arc;

/// One statement's host: a session and the definitions that its plan was made from.
pub(crate) struct SessionHost<'a> {
    pub session: &'a Session,
    pub catalog: &'a CatalogSnapshot,
}

impl Host for SessionHost<'_> {
    fn catalog(&self) -> &CatalogSnapshot {
        self.catalog
    }

    fn table_info(&self, table: &Arc<TableDef>) -> SqlResult<Arc<TableInfo>> {
        let last = &self.session.last_table;
        let info = match last.take() {
            Some(info) if is_same(&info.table, table) => info,
            _ => self.session.state.shared.table_info(table, |table| {
                let expressions = self.session.resolve_table_expressions(table, self.catalog)?;
                TableInfo::new(table.clone(), expressions)
            })?,
        };
        last.set(Some(info.clone()));
        Ok(info)
    }

    fn virtual_rows(&self, table: &TableDef, _: &[usize], _: Option<&Expr>) -> SqlResult<Vec<Vec<Value>>> {
        Rows { session: self.session, catalog: self.catalog }.of(table)
    }

    fn temp_files(&self) -> Option<&aurora_executor::TempFiles> {
        self.session.state.shared.temp_files.get()
    }
}

/// Whether both have one shape.
fn is_same(a: &TableDef, b: &TableDef) -> bool {
    (a.id, a.version, a.storage) == (b.id, b.version, b.storage)
}

/// How long a count is believed, in microseconds.
const COUNT_AGE_MICROS: i64 = 10_000_000;

impl SessionShared {
    /// About how many rows a table had a short while ago: what plans are made from.
    ///
    /// # Errors
    /// Failures of storage.
    pub fn table_rows(&self, table: &TableDef) -> SqlResult<u64> {
        let now = self.now_micros();
        if let Some((rows, at)) = self.row_counts.lock().get(&table.storage)
            && now - at < COUNT_AGE_MICROS
        {
            return Ok(*rows);
        }
        let rows = self.sampled_rows(table.storage)?;
        self.row_counts.lock().insert(table.storage, (rows, now));
        Ok(rows)
    }
}

impl Session {
    pub(crate) fn host_on<'a>(&'a self, catalog: &'a CatalogSnapshot) -> SessionHost<'a> {
        SessionHost { session: self, catalog }
    }

    pub(crate) fn build_context(&self) -> BuildContext {
        let vars = &self.state.variables;
        BuildContext {
            sql_mode: self.state.sql_mode,
            collation: self.state.connection_collation,
            div_precision_increment: vars.integer("div_precision_increment") as u8,
            group_concat_max_len: vars.integer("group_concat_max_len"),
        }
    }

    pub(crate) fn plan_with(
        &self,
        statement: &Statement,
        parsed: &Parsed,
        catalog: &CatalogSnapshot,
        parameter_types: &[SqlType],
    ) -> SqlResult<Plan> {
        let statistics = PlanStatistics { session: self, catalog };
        let ctx = self.plan_context(catalog, parameter_types, &statistics);
        aurora_planner::plan(statement, &parsed.ast, parsed.parameters, &ctx)
    }

    /// A plan whose literals are parameters where that is possible.
    pub(crate) fn plan_lifted(
        &self,
        statement: &Statement,
        parsed: &Parsed,
        catalog: &CatalogSnapshot,
    ) -> SqlResult<Plan> {
        let statistics = PlanStatistics { session: self, catalog };
        let ctx = PlanContext { lift_literals: true, ..self.plan_context(catalog, &[], &statistics) };
        aurora_planner::plan(statement, &parsed.ast, parsed.parameters, &ctx)
    }

    fn plan_context<'a>(
        &'a self,
        catalog: &'a CatalogSnapshot,
        parameter_types: &'a [SqlType],
        statistics: &'a dyn Statistics,
    ) -> PlanContext<'a> {
        PlanContext {
            catalog,
            database: self.state.database.as_deref(),
            build: self.build_context(),
            client_charset: self.state.client_collation.charset(),
            session: &self.state,
            parameter_types,
            virtual_tables: &ServerTables,
            statistics,
            temporary_tables: &self.temporary,
            select_limit: self.state.settings.select_limit,
            lift_literals: false,
        }
    }

    /// Defaults, generated columns, checks and functional key parts of a table.
    pub(crate) fn resolve_table_expressions(
        &self,
        table: &Arc<TableDef>,
        catalog: &CatalogSnapshot,
    ) -> SqlResult<TableExpressions> {
        let ctx = self.plan_context(catalog, &[], &aurora_planner::NoStatistics);
        aurora_planner::table_expressions(table, &ctx)
    }

    /// An expression over given columns: WHERE of SHOW.
    pub(crate) fn bind_over(
        &self,
        parsed: &Parsed,
        sql: &[u8],
        expr: ExprId,
        columns: &[ColumnMeta],
    ) -> SqlResult<Expr> {
        let snapshot = self.state.shared.catalog.snapshot();
        let ctx = self.plan_context(&snapshot, &[], &aurora_planner::NoStatistics);
        let text = String::from_utf8_lossy(parsed.ast.span(expr).of(sql));
        let columns: Vec<_> =
            columns.iter().map(|column| (column.name.as_str(), column.ty.clone())).collect();
        let table = crate::info_schema::listing_table(&columns);
        aurora_planner::stored_expression(&text, &table, &ctx)
    }

    /// Names and types of a query's columns.
    pub(crate) fn query_columns(
        &self,
        parsed: &Parsed,
        _sql: &[u8],
        query: QueryId,
    ) -> SqlResult<Vec<(String, SqlType)>> {
        let columns = self.query_metas(parsed, query)?;
        Ok(columns.into_iter().map(|column| (column.name, column.ty)).collect())
    }

    /// Columns of a query with the types that a table made of it has.
    pub(crate) fn query_metas(
        &self,
        parsed: &Parsed,
        query: QueryId,
    ) -> SqlResult<Vec<aurora_types::ColumnMeta>> {
        let snapshot = self.state.shared.catalog.snapshot();
        let mut plan = self.plan_with(&Statement::Query(query), parsed, &snapshot, &[])?;
        for column in &mut plan.columns {
            let computed = column.org_name.is_empty();
            stored_type(&mut column.ty, computed);
        }
        Ok(plan.columns)
    }

    /// A view's columns as DESCRIBE shows them.
    ///
    /// # Errors
    /// 1356 when the view no longer works.
    pub(crate) fn view_columns(&self, schema: &str, name: &str) -> SqlResult<Vec<ColumnDef>> {
        let text = format!(
            "SELECT * FROM {}.{}",
            crate::show::create::quoted(schema),
            crate::show::create::quoted(name)
        );
        let context = aurora_parser::ParseContext::default();
        let parsed = aurora_parser::parse(text.as_bytes(), &context)?;
        let snapshot = self.state.shared.catalog.snapshot();
        let plan = self.plan_with(&parsed.statement, &parsed, &snapshot, &[])?;
        let columns = plan
            .columns
            .into_iter()
            .enumerate()
            .map(|(at, column)| {
                let mut ty = column.ty;
                stored_type(&mut ty, false);
                crate::info_schema::column(at as u32, &column.name, ty)
            })
            .collect();
        Ok(columns)
    }
}

/// What a result's type becomes as the type of a table's column: results of strings tell of decimals and signs that
/// columns do not have, and short computed integers are an INT.
fn stored_type(ty: &mut SqlType, computed: bool) {
    use aurora_types::BaseType;
    match typing::domain(ty) {
        typing::Domain::Text | typing::Domain::Json => {
            ty.decimals = 0;
            ty.unsigned = false;
            if ty.base == BaseType::Text {
                ty.length = 65_535;
            }
        }
        typing::Domain::Int if computed && ty.base == BaseType::BigInt && ty.length < 11 => {
            ty.base = BaseType::Int;
            ty.length = if ty.unsigned { 10 } else { 11 };
        }
        typing::Domain::Null => {
            *ty = SqlType { nullable: ty.nullable, ..SqlType::new(BaseType::VarChar, 0) };
        }
        _ => {}
    }
}
