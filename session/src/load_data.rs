//! LOAD DATA: which columns a file's fields go to, where its bytes come from, and what is said of it.

use crate::data_file::{Line, LineReader, Wanted};
use crate::data_shape::{FileShape, Width, width_of};
use crate::run::{Done, STALE};
use crate::session::Session;
use crate::show::create::quoted;
use aurora_catalog::CatalogSnapshot;
use aurora_executor::{LoadColumns, LoadField, LoadRecord, Loaded, Outcome, TakeRecord};
use aurora_parser::{Expr, LoadData, LoadDuplicates, LoadTarget, Parsed};
use aurora_planner::{Plan, PlanBody};
use aurora_security::Privilege;
use aurora_types::error as er;
use aurora_types::{Charset, Diagnostics, RowSink, SqlError, SqlMode, SqlResult, Value, charset};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// How often a statement starts again because a definition changed under it.
const DEFINITION_RETRIES: usize = 5;
/// Bytes of a server's file that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Columns of the INSERT that LOAD DATA amounts to: those of the file first, then those of SET.
struct Columns {
    names: Vec<String>,
    values: Vec<Vec<u8>>,
    /// Where each field goes: position in `names`, or a user variable.
    fields: Vec<Result<usize, String>>,
    assigned: usize,
}

/// Widths of the fields of a file without separators: those of their columns.
fn widths(plan: &Plan, columns: &LoadColumns, shape: &FileShape) -> SqlResult<Vec<usize>> {
    let PlanBody::Insert(insert) = &plan.body else { return Ok(Vec::new()) };
    let width = |field: &LoadField| match field {
        LoadField::Column(at) => match width_of(&insert.table.columns[*at].ty) {
            Width::Bytes(bytes) => Ok(bytes),
            // It takes the rest of the line, where there are lines.
            Width::AtMost(_) if shape.lines_end.is_empty() => {
                Err(SqlError::new(er::ER_BLOBS_AND_NO_TERMINATED, &[]))
            }
            Width::AtMost(bytes) => Ok(bytes),
        },
        LoadField::Variable(name) => Err(SqlError::new(er::ER_LOAD_FROM_FIXED_SIZE_ROWS_TO_VAR, &[name])),
    };
    columns.fields.iter().map(width).collect()
}

/// Hands a line on.
fn give(line: &Line, take: &mut TakeRecord<'_>) -> SqlResult<()> {
    let fields: Vec<_> = line.fields().collect();
    take(&LoadRecord { fields: &fields, truncated: line.truncated })
}

/// Reads a file of the server piece by piece.
fn read_file(file: &mut File, reader: &mut LineReader, take: &mut TakeRecord<'_>) -> SqlResult<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let bytes = match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let number = error.raw_os_error().unwrap_or_default();
                let message = format!("Error reading file (OS errno {number} - {error})");
                return Err(SqlError { code: 2, sqlstate: "HY000", message });
            }
        };
        reader.push(&piece[..bytes], &mut |line| give(line, take))?;
    }
}

