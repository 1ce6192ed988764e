//! A session behind opensrv-mysql's trait: what a statement gives is collected, then written with opensrv's writers.

use crate::sqlstates;
use async_trait::async_trait;
use aurora_env::ThreadWaiter;
use aurora_session::Session;
use aurora_types::{
    BaseType, CollationId, ColumnFlags as MetaFlags, ColumnMeta, RowSink, SqlError, SqlResult,
    StatementStatus, ValueRef, display,
};
use opensrv_mysql::{
    AsyncMysqlShim, Column, ColumnFlags, ColumnType, ErrorKind, InitWriter, OkResponse, ParamParser,
    QueryResultWriter, StatementMetaWriter,
};
use std::io;
use std::sync::Mutex;
use tokio::io::AsyncWrite;

/// Begins the text of an error that stands for a gap of opensrv, not for an answer of the session.
pub const GAP: &str = "opensrv-mysql cannot: ";

/// Name and password go unread; the plugin is the one whose answer opensrv takes in one step.
pub struct SessionShim {
    /// The trait wants its implementors shared between threads; nobody shares this one.
    session: Mutex<Session>,
}

impl SessionShim {
    pub fn new(session: Session) -> SessionShim {
        SessionShim { session: Mutex::new(session) }
    }

    /// Runs to the end, commit included.
    fn run(&mut self, sql: &str) -> SqlResult<(Collected, StatementStatus)> {
        let session = self.session.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut sink = Collected { results: session.results_collation(), ..Collected::default() };
        let reply = session.execute(sql.as_bytes(), &mut sink)?;
        if let Some(ticket) = reply.ticket {
            ticket.wait(&ThreadWaiter).map_err(aurora_txn::TxnError::from)?;
        }
        Ok((sink, reply.status))
    }
}

/// The result sets of one text.
#[derive(Default)]
struct Collected {
    columns: Vec<ColumnMeta>,
    rows: Vec<Vec<Option<Vec<u8>>>>,
    results: Option<CollationId>,
    /// Results that ended before the last.
    ended: usize,
}

impl RowSink for Collected {
    fn begin(&mut self, columns: &[ColumnMeta]) -> SqlResult<()> {
        self.columns = columns.to_vec();
        self.rows.clear();
        Ok(())
    }

    fn row(&mut self, cells: &[ValueRef<'_>]) -> SqlResult<bool> {
        let results = self.results;
        let row =
            self.columns.iter().zip(cells).map(|(column, cell)| text_of(*cell, column, results)).collect();
        self.rows.push(row);
        Ok(false)
    }

    fn end(&mut self, _: &StatementStatus) -> SqlResult<()> {
        self.ended += 1;
        Ok(())
    }

    fn results_collation(&mut self, collation: Option<CollationId>) {
        self.results = collation;
    }
}

/// A cell as the text protocol sends it.
fn text_of(cell: ValueRef<'_>, column: &ColumnMeta, results: Option<CollationId>) -> Option<Vec<u8>> {
    let ty = &column.ty;
    let bits = match cell {
        ValueRef::Null => return None,
        ValueRef::UInt(bits) => Some(bits),
        ValueRef::Int(bits) => Some(bits as u64),
        _ => None,
    };
    if let (BaseType::Bit, Some(bits)) = (&ty.base, bits) {
        let bytes = (ty.length as usize).div_ceil(8).clamp(1, 8);
        return Some(bits.to_be_bytes()[8 - bytes..].to_vec());
    }
    let mut text = Vec::new();
    display::write_text(cell, ty, &mut text);
    if matches!(cell, ValueRef::Text(_)) && !ty.collation.is_binary() {
        text = results.unwrap_or(ty.collation).charset().encode_lossy(&text).into_owned();
    }
    Some(text)
}

/// opensrv's word for a column; length, decimals, character set and original names it cannot say.
fn column_of(meta: &ColumnMeta) -> Column {
    let ty = &meta.ty;
    let coltype = match &ty.base {
        BaseType::Null => ColumnType::MYSQL_TYPE_NULL,
        BaseType::TinyInt => ColumnType::MYSQL_TYPE_TINY,
        BaseType::SmallInt => ColumnType::MYSQL_TYPE_SHORT,
        BaseType::MediumInt => ColumnType::MYSQL_TYPE_INT24,
        BaseType::Int => ColumnType::MYSQL_TYPE_LONG,
        BaseType::BigInt => ColumnType::MYSQL_TYPE_LONGLONG,
        BaseType::Float => ColumnType::MYSQL_TYPE_FLOAT,
        BaseType::Double => ColumnType::MYSQL_TYPE_DOUBLE,
        BaseType::Decimal => ColumnType::MYSQL_TYPE_NEWDECIMAL,
        BaseType::Bit => ColumnType::MYSQL_TYPE_BIT,
        BaseType::Year => ColumnType::MYSQL_TYPE_YEAR,
        BaseType::Date => ColumnType::MYSQL_TYPE_DATE,
        BaseType::Time => ColumnType::MYSQL_TYPE_TIME,
        BaseType::DateTime => ColumnType::MYSQL_TYPE_DATETIME,
        BaseType::Timestamp => ColumnType::MYSQL_TYPE_TIMESTAMP,
        BaseType::Char | BaseType::Enum(_) | BaseType::Set(_) => ColumnType::MYSQL_TYPE_STRING,
        BaseType::VarChar => ColumnType::MYSQL_TYPE_VAR_STRING,
        // Texts that are no column's: MySQL says how long they may be.
        BaseType::MediumText if meta.org_name.is_empty() => ColumnType::MYSQL_TYPE_MEDIUM_BLOB,
        BaseType::Text | BaseType::LongText if meta.org_name.is_empty() => ColumnType::MYSQL_TYPE_LONG_BLOB,
        BaseType::TinyText | BaseType::Text | BaseType::MediumText | BaseType::LongText => {
            ColumnType::MYSQL_TYPE_BLOB
        }
        BaseType::Json => ColumnType::MYSQL_TYPE_JSON,
        BaseType::Geometry(_) => ColumnType::MYSQL_TYPE_GEOMETRY,
    };
    let mut colflags = ColumnFlags::from_bits_truncate(meta.flags.0 & !MetaFlags::NUM);
    colflags.set(ColumnFlags::NOT_NULL_FLAG, !ty.nullable);
    colflags
        .set(ColumnFlags::UNSIGNED_FLAG, ty.unsigned || matches!(ty.base, BaseType::Bit | BaseType::Year));
    colflags.set(ColumnFlags::ENUM_FLAG, matches!(ty.base, BaseType::Enum(_)));
    colflags.set(ColumnFlags::SET_FLAG, matches!(ty.base, BaseType::Set(_)));
    Column { table: meta.table.clone(), column: meta.name.clone(), coltype, colflags }
}

/// An info text as clients read it. opensrv writes it bare, where MySQL puts its length before it in any case.
fn with_length(info: String) -> String {
    match u8::try_from(info.len()) {
        Ok(len @ 1..=127) => format!("{}{info}", char::from(len)),
        _ => String::new(),
    }
}

/// opensrv's word for an error. Numbers that it does not know travel in the text of its 1105.
fn error_of(error: &SqlError) -> (ErrorKind, String) {
    match sqlstates::kind(error.code) {
        Some(kind) => (kind, error.message.clone()),
        None => {
            (ErrorKind::ER_UNKNOWN_ERROR, format!("[{} {}] {}", error.code, error.sqlstate, error.message))
        }
    }
}

#[async_trait]
impl<W: AsyncWrite + Send + Unpin> AsyncMysqlShim<W> for SessionShim {
    type Error = io::Error;

