//! Views.

use super::builder::check_name;
use crate::session::Session;
use aurora_catalog::{ViewAlgorithm, ViewCheckOption, ViewDef, ViewSecurity};
use aurora_parser::{
    CheckOption, CreateView, DropTables, Parsed, SqlSecurity, UserName, ViewAlgorithm as Algorithm,
};
use aurora_types::error as er;
use aurora_types::{Diagnostics, Level, SqlError, SqlResult};

impl Session {
    pub(crate) fn create_view(
        &mut self,
        statement: &CreateView,
        parsed: &Parsed,
        sql: &[u8],
    ) -> SqlResult<()> {
        let (schema, name) = self.qualify(&statement.name)?;
        self.require_schema(&schema)?;
        check_name(&name)?;
        let snapshot = self.state.shared.catalog.snapshot();
        if snapshot.table(&schema, &name).is_some() {
            return Err(if statement.alter || statement.or_replace {
                SqlError::new(er::ER_WRONG_OBJECT, &[&schema, &name, &"VIEW"])
            } else {
                SqlError::new(er::ER_TABLE_EXISTS_ERROR, &[&name])
            });
        }
        let known = snapshot.view(&schema, &name).cloned();
        if known.is_none() && statement.alter {
            return Err(SqlError::new(er::ER_NO_SUCH_TABLE, &[&schema, &name]));
        }
        if known.is_some() && !statement.or_replace && !statement.alter {
            if statement.if_not_exists {
                return Ok(());
            }
            return Err(SqlError::new(er::ER_TABLE_EXISTS_ERROR, &[&name]));
        }
        // Planning the query finds what is wrong with it, and its columns.
        let columns = self.query_columns(parsed, sql, statement.query)?;
        if !statement.columns.is_empty() && statement.columns.len() != columns.len() {
            return Err(SqlError::new(er::ER_VIEW_WRONG_LIST, &[]));
        }
        let names: Vec<String> = if statement.columns.is_empty() {
            columns.iter().map(|(name, _)| name.clone()).collect()
        } else {
            statement.columns.iter().map(|name| name.as_str().to_owned()).collect()
        };
        for (at, name) in names.iter().enumerate() {
            if names[..at].iter().any(|other| aurora_catalog::names_equal(other, name)) {
                return Err(SqlError::new(er::ER_DUP_FIELDNAME, &[name]));
            }
        }
        let definer = match &statement.definer {
            None | Some(UserName::Current) => self.state.account_text(),
            Some(UserName::Named { user, host, .. }) => {
                format!("{}@{}", user.to_str_lossy(), host.to_str_lossy())
            }
        };
        let shared = self.state.shared.clone();
        let id = match &known {
            Some(view) => view.id,
            None => shared.catalog.new_table_id()?,
        };
        let query = String::from_utf8_lossy(statement.source.of(sql)).trim().to_owned();
        let view = ViewDef {
            id,
            // Unqualified names of the query mean the database that was in use, see `columns`.
            query: self.qualified_query(parsed, sql, statement.query, &query),
            schema,
            name,
            columns: names,
            algorithm: match statement.algorithm {
                None | Some(Algorithm::Undefined) => ViewAlgorithm::Undefined,
                Some(Algorithm::Merge) => ViewAlgorithm::Merge,
                Some(Algorithm::TempTable) => ViewAlgorithm::TempTable,
            },
            check_option: match statement.check_option {
                None => ViewCheckOption::None,
                Some(CheckOption::Local) => ViewCheckOption::Local,
                Some(CheckOption::Cascaded) => ViewCheckOption::Cascaded,
            },
            security: match statement.security {
                Some(SqlSecurity::Invoker) => ViewSecurity::Invoker,
                _ => ViewSecurity::Definer,
            },
            definer,
            charset_client: self.state.client_collation.charset().name().to_owned(),
            collation_connection: self.state.connection_collation,
            sql_mode: self.state.sql_mode.0,
        };
        let mut change = shared.catalog.change();
        change.put_view(view)?;
        self.commit_change(change)
    }

    /// Puts the database in use before table names that have none: edits of the text at the names' places.
    fn qualified_query(
        &self,
        parsed: &Parsed,
        sql: &[u8],
        query: aurora_parser::QueryId,
        text: &str,
    ) -> String {
        let Some(database) = &self.state.database else { return text.to_owned() };
        let range = crate::names::query_span(sql, text);
        let mut places = crate::names::unqualified_tables(&parsed.ast, query);
        places.sort_unstable();
        places.dedup();
        let quoted = format!("`{}`.", database.replace('`', "``"));
        let mut out = String::with_capacity(text.len() + places.len() * quoted.len());
        let mut at = 0;
        for place in places {
            let Some(offset) = (place as usize).checked_sub(range) else { continue };
            if offset < at || offset > text.len() || !text.is_char_boundary(offset) {
                continue;
            }
            out.push_str(&text[at..offset]);
            out.push_str(&quoted);
            at = offset;
        }
        out.push_str(&text[at..]);
        out
    }

    pub(crate) fn drop_views(
        &mut self,
        statement: &DropTables,
        diagnostics: &mut Diagnostics,
    ) -> SqlResult<()> {
        let snapshot = self.state.shared.catalog.snapshot();
        let mut found = Vec::new();
        let mut missing = Vec::new();
        for name in &statement.names {
            let (schema, name) = self.qualify(name)?;
            if snapshot.view(&schema, &name).is_some() {
                found.push((schema, name));
            } else if snapshot.table(&schema, &name).is_some() {
                return Err(SqlError::new(er::ER_WRONG_OBJECT, &[&schema, &name, &"VIEW"]));
            } else {
                missing.push(format!("{schema}.{name}"));
            }
        }
        if !missing.is_empty() {
            let error = SqlError::new(er::ER_BAD_TABLE_ERROR, &[&missing.join(",")]);
            if !statement.if_exists {
                return Err(error);
            }
            diagnostics.push(Level::Note, error.code, error.message);
        }
        let shared = self.state.shared.clone();
        let mut change = shared.catalog.change();
        for (schema, name) in &found {
            change.drop_view(schema, name)?;
        }
        self.commit_change(change)
    }
}