impl Session {
    /// Runs LOAD DATA.
    ///
    /// # Errors
    /// 3948, 1045, 1290 and others before anything is read; what rows raise; failures to read the file.
    pub(crate) fn load_data(
        &mut self,
        load: &LoadData,
        parsed: &Parsed,
        text: &[u8],
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Done> {
        let not_yet = |what: &str| Err(SqlError::new(er::ER_NOT_SUPPORTED_YET, &[&what]));
        self.check_load(load)?;
        if !load.partitions.is_empty() {
            return not_yet("PARTITION in LOAD DATA");
        }
        let charset = self.file_charset(load.charset.as_ref().map(|name| name.to_str_lossy()).as_deref())?;
        if charset.min_bytes() > 1 {
            return not_yet("data files of a character set that is no superset of ASCII");
        }
        let backslash = !self.state.sql_mode.contains(SqlMode::NO_BACKSLASH_ESCAPES);
        let shape = FileShape::new(&load.format, charset, backslash)?;
        for _ in 0..DEFINITION_RETRIES {
            let (plan, columns) = self.plan_load(load, parsed, text, &shape)?;
            diagnostics.clear();
            if shape.has_wide_separators() {
                diagnostics.warn(er::WARN_NON_ASCII_SEPARATOR_NOT_IMPLEMENTED, &[]);
            }
            match self.run_load(load, &plan, &columns, &shape, diagnostics, sink) {
                Err(error) if error.code == STALE => {}
                done => return done,
            }
        }
        Err(SqlError::new(er::ER_TABLE_DEF_CHANGED, &[]))
    }

    /// What is refused whatever the table is.
    fn check_load(&self, load: &LoadData) -> SqlResult<()> {
        if load.local {
            let enabled = match crate::variables::lookup("local_infile") {
                Some((id, _)) => matches!(self.state.shared.globals.get(id), Value::Int(1)),
                None => false,
            };
            if !enabled || !self.state.local_infile {
                return Err(SqlError::new(er::ER_CLIENT_LOCAL_FILES_DISABLED, &[]));
            }
            return Ok(());
        }
        if !self.privileges().has_global(Privilege::File) {
            let args: [&dyn std::fmt::Display; 3] = [&self.state.user, &self.state.client_host, &"YES"];
            return Err(SqlError::new(er::ER_ACCESS_DENIED_ERROR, &args));
        }
        Ok(())
    }

    /// The character set of a data file: the one named, or the database's.
    fn file_charset(&self, name: Option<&str>) -> SqlResult<Charset> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.state.variables.text("character_set_database"),
        };
        charset::lookup(&name).ok_or_else(|| SqlError::new(er::ER_UNKNOWN_CHARACTER_SET, &[&name]))
    }

    /// The plan of an INSERT of one row: resolution, privileges, views and SET's expressions are the same.
    fn plan_load(
        &self,
        load: &LoadData,
        parsed: &Parsed,
        text: &[u8],
        shape: &FileShape,
    ) -> SqlResult<(Arc<Plan>, LoadColumns)> {
        let snapshot = self.state.shared.catalog.snapshot();
        let columns = self.load_columns(load, parsed, text, &snapshot)?;
        let client = self.state.client_collation.charset();
        let mut sql: Vec<u8> = match (load.duplicates, load.local) {
            (LoadDuplicates::Replace, _) => b"REPLACE INTO ".to_vec(),
            // Nothing can be told to a client that is sending: it is as with IGNORE.
            (LoadDuplicates::Ignore, _) | (_, true) => b"INSERT IGNORE INTO ".to_vec(),
            (LoadDuplicates::Error, false) => b"INSERT INTO ".to_vec(),
        };
        let mut say = |text: &str| sql.extend_from_slice(&client.encode_lossy(text.as_bytes()));
        if let Some(schema) = &load.table.schema {
            say(&quoted(schema.as_str()));
            say(".");
        }
        say(&quoted(load.table.name.as_str()));
        let names: Vec<String> = columns.names.iter().map(|name| quoted(name)).collect();
        say(&format!(" ({}) VALUES (", names.join(", ")));
        sql.extend_from_slice(&columns.values.join(&b", "[..]));
        sql.push(b')');
        let insert = aurora_parser::parse(&sql, &self.parse_context(false))?;
        let plan = self.plan_with(&insert.statement, &insert, &snapshot, &[])?;
        let positions = match &plan.body {
            PlanBody::Insert(insert) => insert.columns.clone(),
            _ => Vec::new(),
        };
        let place = |field: &Result<usize, String>| match field {
            Ok(at) => positions.get(*at).copied().map(LoadField::Column),
            Err(variable) => Some(LoadField::Variable(variable.clone())),
        };
        let fields = columns.fields.iter().filter_map(place).collect();
        let (assigned, charset, fixed) = (columns.assigned, shape.charset, shape.is_fixed());
        Ok((Arc::new(plan), LoadColumns { fields, assigned, charset, fixed }))
    }

    fn load_columns(
        &self,
        load: &LoadData,
        parsed: &Parsed,
        text: &[u8],
        snapshot: &CatalogSnapshot,
    ) -> SqlResult<Columns> {
        let (schema, name) = self.qualify(&load.table)?;
        let temporary = self.temporary.iter().find(|table| table.schema == schema && table.name == name);
        let table = temporary.or_else(|| snapshot.table(&schema, &name));
        let named: Vec<Result<String, String>> = if !load.columns.is_empty() {
            let target = |target: &LoadTarget| match target {
                LoadTarget::Column(name) => Ok(name.as_str().to_owned()),
                LoadTarget::UserVariable(name) => Err(name.to_str_lossy().to_lowercase()),
            };
            load.columns.iter().map(target).collect()
        } else if let Some(table) = table {
            table.columns.iter().filter(|c| !c.invisible).map(|c| Ok(c.name.clone())).collect()
        } else {
            self.view_columns(&schema, &name)?.into_iter().map(|column| Ok(column.name)).collect()
        };
        let set: Vec<&str> = load.assignments.iter().map(|set| set.column.column.as_str()).collect();
        let same = |a: &str, b: &str| aurora_catalog::names_equal(a, b);
        let mut names: Vec<String> = Vec::new();
        for name in named.iter().flatten() {
            let known = set.iter().any(|set| same(set, name)) || names.iter().any(|known| same(known, name));
            if !known {
                names.push(name.clone());
            }
        }
        let mut values = vec![b"DEFAULT".to_vec(); names.len()];
        for assignment in &load.assignments {
            let column = assignment.column.column.as_str();
            names.push(column.to_owned());
            // A generated column computes its value whatever SET says.
            let generated = table.is_some_and(|table| {
                table.columns.iter().any(|c| c.generated.is_some() && same(&c.name, column))
            });
            let default = generated || matches!(parsed.ast.expr(assignment.value), Expr::Default(None));
            values.push(if default {
                b"DEFAULT".to_vec()
            } else {
                parsed.ast.span(assignment.value).of(text).to_vec()
            });
        }
        let at = |name: &String| names.iter().position(|known| same(known, name)).unwrap_or_default();
        let fields = named.into_iter().map(|field| field.map(|name| at(&name))).collect();
        Ok(Columns { fields, assigned: set.len(), names, values })
    }

    fn run_load(
        &mut self,
        load: &LoadData,
        plan: &Arc<Plan>,
        columns: &LoadColumns,
        shape: &FileShape,
        diagnostics: &mut Diagnostics,
        sink: &mut dyn RowSink,
    ) -> SqlResult<Done> {
        let mut file = match load.local {
            true => None,
            false => Some(self.open_infile(&load.file.to_str_lossy(), &load.table)?),
        };
        let mut counts = Loaded::default();
        let skip = load.ignore_lines.unwrap_or(0);
        let wanted = match shape.is_fixed() {
            true => Wanted::Fixed(widths(plan, columns, shape)?),
            false => Wanted::Fields(columns.fields.len()),
        };
        let mut done = self.run_as(plan, &[], diagnostics, &mut |run, diagnostics| {
            let mut reader = LineReader::new(shape.clone(), wanted.clone(), skip);
            counts = run.load(
                columns,
                &mut |take| {
                    match &mut file {
                        Some(file) => read_file(file, &mut reader, take)?,
                        None => sink.local_infile(load.file.bytes.as_bytes(), &mut |piece| {
                            reader.push(piece, &mut |line| give(line, take))
                        })?,
                    }
                    reader.finish(&mut |line| give(line, take))
                },
                diagnostics,
            )?;
            Ok(Outcome::Changed(counts.changes))
        })?;
        let deleted = counts.changes.affected.saturating_sub(counts.copied);
        let skipped = counts.records.saturating_sub(counts.copied);
        done.info = format!(
            "Records: {}  Deleted: {deleted}  Skipped: {skipped}  Warnings: {}",
            counts.records, diagnostics.count
        );
        // MySQL's OK tells of no generated value here; LAST_INSERT_ID() does.
        done.packet_id = 0;
        Ok(done)
    }
}