    fn version(&self) -> String {
        aurora_wire::handshake::SERVER_VERSION.into()
    }

    async fn authenticate(&self, _: &str, _: &[u8], _: &[u8], _: &[u8]) -> bool {
        true
    }

    async fn on_prepare<'a>(
        &'a mut self,
        _: &'a str,
        info: StatementMetaWriter<'a, W>,
    ) -> Result<(), Self::Error> {
        info.error(
            ErrorKind::ER_NOT_SUPPORTED_YET,
            format!("{GAP}be asked for COM_STMT_PREPARE here").as_bytes(),
        )
        .await
    }

    async fn on_execute<'a>(
        &'a mut self,
        _: u32,
        _: ParamParser<'a>,
        results: QueryResultWriter<'a, W>,
    ) -> Result<(), Self::Error> {
        results.error(ErrorKind::ER_UNKNOWN_STMT_HANDLER, b"nothing is prepared here".as_slice()).await
    }

    async fn on_close<'a>(&'a mut self, _: u32)
    where
        W: 'async_trait,
    {
    }

    async fn on_query<'a>(
        &'a mut self,
        query: &'a str,
        results: QueryResultWriter<'a, W>,
    ) -> Result<(), Self::Error> {
        let (collected, status) = match self.run(query) {
            Ok(done) => done,
            Err(error) => {
                let (kind, message) = error_of(&error);
                return results.error(kind, message.as_bytes()).await;
            }
        };
        if collected.ended > 0 {
            let why = format!("{GAP}tell a client without EOF packets of more results");
            return results.error(ErrorKind::ER_UNKNOWN_ERROR, why.as_bytes()).await;
        }
        if collected.columns.is_empty() {
            let done = OkResponse {
                affected_rows: status.affected_rows,
                last_insert_id: status.last_insert_id,
                info: with_length(status.info),
                ..OkResponse::default()
            };
            return results.completed(done).await;
        }
        let columns: Vec<Column> = collected.columns.iter().map(column_of).collect();
        let mut rows = results.start(&columns).await?;
        for row in &collected.rows {
            for cell in row {
                rows.write_col(cell.as_deref())?;
            }
            rows.end_row().await?;
        }
        rows.finish().await
    }

    async fn on_init<'a>(
        &'a mut self,
        schema: &'a str,
        writer: InitWriter<'a, W>,
    ) -> Result<(), Self::Error> {
        let session = self.session.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        match session.use_database(schema) {
            Ok(()) => writer.ok().await,
            Err(error) => {
                let (kind, message) = error_of(&error);
                writer.error(kind, message.as_bytes()).await
            }
        }
    }
}
